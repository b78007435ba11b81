import { expect } from '@jest/globals'
import type { Delivery, Entry } from '../port.ts'
import { about, type Case } from './case.ts'
import { ack, type Consumer, hold, idOf } from './consumer.ts'
import { entriesOf, entryOf, entryOfBytes } from './samples.ts'

const KEYS = 16
/** More than a driver keeps in memory for a queue that waits. */
const LARGE = 250
const LARGE_BYTES = 100_000

/** `count` entries over 16 keys; ids count up, so that order within a key can be seen. */
function keyed(count: number, from = 0): Entry[] {
  return Array.from({ length: count }, (_, i) => entryOf(from + i, { laneKey: `key ${(from + i) % KEYS}`, queue: 'q' }))
}

function expectOrder(deliveries: readonly Delivery[]): void {
  for (const [lane, each] of Map.groupBy(deliveries, ({ lane }) => lane)) {
    const ids = each.map((delivery) => Number(idOf(delivery)))
    expect({ lane, ids }).toEqual({ lane, ids: ids.toSorted((a, b) => a - b) })
  }
}

/** Watches that a lane is never at two consumers at once. */
class LaneWatch {
  readonly taken: Delivery[] = []
  readonly violations: string[] = []
  readonly #out = new Map<number, { who: string; count: number }>()

  take(who: string, delivery: Delivery): void {
    this.taken.push(delivery)
    const out = this.#out.get(delivery.lane)
    if (out === undefined || out.count === 0) this.#out.set(delivery.lane, { who, count: 1 })
    else if (out.who === who) out.count++
    else this.violations.push(`lane ${delivery.lane} at ${out.who} and ${who}`)
  }

  end(delivery: Delivery): void {
    const out = this.#out.get(delivery.lane)
    if (out !== undefined) out.count--
  }

  /** What a consumer that left had. */
  leave(who: string): void {
    for (const [lane, out] of this.#out) if (out.who === who) this.#out.delete(lane)
  }
}

/** A consumer that ends each delivery a turn later, so that there is always something out. */
async function joining(it: Case, channel: string, who: string, watch: LaneWatch): Promise<Consumer> {
  const driver = await it.replica()
  return it.consume(channel, {
    driver,
    maxInFlight: 16,
    each: (delivery) => {
      watch.take(who, delivery)
      return new Promise<void>((resolve, reject) => {
        setImmediate(() => {
          watch.end(delivery)
          delivery.ack().then(resolve, reject)
        })
      })
    },
  })
}

async function moveLanes(it: Case, channel: string): Promise<void> {
  const watch = new LaneWatch()
  const all = () => new Set(watch.taken.map(idOf)).size
  const a = await joining(it, channel, 'a', watch)
  await it.publish(channel, keyed(300))
  await a.until(50)
  const b = await joining(it, channel, 'b', watch)
  await it.publish(channel, keyed(300, 300))
  await b.until(50)
  await a.stop()
  watch.leave('a')
  await it.publish(channel, keyed(100, 600))
  await b.until(() => all() === 700)
  expect(watch.violations).toEqual([])
  // What the leaving consumer had not ended comes again, in its place.
  const last = new Map(watch.taken.map((delivery) => [idOf(delivery), delivery]))
  expectOrder([...last.values()].sort((x, y) => watch.taken.indexOf(x) - watch.taken.indexOf(y)))
  expect(watch.taken.length - 700).toBeLessThanOrEqual(16)
}

export const laneClaims = about('hands out by lanes', ({ claim }) => {
  claim('every entry of a log to every subscription, each lane in order', async (it) => {
    const log = await it.log({ subscriptions: ['a', 'b'] })
    const a = it.consume(log, { as: 'a' })
    await it.publish(log, keyed(200))
    await it.publish(log, keyed(200, 200))
    const b = it.consume(log, { as: 'b', maxInFlight: 7 })
    for (const consumer of [a, b]) {
      await consumer.until(400)
      expectOrder(consumer.deliveries)
      expect(new Set(consumer.ids).size).toBe(400)
    }
    const laneOf = (consumer: Consumer) =>
      new Map(consumer.deliveries.map((delivery) => [delivery.laneKey, delivery.lane]))
    expect([...laneOf(a)].sort()).toEqual([...laneOf(b)].sort())
  })

  claim('a queue in order, from memory and from storage', async (it) => {
    const queue = await it.queue()
    await it.publish(queue, keyed(200))
    const consumer = it.consume(queue, { maxInFlight: 7 })
    await it.publish(queue, keyed(200, 200))
    await consumer.until(400)
    expectOrder(consumer.deliveries)
  })

  claim('in order where large entries have to wait for room and small ones would fit', async (it) => {
    const log = await it.log({ lanes: 2 })
    const entries = Array.from({ length: 60 }, (_, i) =>
      entryOfBytes(i, i % 3 === 0 ? 60_000 : 10, { laneKey: `key ${i % KEYS}` }),
    )
    await it.publish(log, entries)
    const watch = new LaneWatch()
    const options = { maxInFlightBytes: 100_000 }
    const each = (delivery: Delivery) => {
      watch.taken.push(delivery)
      return new Promise<void>((resolve, reject) => {
        setImmediate(() => delivery.ack().then(resolve, reject))
      })
    }
    const a = it.consume(log, { ...options, each })
    const b = it.consume(log, { ...options, each, driver: await it.replica() })
    await Promise.race([a.until(() => watch.taken.length === 60), b.until(() => watch.taken.length === 60)])
    expectOrder(watch.taken)
  })

  claim('that move when a consumer joins and leaves in mid-stream of a log', async (it) => {
    await moveLanes(it, await it.log({ lanes: 8 }))
  })

  claim('that move when a consumer joins and leaves in mid-stream of a queue', async (it) => {
    await moveLanes(it, await it.queue({ lanes: 8 }))
  })

  claim('in order again after a consumer gave back what it had', async (it) => {
    for (const channel of [await it.log({ lanes: 2 }), await it.queue({ lanes: 2 })]) {
      await it.publish(channel, keyed(40))
      for (let turn = 0; turn < 3; turn++) {
        const consumer = it.consume(channel, { each: hold, maxInFlight: 20 })
        await consumer.until(20)
        await consumer.stop()
      }
      const last = it.consume(channel)
      await last.until(40)
      expectOrder(last.deliveries)
      expect(last.deliveries.every(({ attempt, handOuts }) => attempt === 1 && handOuts === 1)).toBe(true)
      expect(last.deliveries).toHaveLength(40)
    }
  })

  for (const end of ['leaves', 'dies'] as const) {
    claim(
      `in order at a window of one when the owner of a backlog too large for its memory ${end}`,
      async (it) => {
        const queue = await it.queue({ lanes: 1 })
        const slow = { laneKey: 'key', queue: 'slow' }
        const first = it.consume(queue, {
          window: (name) => (name === 'slow' ? 1 : 10),
          each: (delivery) => (delivery.queue === 'slow' ? undefined : ack(delivery)),
        })
        for (let i = 0; i < LARGE; i += 10) {
          await it.publish(
            queue,
            Array.from({ length: 10 }, (_, j) => entryOfBytes(i + j, LARGE_BYTES, slow)),
          )
        }
        await it.publish(queue, [entryOf('fast', { queue: 'fast' })])
        await first.until(() => first.ids.includes('fast'))
        if (end === 'leaves') await first.stop()
        else await it.crash()
        const next = it.consume(queue, { window: () => 1 })
        await next.until(LARGE)
        expectOrder(next.deliveries.filter((delivery) => delivery.queue === 'slow'))
      },
      ...(end === 'dies' ? (['crash'] as const) : []),
    )
  }

  claim('until its signal aborts: iteration ends within a second', async (it) => {
    const log = await it.log()
    await it.publish(log, entriesOf(10))
    const busy = it.consume(log, { each: hold })
    await busy.until(10)
    const before = Date.now()
    await busy.stop()
    const queue = await it.queue()
    await it.consume(queue).stop()
    const aborted = it.driver.subscribe(
      queue,
      'reader',
      { maxInFlight: 1, maxInFlightBytes: 1_000 },
      AbortSignal.abort(),
    )
    expect(await Array.fromAsync(aborted)).toEqual([])
    expect(Date.now() - before).toBeLessThan(1_000)
  })

  claim(
    'uncounted when they were given back, also at the next start',
    async (it) => {
      const channels = [await it.log(), await it.queue()]
      for (let turn = 0; turn < 3; turn++) {
        for (const channel of channels) {
          if (turn === 0) await it.publish(channel, keyed(20))
          const consumer = it.consume(channel, { each: hold })
          await consumer.until(20)
          expect(consumer.deliveries.every(({ attempt, handOuts }) => attempt === 1 && handOuts === 1)).toBe(true)
          expectOrder(consumer.deliveries)
        }
        await it.restart()
      }
    },
    'persistent storage',
  )
})
