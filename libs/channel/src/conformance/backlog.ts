import { expect } from '@jest/globals'
import { about, SUBSCRIPTION } from './case.ts'
import { ack, hold, idOf } from './consumer.ts'
import { entriesOf, entryOf, entryOfBytes } from './samples.ts'

export const backlogClaims = about('counts what waits', ({ claim }) => {
  claim('in a log, for each subscription, until it has ended', async (it) => {
    const log = await it.log({ subscriptions: ['a', 'b'] })
    const backlog = (subscription: string) => it.driver.backlog(log, subscription)
    await it.publish(
      log,
      [1, 2, 3, 4].map((id) => entryOfBytes(id, 1_000)),
    )
    const before = await backlog('a')
    expect(before.events).toBe(4)
    expect(before.bytes).toBeGreaterThanOrEqual(4_000)
    expect(before.bytes).toBeLessThan(8_000)
    const consumer = it.consume(log, { as: 'a', each: hold })
    await consumer.until(4)
    expect(await backlog('a')).toEqual(before)
    await consumer.deliveries[2]?.ack()
    expect(await backlog('a')).toEqual({ events: 3, bytes: (before.bytes / 4) * 3 })
    await consumer.deliveries[1]?.nack(3_600_000)
    expect(await backlog('a')).toEqual({ events: 3, bytes: (before.bytes / 4) * 3 })
    await consumer.deliveries[0]?.park('why')
    expect((await backlog('a')).events).toBe(2)
    await consumer.stop()
    expect((await backlog('a')).events).toBe(2)
    expect((await backlog('b')).events).toBe(4)
  })

  claim('in a queue, by logical queue and in all', async (it) => {
    const queue = await it.queue()
    await it.publish(
      queue,
      entriesOf(9, (i) => ({ queue: `q${i % 3}` })),
    )
    await it.publish(queue, [entryOf('later', { queue: 'q0', notBefore: it.now() + 3_600_000 })])
    const q1 = await it.backlog(queue, 'q1')
    expect(q1.events).toBe(3)
    expect((await it.backlog(queue, 'q0')).events).toBe(4)
    expect(await it.backlog(queue, 'none')).toEqual({ events: 0, bytes: 0 })
    const consumer = it.consume(queue, { each: hold })
    await consumer.until(9)
    expect((await it.backlog(queue)).events).toBe(10)
    const ofQ1 = consumer.deliveries.filter((delivery) => delivery.queue === 'q1')
    await ofQ1[0]?.ack()
    await ofQ1[1]?.release(3_600_000)
    expect(await it.backlog(queue, 'q1')).toEqual({ events: 2, bytes: (q1.bytes / 3) * 2 })
    await ofQ1[2]?.park('why')
    expect(await it.backlog(queue, 'q1')).toEqual({ events: 1, bytes: q1.bytes / 3 })
    const [parked] = await it.parked(queue)
    await it.driver.redrive(queue, [parked?.position as string])
    expect(await it.backlog(queue, 'q1')).toEqual({ events: 2, bytes: (q1.bytes / 3) * 2 })
  })

  claim(
    'the same after a restart or a crash',
    async (it) => {
      const log = await it.log()
      const queue = await it.queue()
      for (const channel of [log, queue]) {
        await it.publish(
          channel,
          entriesOf(20, (i) => ({ queue: `q${i % 2}` })),
        )
        const consumer = it.consume(channel, { each: hold, maxInFlight: 10 })
        await consumer.until(10)
        for (const delivery of consumer.deliveries.slice(2, 5)) await delivery.ack()
        for (const delivery of consumer.deliveries.slice(5, 8)) await delivery.nack(3_600_000)
        await consumer.deliveries[8]?.park('why')
      }
      const counts = async () => [await it.backlog(log), await it.backlog(queue), await it.backlog(queue, 'q1')]
      const before = await counts()
      expect(before.map(({ events }) => events)).toEqual([16, 16, before[2]?.events])
      await it.crash()
      expect(await counts()).toEqual(before)
      for (const channel of [log, queue]) await it.consume(channel, { each: hold }).until(13)
      await it.restart()
      expect(await counts()).toEqual(before)
      for (const channel of [log, queue]) {
        const consumer = it.consume(channel, { each: ack })
        await consumer.until(13)
      }
      expect((await it.backlog(log)).events).toBe(3)
      expect((await it.backlog(queue)).events).toBe(3)
    },
    'persistent storage',
    'crash',
  )

  claim('and never less than nothing, with many coming and going', async (it) => {
    const queue = await it.queue()
    const seen: number[] = []
    const consumer = it.consume(queue, {
      each: async (delivery) => {
        if (delivery.attempt === 1 && Math.random() < 0.2) await delivery.nack(1)
        else await delivery.ack()
        seen.push((await it.driver.backlog(queue, SUBSCRIPTION)).events)
      },
    })
    for (let i = 0; i < 10; i++)
      await it.publish(
        queue,
        Array.from({ length: 50 }, (_, j) => entryOf(`${i} ${j}`, { queue: `q${j % 7}` })),
      )
    const ended = () => consumer.deliveries.filter(({ attempt }) => attempt === 1).length
    await consumer.until(() => ended() === 500)
    await consumer.ended()
    const retried = () => new Set(consumer.deliveries.map((delivery) => `${idOf(delivery)}/${delivery.attempt}`)).size
    expect(retried()).toBe(consumer.deliveries.length)
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...seen)).toBeLessThanOrEqual(500)
  })
})
