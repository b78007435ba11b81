import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type ChannelDriver, type Delivery, type Entry, oneWrite, type Subscription } from '@sluice/channel'
import { settle, VirtualClock } from '@sluice/testkit'
import { openEmbeddedDriver } from '../src/index.ts'
import { FaultyDriver, LATE_MS } from './faulty-driver.ts'
import { silent } from './folder.ts'

const CHANNEL = 'queues'
const SUBSCRIPTION = 'dispatch'
const SPILL_MS = 250
const LIMITS = { spillAfterMs: SPILL_MS, maxDirect: 100, maxDirectBytes: 10_000, maxWaiting: 10 }

let clock: VirtualClock
let store: ChannelDriver
let faulty: FaultyDriver
let driver: ChannelDriver
let consumer: Consumer

beforeEach(async () => {
  clock = new VirtualClock()
  store = await openEmbeddedDriver({ dataDir: ':memory:', clock, log: silent })
  faulty = new FaultyDriver(store, clock)
  await open()
})

afterEach(async () => {
  const closing = driver[Symbol.asyncDispose]().then(() => store[Symbol.asyncDispose]())
  await clock.advance(1_000)
  await closing
})

async function open(limits: Partial<typeof LIMITS> = {}): Promise<void> {
  driver = oneWrite(faulty.driver, clock, { ...LIMITS, ...limits })
  await driver.create(CHANNEL, { kind: 'queue', lanes: 2, subscriptions: [SUBSCRIPTION] })
}

class Consumer {
  readonly out: Delivery[] = []
  readonly ids: string[] = []
  readonly subscription: Subscription
  readonly #stop = new AbortController()

  constructor({ window, maxInFlight = 1_000 }: { window?: (queue: string) => number; maxInFlight?: number } = {}) {
    const options = { maxInFlight, maxInFlightBytes: 1_000_000, ...(window === undefined ? {} : { window }) }
    this.subscription = driver.subscribe(CHANNEL, SUBSCRIPTION, options, this.#stop.signal)
    void this.#read()
  }

  take(): Delivery {
    return this.out.shift() as Delivery
  }

  async leave(): Promise<void> {
    this.#stop.abort()
    this.out.length = 0
    await settle()
  }

  async #read(): Promise<void> {
    for await (const batch of this.subscription) {
      if (this.#stop.signal.aborted) return
      for (const delivery of batch) {
        this.out.push(delivery)
        this.ids.push(idOf(delivery))
      }
    }
  }
}

function idOf({ event }: Pick<Delivery, 'event'>): string {
  return String(event.attributes.get('id'))
}

function entryOf(id: string, more: Partial<Entry> = {}, bytes = 0): Entry {
  const attributes = new Map(Object.entries({ specversion: '1.0', id, source: '/', type: 't' }))
  const event = { attributes, data: bytes === 0 ? undefined : Buffer.alloc(bytes), dataKind: undefined }
  return { event, laneKey: 'lane', queue: 'q', ...more }
}

/** How a publish stands: '…' while it waits, else the position or the code of its refusal. */
function publish(...entries: readonly Entry[]): { readonly is: string } {
  const state = { is: '…' }
  driver.publish(CHANNEL, entries).then(
    (positions) => {
      state.is = `at ${positions.join()}`
    },
    (error: { detail?: { code: string } }) => {
      state.is = error.detail?.code ?? String(error)
    },
  )
  return state
}

const written = () => faulty.published.map(idOf)
const backlog = async () => (await store.backlog(CHANNEL, SUBSCRIPTION)).events

describe('a copy that ends at once', () => {
  test('is never written, and its publish fulfils with no position once it is acked', async () => {
    const consumer = new Consumer()
    const published = publish(entryOf('1', { dedupKey: 'k' }))
    await settle()
    expect([consumer.ids, published.is]).toEqual([['1'], '…'])
    await consumer.take().ack()
    await settle()
    expect([published.is, written()]).toEqual(['at ', []])
  })

  test.each([
    ['nack', (delivery: Delivery) => delivery.nack(100, 'why'), { attempt: 2, note: 'why' }],
    ['release', (delivery: Delivery) => delivery.release(100), { attempt: 1, note: undefined }],
  ])(
    'but by a %s is written with its attempt and note and comes again when its time has come',
    async (_, end, then) => {
      const consumer = new Consumer()
      const published = publish(entryOf('1', { dedupKey: 'k' }))
      await settle()
      const ended = end(consumer.take())
      await clock.advance(50)
      await ended
      expect([published.is, consumer.ids]).toEqual([expect.stringMatching(/^at \d+$/), ['1']])
      await clock.advance(60)
      expect(consumer.take()).toMatchObject({ ...then, handOuts: 1, dedupKey: 'k' })
    },
  )

  test('but by being parked is listed with its reason', async () => {
    const consumer = new Consumer()
    publish(entryOf('1'))
    await settle()
    const parking = consumer.take().park('POISON', 'why')
    await clock.advance(10)
    await parking
    expect(await store.parked(CHANNEL, { limit: 5 })).toMatchObject([{ reason: 'POISON', note: 'why' }])
    expect(await backlog()).toBe(0)
  })

  test('and has no key of its own shows none, written or not', async () => {
    const consumer = new Consumer()
    publish(entryOf('1'))
    await settle()
    expect(consumer.out[0]?.dedupKey).toBeUndefined()
    void consumer.take().nack(0)
    await clock.advance(10)
    expect(consumer.out[0]?.dedupKey).toBeUndefined()
  })
})

describe('a copy that does not end at once', () => {
  test('is written a quarter of a second after it came, which fulfils its publish, and ends with its request', async () => {
    const consumer = new Consumer()
    const published = publish(entryOf('1', { dedupKey: 'k' }))
    await clock.advance(SPILL_MS - 1)
    expect([written(), published.is]).toEqual([[], '…'])
    await clock.advance(10)
    expect([written(), published.is]).toEqual([['1'], expect.stringMatching(/^at \d+$/)])
    await consumer.take().ack()
    await clock.advance(10)
    expect([consumer.ids, await backlog()]).toEqual([['1'], 0])
  })

  test('ends as its request did also when the store hands it out later, to another consumer', async () => {
    let size = 1
    const first = new Consumer({ window: () => size })
    publish(entryOf('1', { dedupKey: 'k' }))
    await settle()
    size = 0
    await clock.advance(SPILL_MS + 10)
    await first.take().park('POISON')
    const second = new Consumer({ window: () => size })
    await first.leave()
    size = 5
    second.subscription.wake('q')
    await clock.advance(10)
    expect(second.ids).toEqual([])
    expect(await store.parked(CHANNEL, { limit: 5 })).toMatchObject([{ reason: 'POISON' }])
  })

  test('is written at once where memory has no room for more of them, or for more bytes', async () => {
    await open({ maxDirect: 2 })
    const consumer = new Consumer()
    for (const id of ['1', '2', '3']) publish(entryOf(id, { laneKey: id }))
    await settle()
    expect([written(), consumer.ids]).toEqual([['3'], ['1', '2', '3']])
    await open({ maxDirectBytes: 5_000 })
    const another = new Consumer()
    for (const id of ['4', '5']) publish(entryOf(id, { laneKey: id }, 3_000))
    await clock.advance(1)
    expect(written()).toContain('5')
    expect(another.ids[0]).toBe('4')
    await consumer.leave()
  })
})

describe('what is not to be handed out now goes to the store', () => {
  test.each([
    ['parked', { parked: 'POISON' }],
    ['delayed', { notBefore: Date.UTC(2026, 0, 1) + 5_000 }],
    ['noted', { note: 'before' }],
  ])('%s', async (_, more) => {
    const consumer = new Consumer()
    publish(entryOf('0'))
    await settle()
    expect(consumer.ids).toEqual(['0'])
    const published = publish(entryOf('1', { ...more, dedupKey: 'k' }))
    const repeated = publish(entryOf('1', { ...more, dedupKey: 'k' }))
    await clock.advance(10)
    expect(written()).toEqual(['1'])
    expect(published.is).toMatch(/^at \d+$/)
    expect(repeated.is).toBe(published.is)
  })
})

describe('the bounds', () => {
  test('a window counts direct and stored copies together', async () => {
    let size = 1
    const consumer = new Consumer({ window: () => size })
    publish(entryOf('1'))
    await clock.advance(SPILL_MS + 10)
    publish(entryOf('2'), entryOf('3'))
    publish(entryOf('4', { laneKey: 'other' }))
    await clock.advance(SPILL_MS + 10)
    expect(consumer.ids).toEqual(['1'])
    size = 2
    consumer.subscription.wake('q')
    await clock.advance(10)
    expect(consumer.ids).toHaveLength(2)
    void consumer.take().ack()
    await clock.advance(10)
    expect(consumer.ids).toHaveLength(3)
  })

  test('maxInFlight counts direct and stored copies together, over all queues', async () => {
    const consumer = new Consumer({ maxInFlight: 2 })
    for (const queue of ['a', 'b', 'c', 'd']) publish(entryOf(queue, { queue }))
    await clock.advance(2 * SPILL_MS)
    expect(consumer.ids).toEqual(['a', 'b'])
    for (const id of ['c', 'd']) {
      void consumer.take().ack()
      await clock.advance(10)
      expect([consumer.ids.at(-1), consumer.out.length]).toEqual([id, 2])
    }
  })

  test('a window of 0 hands out nothing and keeps nothing in memory', async () => {
    const consumer = new Consumer({ window: () => 0 })
    publish(entryOf('1'))
    await clock.advance(10)
    expect([consumer.ids, written()]).toEqual([[], ['1']])
  })
})

describe('a lane keeps its order', () => {
  test('after a spill: what comes later waits behind what was written', async () => {
    const consumer = new Consumer({ window: () => 1 })
    publish(entryOf('1'))
    publish(entryOf('2'))
    await clock.advance(SPILL_MS + 10)
    publish(entryOf('3'))
    await clock.advance(10)
    publish(entryOf('4'))
    for (let i = 0; i < 4; i++) {
      void consumer.take().ack()
      await clock.advance(10)
    }
    expect(consumer.ids).toEqual(['1', '2', '3', '4'])
  })

  test('after being given back while they were written and nothing more was let out', async () => {
    let window = 2
    consumer = new Consumer({ window: () => window })
    await settle()
    for (const id of ['1', '2']) publish(entryOf(id))
    await settle()
    // Written as they run; with no window the store does not hand out their copies
    window = 0
    await clock.advance(SPILL_MS)
    publish(entryOf('3'))
    await clock.advance(SPILL_MS)
    for (const delivery of consumer.out.splice(0)) await delivery.release(0)
    window = 3
    consumer.subscription.wake('q')
    for (let i = 0; i < 5; i += 1) {
      await clock.advance(10)
      for (const delivery of consumer.out.splice(0)) await delivery.ack()
    }
    expect(consumer.ids).toEqual(['1', '2', '1', '2', '3'])
  })

  test('after a nack without delay: newcomers go behind it', async () => {
    const consumer = new Consumer({ window: () => 1 })
    publish(entryOf('1'))
    await settle()
    void consumer.take().nack(0)
    publish(entryOf('2'))
    publish(entryOf('3'))
    for (let i = 0; i < 3; i++) {
      await clock.advance(10)
      void consumer.take().ack()
    }
    expect(consumer.ids).toEqual(['1', '1', '2', '3'])
  })

  test('after a second consumer came and went', async () => {
    const first = new Consumer({ window: () => 1 })
    publish(entryOf('1'))
    publish(entryOf('2'))
    const second = new Consumer({ window: () => 1 })
    publish(entryOf('3'))
    await second.leave()
    publish(entryOf('4'))
    for (let i = 0; i < 5; i++) {
      await clock.advance(10)
      void first.out.shift()?.ack()
    }
    expect(first.ids).toEqual(['1', '2', '3', '4'])
  })

  test.each([
    [
      'more waits than memory takes',
      async () => void Array.from({ length: 11 }, (_, i) => publish(entryOf(`${i + 2}`))),
    ],
    [
      'memory is full',
      async () => {
        publish(entryOf('2', { queue: 'other' }, 8_500))
        await settle()
        publish(entryOf('3'))
      },
    ],
    ['the next is only for the store', async () => void publish(entryOf('2', { note: 'before' }))],
    [
      'writing it failed before',
      async () => {
        await clock.advance(SPILL_MS - 50)
        publish(entryOf('2'))
        faulty.storing = 'refused'
        await clock.advance(50)
        faulty.storing = 'well'
        await clock.advance(SPILL_MS - 20)
      },
    ],
    [
      'its consumer leaves, and writing it failed before',
      async () => {
        await clock.advance(SPILL_MS - 50)
        publish(entryOf('2'))
        faulty.storing = 'refused'
        await clock.advance(50)
        faulty.storing = 'well'
        await consumer.leave()
      },
    ],
  ])(
    'one at a time: what runs is in the store before what comes after it, should the process be killed, when %s',
    async (_, then) => {
      consumer = new Consumer({ window: (queue) => (queue === 'q' ? 1 : 10) })
      publish(entryOf('1'))
      await settle()
      expect([consumer.ids, written()]).toEqual([['1'], []])
      await then()
      await settle()
      expect(written().slice(0, 2)).toEqual(['1', expect.stringMatching(/^[23]$/)])
    },
  )

  test('one at a time: what runs is not written for the sake of another lane, nor of the next that waits in memory', async () => {
    consumer = new Consumer({ window: () => 1 })
    publish(entryOf('1'))
    publish(entryOf('2', { laneKey: 'a', note: 'before' }))
    publish(entryOf('3'))
    await settle()
    expect([consumer.ids, written()]).toEqual([['1'], ['2']])
  })

  test('after a repeat of what was stored before its consumer came', async () => {
    for (const id of ['1', '2']) publish(entryOf(id, { dedupKey: id }))
    await clock.advance(10)
    consumer = new Consumer({ window: () => 1 })
    publish(entryOf('3'))
    publish(entryOf('2', { dedupKey: '2' }))
    for (let i = 0; i < 5; i++) {
      await clock.advance(10)
      void consumer.out.shift()?.ack()
      if (i === 1) publish(entryOf('4'))
    }
    expect(consumer.ids).toEqual(['1', '2', '3', '4'])
  })

  test('and is direct again once the store has nothing of it', async () => {
    const consumer = new Consumer()
    publish(entryOf('1'))
    await settle()
    void consumer.take().nack(0)
    await clock.advance(10)
    void consumer.take().ack()
    const before = written().length
    publish(entryOf('2'))
    await settle()
    expect([consumer.ids.at(-1), written().length]).toEqual(['2', before])
  })
})

describe('a repeated key', () => {
  test('is handed out once while its copy runs, and both publishes fulfil with it', async () => {
    const consumer = new Consumer()
    const both = [publish(entryOf('1', { dedupKey: 'k' })), publish(entryOf('1', { dedupKey: 'k' }))]
    await settle()
    expect(consumer.ids).toEqual(['1'])
    await consumer.take().ack()
    await settle()
    expect(both.map(({ is }) => is)).toEqual(['at ', 'at '])
  })

  test.each([
    ['acked', (delivery: Delivery) => delivery.ack()],
    ['nacked', (delivery: Delivery) => delivery.nack(60_000)],
    ['parked', (delivery: Delivery) => delivery.park('POISON')],
  ])('is not handed out again after its copy was %s', async (_, end) => {
    const consumer = new Consumer()
    const first = publish(entryOf('1', { dedupKey: 'k' }))
    await settle()
    void end(consumer.take())
    await clock.advance(10)
    const second = publish(entryOf('1', { dedupKey: 'k' }))
    await clock.advance(SPILL_MS + 10)
    expect([consumer.ids, second.is]).toEqual([['1'], first.is])
  })

  test('of a call refused in part is not handed out again when the call is repeated', async () => {
    const consumer = new Consumer()
    faulty.storing = 'refused'
    const entries = [entryOf('1', { dedupKey: 'k1' }), entryOf('2', { dedupKey: 'k2' })]
    const call = publish(...entries)
    await settle()
    void consumer.take().ack()
    consumer
      .take()
      .nack(0)
      .catch(() => undefined)
    await settle()
    expect(call.is).toBe('CHANNEL_UNAVAILABLE')
    faulty.storing = 'well'
    const again = publish(...entries)
    await settle()
    expect(consumer.ids).toEqual(['1', '2', '2'])
    void consumer.take().ack()
    await settle()
    expect(again.is).toMatch(/^at ,\d*$/)
  })
})

describe('a write that fails', () => {
  test('is told to the publisher and to whoever ended it, and nothing is out any more', async () => {
    const consumer = new Consumer({ window: () => 1 })
    faulty.storing = 'refused'
    const published = publish(entryOf('1', { dedupKey: 'k' }))
    await settle()
    await expect(consumer.take().nack(0)).rejects.toMatchObject({ detail: { code: 'CHANNEL_UNAVAILABLE' } })
    expect(published.is).toBe('CHANNEL_UNAVAILABLE')
    faulty.storing = 'well'
    publish(entryOf('1', { dedupKey: 'k' }))
    await settle()
    expect(consumer.ids).toEqual(['1', '1'])
  })

  test('while the copy runs leaves it in memory, and is tried again', async () => {
    const consumer = new Consumer()
    faulty.storing = 'refused'
    const published = publish(entryOf('1'))
    await clock.advance(2 * SPILL_MS + 10)
    expect(published.is).toBe('…')
    faulty.storing = 'well'
    await clock.advance(SPILL_MS + 60)
    expect(published.is).toMatch(/^at \d+$/)
    await consumer.take().ack()
    await clock.advance(10)
    expect([consumer.ids, await backlog()]).toEqual([['1'], 0])
  })

  test('or only seems to fail hands out no copy a second time', async () => {
    const consumer = new Consumer()
    faulty.storing = 'unheard'
    publish(entryOf('1'))
    await clock.advance(SPILL_MS + 10)
    faulty.storing = 'well'
    await consumer.take().ack()
    await clock.advance(2 * SPILL_MS)
    expect([consumer.ids, await backlog()]).toEqual([['1'], 0])
  })

  test('or only seems to fail loses no end that follows', async () => {
    let size = 1
    const consumer = new Consumer({ window: () => size })
    publish(entryOf('1'))
    await settle()
    size = 0
    faulty.storing = 'unheard'
    await clock.advance(SPILL_MS + 10)
    faulty.storing = 'well'
    const parking = consumer.take().park('POISON')
    await clock.advance(10)
    await parking
    size = 1
    consumer.subscription.wake('q')
    await clock.advance(10)
    expect(consumer.ids).toEqual(['1'])
    expect(await store.parked(CHANNEL, { limit: 5 })).toMatchObject([{ reason: 'POISON' }])
  })
})

describe('a consumer that leaves', () => {
  test('leaves nothing in memory: what it had is written, uncounted, for the next', async () => {
    const consumer = new Consumer({ window: () => 1 })
    const both = [publish(entryOf('1')), publish(entryOf('2'))]
    await settle()
    await consumer.leave()
    await clock.advance(10)
    for (const { is } of both) expect(is).toMatch(/^at \d+$/)
    const next = new Consumer()
    await clock.advance(10)
    expect(next.out.map((delivery) => [idOf(delivery), delivery.attempt, delivery.handOuts])).toEqual([
      ['1', 1, 1],
      ['2', 1, 1],
    ])
  })

  test('tells the publishers of what could not be written', async () => {
    const consumer = new Consumer({ window: () => 1 })
    faulty.storing = 'refused'
    const both = [publish(entryOf('1')), publish(entryOf('2'))]
    await settle()
    await consumer.leave()
    expect(both.map(({ is }) => is)).toEqual(['CHANNEL_UNAVAILABLE', 'CHANNEL_UNAVAILABLE'])
  })

  test('with the driver fulfils its end only once all of that is stored', async () => {
    new Consumer()
    const published = publish(entryOf('1'))
    await settle()
    faulty.storing = 'late'
    const closing = driver[Symbol.asyncDispose]().then(() => published.is)
    await clock.advance(LATE_MS + 10)
    expect(await closing).toMatch(/^at \d+$/)
  })

  test('lets a channel be removed, and publishers hear of what was in memory', async () => {
    new Consumer()
    const published = publish(entryOf('1'))
    await settle()
    const removing = driver.remove(CHANNEL)
    await clock.advance(10)
    await removing
    expect(published.is).toBe('CHANNEL_UNKNOWN')
  })
})

test('a window that closes for a store that has something due leaves it the next place', async () => {
  const consumer = new Consumer({ window: () => 1 })
  publish(entryOf('1', { laneKey: 'a' }))
  await settle()
  void consumer.take().nack(50)
  await clock.advance(10)
  publish(entryOf('2', { laneKey: 'b' }))
  await clock.advance(60)
  publish(entryOf('3', { laneKey: 'b' }))
  for (let i = 0; i < 2; i++) {
    void consumer.take().ack()
    await clock.advance(10)
  }
  expect(consumer.ids).toEqual(['1', '2', '1', '3'])
})
