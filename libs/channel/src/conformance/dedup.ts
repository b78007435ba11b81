import { expect } from '@jest/globals'
import { about } from './case.ts'
import { entryOf } from './samples.ts'

export const dedupClaims = about('takes a repeated key once', ({ claim }) => {
  claim('and answers the first position, in a log', async (it) => {
    const log = await it.log()
    const [first] = await it.publish(log, [entryOf(1, { dedupKey: 'k' })])
    const [again, other, within] = await it.publish(log, [
      entryOf('repeat', { dedupKey: 'k' }),
      entryOf(2, { dedupKey: 'l' }),
      entryOf('repeat', { dedupKey: 'l' }),
    ])
    expect([again, within]).toEqual([first, other])
    const consumer = it.consume(log, { each: () => undefined })
    await it.publish(log, [entryOf('marker')])
    await consumer.until(() => consumer.ids.includes('marker'))
    expect(consumer.ids.sort()).toEqual(['1', '2', 'marker'])
  })

  claim('and answers the first position, in a queue, also when that has ended', async (it) => {
    const queue = await it.queue()
    const consumer = it.consume(queue)
    const [first] = await it.publish(queue, [entryOf(1, { queue: 'q', dedupKey: 'k' })])
    await consumer.until(1)
    const [again] = await it.publish(queue, [entryOf('repeat', { queue: 'q', dedupKey: 'k' })])
    expect(again).toBe(first)
    await it.publish(queue, [entryOf('marker', { queue: 'q' })])
    await consumer.until(() => consumer.ids.includes('marker'))
    expect(consumer.ids).toEqual(['1', 'marker'])
    expect(await it.backlog(queue)).toEqual({ events: 0, bytes: 0 })
  })

  claim('of many that come at once', async (it) => {
    const queue = await it.queue()
    const publish = () => it.publish(queue, [entryOf('same', { queue: 'q', dedupKey: 'k' })])
    const positions = (await Promise.all(Array.from({ length: 20 }, publish))).flat()
    expect(new Set(positions).size).toBe(1)
    expect((await it.backlog(queue)).events).toBe(1)
  })

  claim('in each channel', async (it) => {
    const [a, b] = [await it.queue(), await it.queue()]
    for (const queue of [a, b]) await it.publish(queue, [entryOf(1, { queue: 'q', dedupKey: 'k' })])
    expect([(await it.backlog(a)).events, (await it.backlog(b)).events]).toEqual([1, 1])
  })

  claim('and what has no key each time', async (it) => {
    const log = await it.log()
    const positions = await it.publish(log, [entryOf(1), entryOf(1)])
    expect(new Set(positions).size).toBe(2)
    expect((await it.backlog(log)).events).toBe(2)
  })

  claim(
    'after restarts too, orderly or not',
    async (it) => {
      const log = await it.log()
      const queue = await it.queue()
      const publish = async () => [
        ...(await it.publish(log, [entryOf(1, { dedupKey: 'k' })])),
        ...(await it.publish(queue, [entryOf(1, { queue: 'q', dedupKey: 'k' })])),
      ]
      const first = await publish()
      const consumer = it.consume(queue)
      await consumer.until(1)
      await it.restart()
      expect(await publish()).toEqual(first)
      await it.crash()
      expect(await publish()).toEqual(first)
      expect((await it.backlog(log)).events).toBe(1)
      expect((await it.backlog(queue)).events).toBe(0)
    },
    'persistent storage',
    'crash',
  )

  claim(
    'for as long as the driver declares',
    async (it) => {
      const log = await it.log()
      const [first] = await it.publish(log, [entryOf(1, { dedupKey: 'k' })])
      for (let part = 0; part < 4; part++) {
        await it.elapse(it.driver.capabilities.dedupWindowMs / 4 - 1_000)
        const [again, other] = await it.publish(log, [entryOf(1, { dedupKey: 'k' }), entryOf(2)])
        expect(again).toBe(first)
        expect(other).not.toBe(first)
      }
    },
    'elapse',
  )
})
