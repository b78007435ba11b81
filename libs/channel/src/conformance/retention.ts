import { expect } from '@jest/globals'
import { about, type Case } from './case.ts'
import { ack, hold, idOf } from './consumer.ts'
import { entriesOf, entryOf, entryOfBytes } from './samples.ts'

/** Longer than any driver's turn of retention. */
const TURN_MS = 120_000
const FOREVER = { maxAgeMs: 10 * 365 * 86_400_000, maxBytes: 2 ** 50 }
const STEPS = 50

/** Lets turns of retention pass until `count` entries are left, or the steps run out. */
async function left(it: Case, log: string, count: number): Promise<string[]> {
  let ids: string[] = []
  for (let step = 0; step < STEPS; step++) {
    await it.elapse(TURN_MS)
    ids = (await it.read(log)).map(idOf)
    if (ids.length <= count) break
  }
  return ids
}

export const retentionClaims = about('cuts a log', ({ claim }) => {
  claim(
    'by age, but never what a subscription has not passed',
    async (it) => {
      const options = { subscriptions: ['a', 'b'], retention: { ...FOREVER, maxAgeMs: 36_000_000 } }
      const log = await it.log(options)
      await it.publish(log, entriesOf(30))
      const a = it.consume(log, { as: 'a' })
      const b = it.consume(log, {
        as: 'b',
        each: (delivery) => (Number(idOf(delivery)) < 10 ? ack(delivery) : undefined),
      })
      await Promise.all([a.until(30), b.until(30)])
      expect(await left(it, log, 29)).toHaveLength(30)
      const [gone] = await it.read(log)
      expect((await it.driver.beginning(log)).isCut).toBe(false)
      await it.elapse(36_000_000)
      expect(await left(it, log, 20)).toEqual(Array.from({ length: 20 }, (_, i) => String(i + 10)))
      const [oldest] = await it.read(log)
      expect(await it.driver.beginning(log)).toMatchObject({ oldest: { position: oldest?.position }, isCut: true })
      expect((await it.read(log, gone?.position))[0]?.position).toBe(oldest?.position)
      for (const delivery of b.deliveries) await delivery.ack()
      expect(await left(it, log, 0)).toEqual([])
      expect(await it.driver.beginning(log)).toEqual({ oldest: undefined, isCut: true })
      expect(await it.driver.backlog(log, 'b')).toEqual({ events: 0, bytes: 0 })
    },
    'elapse',
  )

  claim(
    'by size, but never what a subscription has not passed',
    async (it) => {
      const log = await it.log({ retention: { ...FOREVER, maxBytes: 50_000 } })
      await it.publish(
        log,
        Array.from({ length: 20 }, (_, i) => entryOfBytes(i, 10_000)),
      )
      expect(await left(it, log, 19)).toHaveLength(20)
      const consumer = it.consume(log)
      await consumer.until(20)
      const ids = await left(it, log, 5)
      expect(ids.length).toBeGreaterThanOrEqual(4)
      expect(ids.length).toBeLessThanOrEqual(5)
      expect(ids.at(-1)).toBe('19')
    },
    'elapse',
  )

  claim(
    'never of what was given back, and of what waits aside only its history',
    async (it) => {
      const log = await it.log({ retention: { maxAgeMs: 1, maxBytes: 0 } })
      await it.publish(log, entriesOf(10))
      const consumer = it.consume(log, { each: hold })
      await consumer.until(10)
      const [, second, third] = consumer.deliveries
      await second?.nack(0, 'aside')
      for (const delivery of consumer.deliveries.slice(2)) await delivery.ack()
      expect(third?.attempt).toBe(1)
      await consumer.stop()
      await left(it, log, 0)
      const again = it.consume(log)
      await again.until(2)
      expect(again.deliveries.map((delivery) => [idOf(delivery), delivery.attempt]).sort()).toEqual([
        [idOf(consumer.deliveries[0] as never), 1],
        [idOf(second as never), 2],
      ])
    },
    'elapse',
  )

  claim(
    'without ever giving a position again',
    async (it) => {
      const log = await it.log({ retention: { maxAgeMs: 1, maxBytes: 0 } })
      const first = await it.publish(log, entriesOf(10))
      const consumer = it.consume(log)
      await consumer.until(10)
      expect(await left(it, log, 0)).toEqual([])
      await it.restart()
      expect(await it.backlog(log)).toEqual({ events: 0, bytes: 0 })
      const second = await it.publish(log, entriesOf(10))
      expect(new Set([...first, ...second]).size).toBe(20)
      const again = it.consume(log)
      await again.until(10)
      expect(again.deliveries.map(({ position }) => position).sort()).toEqual(second.toSorted())
    },
    'elapse',
    'persistent storage',
  )

  claim(
    'as the newest create says',
    async (it) => {
      const log = await it.log({ retention: FOREVER })
      await it.publish(log, entriesOf(10))
      const consumer = it.consume(log)
      await consumer.until(10)
      expect(await left(it, log, 9)).toHaveLength(10)
      const retention = { maxAgeMs: 1, maxBytes: 0 }
      await it.driver.create(log, { kind: 'log', lanes: 4, subscriptions: ['reader'], retention })
      expect(await left(it, log, 0)).toEqual([])
    },
    'elapse',
  )

  claim(
    'but no queue, and no log that has no retention',
    async (it) => {
      const [log, queue] = [await it.log(), await it.queue()]
      for (const channel of [log, queue]) await it.publish(channel, [entryOf(1, { queue: 'q' })])
      const consumer = it.consume(log)
      await consumer.until(1)
      for (let step = 0; step < 5; step++) await it.elapse(TURN_MS)
      expect(await it.read(log)).toHaveLength(1)
      expect(await it.read(queue)).toHaveLength(1)
    },
    'elapse',
  )
})
