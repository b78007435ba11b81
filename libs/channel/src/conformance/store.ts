import { expect } from '@jest/globals'
import { isFailure } from '@sluice/errors'
import type { ChannelDriver } from '../port.ts'
import { about } from './case.ts'
import { idOf } from './consumer.ts'
import { entriesOf, entryOf, entryOfBytes } from './samples.ts'

const UNKNOWN = { detail: { code: 'CHANNEL_UNKNOWN' } }
const CONFLICT = { detail: { code: 'CHANNEL_CONFLICT' } }
const never = new AbortController().signal

export const storeClaims = about('stores', ({ claim }) => {
  claim('entries under distinct positions, in the order of publishing', async (it) => {
    const log = await it.log({ lanes: 1 })
    const positions = [...(await it.publish(log, entriesOf(50))), ...(await it.publish(log, [entryOf('last')]))]
    expect(new Set(positions).size).toBe(51)
    const stored = await it.read(log)
    expect(stored.map(({ position }) => position)).toEqual(positions)
    expect(stored.map(idOf)).toEqual([...Array.from({ length: 50 }, (_, i) => String(i)), 'last'])
  })

  claim('entries of a queue under distinct positions, the same when they are handed out', async (it) => {
    const queue = await it.queue({ lanes: 1 })
    const positions = await it.publish(
      queue,
      entriesOf(50, (i) => ({ queue: `q${i % 3}` })),
    )
    expect(new Set(positions).size).toBe(50)
    const consumer = it.consume(queue)
    await consumer.until(50)
    const handedOut = new Map(consumer.deliveries.map((delivery) => [idOf(delivery), delivery.position]))
    expect(positions.map((_, i) => handedOut.get(String(i)))).toEqual(positions)
  })

  claim('nothing when nothing is published', async (it) => {
    const log = await it.log()
    expect(await it.publish(log, [])).toEqual([])
    expect(await it.backlog(log)).toEqual({ events: 0, bytes: 0 })
  })

  claim('nothing in a channel that does not exist', async (it) => {
    const { driver } = it
    const log = await it.log()
    const unknown: ((driver: ChannelDriver) => unknown)[] = [
      () => driver.publish('conformance-none', [entryOf(1)]),
      () => driver.backlog('conformance-none', 'reader'),
      () => driver.backlog(log, 'nobody'),
      () => driver.parked('conformance-none', { limit: 1 }),
      () => driver.redrive('conformance-none', ['1']),
      () => driver.purge('conformance-none', { positions: ['1'] }),
      () => Array.fromAsync(driver.read('conformance-none', 'oldest', never)),
      () =>
        Array.fromAsync(driver.subscribe('conformance-none', 'reader', { maxInFlight: 1, maxInFlightBytes: 1 }, never)),
    ]
    for (const each of unknown) {
      const outcome = await (async () => each(driver))().catch((error: unknown) => error)
      expect(outcome).toMatchObject(UNKNOWN)
      expect(driver.isRetryable(outcome)).toBe(false)
    }
    await expect(driver.remove('conformance-none')).resolves.toBeUndefined()
  })

  claim("no log that is said to be there and somebody else's, where it is not or can't be", async (it) => {
    const { driver } = it
    const log = 'conformance-nobodys'
    const backend = { name: 'conformance-not-there', isExternal: true }
    const options = { kind: 'log', lanes: 4, subscriptions: ['reader'], backend } as const
    const code = expect.stringMatching(/^CHANNEL_(CONFLICT|UNKNOWN)$/)
    await expect(driver.create(log, options)).rejects.toMatchObject({ detail: { code } })
    await expect(driver.publish(log, [entryOf(1)])).rejects.toMatchObject(UNKNOWN)
  })

  claim('one channel however often it is created', async (it) => {
    const options = { kind: 'log', lanes: 4, subscriptions: ['reader'] } as const
    const log = await it.log(options)
    await it.publish(log, [entryOf(1)])
    await Promise.all([it.driver.create(log, options), it.driver.create(log, options)])
    expect((await it.read(log)).map(idOf)).toEqual(['1'])
  })

  claim('no channel over another of the same name', async (it) => {
    const log = await it.log({ lanes: 4 })
    await it.publish(log, [entryOf(1)])
    const subscriptions = ['reader']
    const other = { kind: 'queue', lanes: 4, subscriptions } as const
    await expect(it.driver.create(log, other)).rejects.toMatchObject(CONFLICT)
    await expect(it.driver.create(log, { kind: 'log', lanes: 5, subscriptions })).rejects.toMatchObject(CONFLICT)
    const consumer = it.consume(log)
    await consumer.until(1)
    expect(consumer.ids).toEqual(['1'])
  })

  claim(
    'no channel over another of the same name, after a restart either',
    async (it) => {
      const log = await it.log({ lanes: 4 })
      await it.publish(log, [entryOf(1)])
      await it.restart({ finds: false })
      const other = { kind: 'queue', lanes: 4, subscriptions: ['other'] } as const
      await expect(it.driver.create(log, other)).rejects.toMatchObject(CONFLICT)
      await it.driver.create(log, { kind: 'log', lanes: 4, subscriptions: ['reader'] })
      const consumer = it.consume(log)
      await consumer.until(1)
      await expect(it.backlog(log)).resolves.toMatchObject({ events: 0 })
    },
    'persistent storage',
  )

  claim('what many publish at once, each in its order', async (it) => {
    const log = await it.log({ lanes: 4 })
    const publish = async (key: number) => {
      const positions: string[] = []
      for (let i = 0; i < 25; i++) {
        positions.push(...(await it.publish(log, [entryOf(`${key}/${i}`, { laneKey: String(key) })])))
      }
      return positions
    }
    const consumer = it.consume(log)
    const positions = await Promise.all(Array.from({ length: 20 }, (_, key) => publish(key)))
    expect(new Set(positions.flat()).size).toBe(500)
    await consumer.until(500)
    const byKey = Map.groupBy(consumer.deliveries, ({ laneKey }) => laneKey)
    for (const [key, deliveries] of byKey) {
      expect(deliveries.map(idOf)).toEqual(Array.from({ length: 25 }, (_, i) => `${key}/${i}`))
    }
    expect(consumer.deliveries.map(({ position }) => position).sort()).toEqual(positions.flat().sort())
  })

  claim('or not, when the signal is aborted, but answers soon and goes on', async (it) => {
    const log = await it.log({ lanes: 1 })
    const before = Date.now()
    const abort = new AbortController()
    const outcomes = [
      it.driver.publish(log, [entryOf('early')], AbortSignal.abort()),
      it.driver.publish(log, [entryOf('late')], abort.signal),
    ].map((outcome) => outcome.then((positions) => positions.length, String))
    abort.abort()
    await Promise.all(outcomes)
    expect(Date.now() - before).toBeLessThan(1_000)
    await it.publish(log, [entryOf('after')])
    const consumer = it.consume(log)
    await consumer.until(() => consumer.ids.includes('after'))
    expect(consumer.ids.length).toBe(new Set(consumer.ids).size)
  })

  claim('the largest event, and refuses a larger one before anything is stored', async (it) => {
    const { maxEventBytes } = it.driver.capabilities
    const log = await it.log()
    const large = entryOfBytes('large', maxEventBytes - 4_096)
    await it.publish(log, [large])
    const tooLarge = it.publish(log, [entryOf('innocent'), entryOfBytes('too large', maxEventBytes + 1)])
    const error = await tooLarge.catch((reason: unknown) => reason)
    expect(isFailure(error, 'CHANNEL_EVENT_TOO_LARGE')).toBe(true)
    expect(it.driver.isRetryable(error)).toBe(false)
    const consumer = it.consume(log)
    const delivery = await consumer.next()
    expect(Buffer.compare(Buffer.from(delivery.event.data ?? []), Buffer.from(large.event.data ?? []))).toBe(0)
    expect((await it.backlog(log)).events).toBe(0)
  })

  claim('nothing of a removed channel', async (it) => {
    const log = await it.log()
    const queue = await it.queue()
    await it.publish(log, entriesOf(5))
    await it.publish(queue, [entryOf(1, { queue: 'q' }), entryOf(2, { queue: 'q', parked: 'why' })])
    const consumer = it.consume(log, { each: () => undefined })
    await consumer.until(5)
    const publishing = it.publish(log, [entryOf('late')]).catch(() => undefined)
    await Promise.all([it.driver.remove(log), it.driver.remove(queue)])
    await publishing
    await consumer.stop()
    await expect(it.publish(log, [entryOf(1)])).rejects.toMatchObject(UNKNOWN)
    for (const delivery of consumer.deliveries) await delivery.ack().catch(() => undefined)
    await it.driver.create(log, { kind: 'log', lanes: 4, subscriptions: ['reader'] })
    await it.driver.create(queue, { kind: 'queue', lanes: 4, subscriptions: ['reader'] })
    expect(await it.read(log)).toEqual([])
    expect(await it.backlog(log)).toEqual({ events: 0, bytes: 0 })
    expect(await it.backlog(queue)).toEqual({ events: 0, bytes: 0 })
    expect(await it.parked(queue)).toEqual([])
  })

  claim(
    'nothing of a channel removed before it was opened again',
    async (it) => {
      const log = await it.log()
      await it.publish(log, entriesOf(5))
      await it.restart({ finds: false })
      await it.driver.remove(log)
      await it.driver.create(log, { kind: 'log', lanes: 4, subscriptions: ['reader'] })
      expect(await it.read(log)).toEqual([])
    },
    'persistent storage',
  )
})
