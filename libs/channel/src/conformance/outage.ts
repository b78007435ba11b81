import { expect } from '@jest/globals'
import type { Delivery } from '../port.ts'
import { about } from './case.ts'
import { ack, hold, idOf } from './consumer.ts'
import { entriesOf, entryOf } from './samples.ts'

const HOUR_MS = 3_600_000
const UNAVAILABLE = { detail: { code: 'CHANNEL_UNAVAILABLE' } }

export const outageClaims = about('outlives an outage', ({ claim }) => {
  claim(
    'in which everything is refused at once, and may be tried again',
    async (it) => {
      const log = await it.log()
      await it.publish(log, [entryOf(1)])
      const mend = await it.cut()
      const before = Date.now()
      for (const each of [
        () => it.publish(log, [entryOf(2)]),
        () => it.backlog(log),
        () => it.read(log),
        () => it.driver.create(log, { kind: 'log', lanes: 4, subscriptions: ['reader'] }),
      ]) {
        const outcome = await each().catch((error: unknown) => error)
        expect(outcome).toMatchObject(UNAVAILABLE)
        expect(it.driver.isRetryable(outcome)).toBe(true)
      }
      expect(Date.now() - before).toBeLessThan(2_000)
      await mend()
      await it.insist(log, [entryOf(2)])
      expect((await it.read(log)).map(idOf)).toEqual(['1', '2'])
    },
    'cut',
  )

  claim(
    'in which nothing comes back that was tried several times and then ended',
    async (it) => {
      const queue = await it.queue()
      // Half of them goes on waiting, so that a server has reason to keep its files as they are
      const last = (delivery: Delivery) =>
        Number(idOf(delivery)) % 2 === 0 ? delivery.ack() : delivery.nack(HOUR_MS, 'waits')
      const consumer = it.consume(queue, {
        each: (delivery) => (delivery.attempt < 4 ? delivery.nack(0, `note ${delivery.attempt}`) : last(delivery)),
      })
      await it.publish(
        queue,
        entriesOf(100, () => ({ queue: 'q' })),
      )
      await consumer.until(400)
      await consumer.ended()
      await consumer.stop()
      await it.restartServer()
      await it.insist(queue, [entryOf('marker', { queue: 'q' })])
      const next = it.consume(queue)
      await next.until(() => next.ids.includes('marker'))
      expect(next.ids).toEqual(['marker'])
      await next.ended()
      expect((await it.backlog(queue)).events).toBe(50)
    },
    'server restart',
  )

  claim(
    'and stores once what is published again under the same key',
    async (it) => {
      const channels = [await it.log(), await it.queue()]
      for (const channel of channels) {
        const entries = entriesOf(500, (i) => ({ queue: `q${i % 5}`, dedupKey: `k${i}` }))
        const publishing = Promise.allSettled(entries.map((entry) => it.publish(channel, [entry])))
        const mend = await it.cut()
        const first = await publishing
        await mend()
        const again = await Promise.all(entries.map((entry) => it.insist(channel, [entry])))
        for (const [i, outcome] of first.entries()) {
          if (outcome.status === 'fulfilled') expect(again[i]).toEqual(outcome.value)
          else expect(it.driver.isRetryable(outcome.reason)).toBe(true)
        }
        const stored = await it.read(channel)
        expect(new Set(stored.map(idOf)).size).toBe(500)
        expect(stored).toHaveLength(500)
        expect((await it.backlog(channel)).events).toBe(500)
      }
    },
    'cut',
  )

  claim(
    'in which ends are given: they count once it is over',
    async (it) => {
      for (const channel of [await it.log(), await it.queue()]) {
        await it.publish(
          channel,
          entriesOf(8, () => ({ queue: 'q' })),
        )
        const consumer = it.consume(channel, { each: hold })
        await consumer.until(8)
        const mend = await it.cut()
        const ends = consumer.deliveries.map((delivery, i) =>
          i % 2 === 0 ? delivery.ack() : delivery.nack(0, 'in the dark'),
        )
        consumer.each = ack
        await mend()
        await Promise.all(ends)
        await consumer.until(12)
        await consumer.ended()
        const again = consumer.deliveries.slice(8)
        expect(again.map(({ attempt, note }) => [attempt, note])).toEqual(again.map(() => [2, 'in the dark']))
        await it.insist(channel, [entryOf('marker', { queue: 'q' })])
        await consumer.until(13)
        expect((await it.backlog(channel)).events).toBe(0)
      }
    },
    'cut',
  )

  claim(
    'that cuts one consumer off: its lanes go to another, and its ends are refused',
    async (it) => {
      if (!it.driver.capabilities.shared) return
      for (const channel of [await it.log({ lanes: 2 }), await it.queue({ lanes: 2 })]) {
        await it.publish(
          channel,
          entriesOf(20, () => ({ queue: 'q' })),
        )
        const lonely = await it.replica()
        const first = it.consume(channel, { driver: lonely, each: hold })
        await first.until(20)
        const mend = await it.cut(lonely)
        const second = it.consume(channel)
        await second.until(20)
        expect(second.deliveries.every(({ attempt }) => attempt === 1)).toBe(true)
        await mend()
        await it.insist(channel, [entryOf('marker', { queue: 'q' })])
        await second.until(() => second.ids.includes('marker') || first.ids.includes('marker'))
        const refused = await Promise.allSettled(first.deliveries.slice(0, 20).map((delivery) => delivery.nack(0)))
        expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 'rejected'))
        expect(second.ids.filter((id) => id !== 'marker')).toHaveLength(20)
      }
    },
    'cut',
  )

  claim(
    'of a consumer that is killed beside another: what it had comes again, in order',
    async (it) => {
      if (!it.driver.capabilities.shared) return
      const queue = await it.queue({ lanes: 8 })
      const doomed = await it.replica()
      const first = it.consume(queue, { driver: doomed, each: hold })
      const second = it.consume(queue)
      const entries = entriesOf(400, (i) => ({ queue: 'q', laneKey: `key ${i % 16}` }))
      await it.publish(queue, entries.slice(0, 200))
      await first.until(20)
      await it.kill(doomed)
      await it.publish(queue, entries.slice(200))
      await second.until(() => new Set(second.ids).size === 400)
      for (const [lane, each] of Map.groupBy(second.deliveries, (delivery) => delivery.lane)) {
        const ids = each.map((delivery) => Number(idOf(delivery)))
        expect({ lane, ids }).toEqual({ lane, ids: ids.toSorted((a, b) => a - b) })
      }
    },
    'crash',
  )

  claim(
    'of the server: consumers and publishers come back by themselves',
    async (it) => {
      const queue = await it.queue()
      const consumer = it.consume(queue, { each: (delivery) => (idOf(delivery) === '3' ? undefined : ack(delivery)) })
      await it.publish(
        queue,
        entriesOf(5, () => ({ queue: 'q' })),
      )
      await consumer.until(5)
      for (let restart = 0; restart < 2; restart++) {
        await it.restartServer()
        await it.insist(queue, [entryOf(`after ${restart}`, { queue: 'q' })])
        await consumer.until(() => consumer.ids.includes(`after ${restart}`))
      }
      const held = consumer.deliveries.find((delivery) => idOf(delivery) === '3')
      await held?.nack(0, 'late')
      await consumer.until(() => consumer.deliveries.some(({ note }) => note === 'late'))
    },
    'server restart',
  )
})
