import { expect } from '@jest/globals'
import { about } from './case.ts'
import { hold } from './consumer.ts'
import { entriesOf, entryOf } from './samples.ts'

const CLOSED = { detail: { code: 'CHANNEL_CLOSED' } }

export const closingClaims = about('closes', ({ claim }) => {
  claim('and then takes nothing', async (it) => {
    const log = await it.log()
    const { driver } = it
    await driver[Symbol.asyncDispose]()
    await driver[Symbol.asyncDispose]()
    for (const each of [
      () => driver.publish(log, [entryOf(1)]),
      () => driver.create(log, { kind: 'log', lanes: 1, subscriptions: [] }),
      () => driver.backlog(log, 'reader'),
      () => driver.parked(log, { limit: 1 }),
      () => Array.fromAsync(driver.read(log, 'oldest', new AbortController().signal)),
    ]) {
      const outcome = await each().catch((error: unknown) => error)
      expect(outcome).toMatchObject(CLOSED)
      expect(driver.isRetryable(outcome)).toBe(false)
    }
  })

  claim(
    'after what was published before is stored',
    async (it) => {
      const log = await it.log()
      const publishing = Promise.allSettled(Array.from({ length: 50 }, (_, i) => it.publish(log, [entryOf(i)])))
      await it.restart()
      const stored = (await publishing).filter(({ status }) => status === 'fulfilled').length
      expect((await it.backlog(log)).events).toBeGreaterThanOrEqual(stored)
      expect(stored).toBe(50)
    },
    'persistent storage',
  )

  claim('with consumers at work, whose iteration ends and whose ends do not hang', async (it) => {
    const channels = [await it.log(), await it.queue()]
    const consumers = []
    for (const channel of channels) {
      await it.publish(
        channel,
        entriesOf(5, () => ({ queue: 'q' })),
      )
      const consumer = it.consume(channel, { each: hold })
      await consumer.until(5)
      consumers.push(consumer)
    }
    const closing = it.driver[Symbol.asyncDispose]()
    for (const consumer of consumers) {
      const [a, b, c, d] = consumer.deliveries
      // Each may be refused, as it is not stored any more, but none stays open.
      await Promise.allSettled([a?.ack(), b?.nack(0), c?.release(0), d?.park('late')])
    }
    await closing
    for (const consumer of consumers) {
      await Promise.allSettled([consumer.deliveries[4]?.nack(0)])
      await consumer.stop()
    }
  })

  claim('with a removed channel at work', async (it) => {
    const queue = await it.queue()
    await it.publish(
      queue,
      entriesOf(5, () => ({ queue: 'q' })),
    )
    const consumer = it.consume(queue, { each: hold })
    await consumer.until(5)
    await it.driver.remove(queue)
    const [a, b, c, d] = consumer.deliveries
    await Promise.allSettled([a?.ack(), b?.nack(0), c?.release(0), d?.park('late')])
    await consumer.stop()
  })
})
