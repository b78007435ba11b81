import { expect } from '@jest/globals'
import type { Delivery } from '../port.ts'
import { about } from './case.ts'
import { ack, hold, idOf } from './consumer.ts'
import { entriesOf, entryOf, entryOfBytes } from './samples.ts'

const QUEUES = 10_000

/** Ends on a later turn of the event loop, in batches as they come. */
function later(
  delivery: Delivery,
  atEnd: () => void = () => undefined,
  end: (delivery: Delivery) => Promise<void> = (each) => each.ack(),
): Promise<void> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      atEnd()
      end(delivery).then(resolve, reject)
    })
  })
}

export const windowClaims = about('hands out no more than asked', ({ claim }) => {
  claim('of one queue, whatever its window says, and all of it in the end', async (it) => {
    const queue = await it.queue()
    const windows = new Map([
      ['one', 1],
      ['three', 3],
      ['many', 50],
    ])
    const out = new Map<string, number>()
    const exceeded: string[] = []
    await it.publish(
      queue,
      entriesOf(300, (i) => ({ queue: [...windows.keys()][i % 3] as string })),
    )
    const consumer = it.consume(queue, {
      window: (name) => windows.get(name) ?? 0,
      each: (delivery) => {
        const now = (out.get(delivery.queue) ?? 0) + 1
        out.set(delivery.queue, now)
        if (now > (windows.get(delivery.queue) ?? 0)) exceeded.push(`${delivery.queue}: ${now}`)
        return later(delivery, () => out.set(delivery.queue, (out.get(delivery.queue) ?? 0) - 1))
      },
    })
    await it.publish(
      queue,
      entriesOf(300, (i) => ({ queue: [...windows.keys()][i % 3] as string })),
    )
    await consumer.until(600)
    expect(exceeded).toEqual([])
  })

  claim('of one queue, also while entries fail and come back at once', async (it) => {
    const queue = await it.queue()
    let out = 0
    let most = 0
    const consumer = it.consume(queue, {
      window: () => 2,
      each: (delivery) => {
        out += 1
        most = Math.max(most, out)
        const atEnd = () => {
          out -= 1
        }
        return delivery.attempt < 4 ? later(delivery, atEnd, (failed) => failed.nack(0)) : later(delivery, atEnd)
      },
    })
    await it.publish(
      queue,
      entriesOf(50, () => ({ queue: 'q' })),
    )
    await consumer.until(200)
    expect(most).toBe(2)
  })

  claim('of a queue whose window is 0: nothing, until it grew and the consumer says so', async (it) => {
    const queue = await it.queue()
    let window = 0
    const held = it.consume(queue, { window: (name) => (name === 'held' ? window : 100), each: hold })
    await it.publish(
      queue,
      entriesOf(20, () => ({ queue: 'held' })),
    )
    await it.publish(queue, [entryOf('marker', { queue: 'other' })])
    await held.until(1)
    expect(held.ids).toEqual(['marker'])
    expect((await it.backlog(queue, 'held')).events).toBe(20)
    window = 3
    held.subscription.wake('held')
    await held.until(4)
    window = 5
    held.subscription.wake('held')
    await held.until(6)
    window = 2
    for (const delivery of held.deliveries.slice(1)) void delivery.ack()
    await held.until(8)
    expect(held.ids).toHaveLength(8)
    window = 100
    held.subscription.wake('held')
    held.subscription.wake('no such queue')
    await held.until(21)
    expect(held.deliveries.every(({ handOuts }) => handOuts === 1)).toBe(true)
  })

  claim(
    'of a queue that was held across a restart',
    async (it) => {
      const queue = await it.queue()
      await it.publish(
        queue,
        entriesOf(20, () => ({ queue: 'held' })),
      )
      const held = it.consume(queue, { window: () => 0 })
      await it.restart()
      let window = 0
      const again = it.consume(queue, { window: () => window })
      await it.backlog(queue)
      window = 20
      again.subscription.wake('held')
      await again.until(20)
      expect(held.deliveries).toEqual([])
      expect(again.deliveries.every(({ attempt, handOuts }) => attempt === 1 && handOuts === 1)).toBe(true)
    },
    'persistent storage',
  )

  claim('also to a consumer that comes with a wider window than the one before it', async (it) => {
    const queue = await it.queue()
    const narrow = it.consume(queue, { window: () => 0 })
    await it.publish(
      queue,
      entriesOf(3, () => ({ queue: 'q' })),
    )
    await it.publish(queue, [entryOf('marker', { queue: 'q' })])
    await narrow.stop()
    const wide = it.consume(queue, { window: () => 10 })
    await wide.until(4)
    expect(narrow.ids).toEqual([])
  })

  claim('while a queue that is slow stalls no other', async (it) => {
    const queue = await it.queue()
    const consumer = it.consume(queue, {
      maxInFlight: 50,
      window: () => 10,
      each: (delivery) => (delivery.queue === 'slow' ? undefined : delivery.ack()),
    })
    await it.publish(
      queue,
      entriesOf(200, () => ({ queue: 'slow' })),
    )
    await it.publish(
      queue,
      entriesOf(200, () => ({ queue: 'fast' })),
    )
    await it.publish(
      queue,
      entriesOf(200, (i) => ({ queue: i % 2 ? 'slow' : 'fast' })),
    )
    const fast = () => consumer.deliveries.filter((delivery) => delivery.queue === 'fast').length
    await consumer.until(() => fast() === 300)
    expect(consumer.deliveries.length - fast()).toBe(10)
  })

  claim('while queues that are held, with more waiting than memory takes, stall no other', async (it) => {
    const queue = await it.queue()
    let window = 1
    const consumer = it.consume(queue, {
      window: (name) => (name.startsWith('held') ? window : 10),
      each: (delivery) => (delivery.queue.startsWith('held') ? undefined : delivery.ack()),
    })
    for (let i = 0; i < 40; i++) {
      await it.publish(queue, [
        ...Array.from({ length: 8 }, (_, j) => entryOfBytes(`${i} ${j}`, 128 * 1024, { queue: `held ${j % 4}` })),
        entryOf(i, { queue: 'free' }),
      ])
    }
    const free = () => consumer.deliveries.filter((delivery) => delivery.queue === 'free').length
    await consumer.until(() => free() === 40)
    await it.publish(
      queue,
      entriesOf(300, (i) => ({ queue: `free ${i % 70}` })),
    )
    await consumer.until(() => consumer.ids.length >= 340)
    window = 1_000
    consumer.each = ack
    for (let j = 0; j < 4; j++) consumer.subscription.wake(`held ${j}`)
    for (const delivery of consumer.deliveries) void delivery.ack()
    await consumer.until(
      () => new Set(consumer.deliveries.map((delivery) => `${delivery.queue} ${idOf(delivery)}`)).size === 660,
    )
  })

  claim('while a subscription that is slow stalls no other', async (it) => {
    const log = await it.log({ subscriptions: ['slow', 'fast', 'absent'] })
    const slow = it.consume(log, { as: 'slow', maxInFlight: 1, each: hold })
    const fast = it.consume(log, { as: 'fast' })
    for (let i = 0; i < 10; i++) await it.publish(log, entriesOf(100))
    await fast.until(1_000)
    expect(slow.deliveries).toHaveLength(1)
  })

  claim('over all queues: as many entries as maxInFlight', async (it) => {
    for (const channel of [await it.log(), await it.queue()]) {
      await it.publish(
        channel,
        entriesOf(200, (i) => ({ queue: `q${i % 10}` })),
      )
      let out = 0
      let most = 0
      const consumer = it.consume(channel, {
        maxInFlight: 7,
        each: (delivery) => {
          most = Math.max(most, ++out)
          return later(delivery, () => out--)
        },
      })
      await consumer.until(200)
      expect(most).toBeLessThanOrEqual(7)
    }
  })

  claim('over all queues: as many bytes as maxInFlightBytes, or one entry that is larger', async (it) => {
    for (const channel of [await it.log(), await it.queue()]) {
      const sizes = [10_000, 10_000, 100_000, 10_000, 10_000, 10_000, 10_000]
      await it.publish(
        channel,
        sizes.map((size, i) => entryOfBytes(i, size, { queue: 'q' })),
      )
      let out = 0
      const exceeded: number[] = []
      const consumer = it.consume(channel, {
        maxInFlightBytes: 25_000,
        each: (delivery) => {
          const bytes = delivery.event.data?.length ?? 0
          if (out > 0 && out + bytes > 25_000) exceeded.push(out + bytes)
          out += bytes
          return later(delivery, () => {
            out -= bytes
          })
        },
      })
      await consumer.until(sizes.length)
      expect(exceeded).toEqual([])
    }
  })

  claim(`of ${QUEUES.toLocaleString('en')} queues, the hundred that are held stall no other`, async (it) => {
    const queue = await it.queue({ lanes: 8 })
    const isHeld = (name: string) => name.endsWith('00')
    const entries = entriesOf(2 * QUEUES, (i) => ({ queue: `q${i % QUEUES}` }))
    const flowing = entries.filter((entry) => !isHeld(entry.queue ?? '')).length
    for (let i = 0; i < QUEUES; i += 1_000) await it.publish(queue, entries.slice(i, i + 1_000))
    const consumer = it.consume(queue, { maxInFlight: 256, window: (name) => (isHeld(name) ? 0 : 1) })
    for (let i = QUEUES; i < 2 * QUEUES; i += 1_000) await it.publish(queue, entries.slice(i, i + 1_000))
    await consumer.until(flowing)
    expect(new Set(consumer.ids).size).toBe(flowing)
    expect(consumer.deliveries.some((delivery) => isHeld(delivery.queue))).toBe(false)
    expect((await it.backlog(queue)).events).toBe(2 * QUEUES - flowing)
    const byQueue = Map.groupBy(consumer.deliveries, (delivery) => delivery.queue)
    for (const [name, [first, second]] of byQueue) {
      expect([name, Number(idOf(first as Delivery)) < Number(idOf(second as Delivery))]).toEqual([name, true])
    }
  })
})
