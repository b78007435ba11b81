import { expect } from '@jest/globals'
import type { Delivery } from '../port.ts'
import { about } from './case.ts'
import { ack, hold, idOf } from './consumer.ts'
import { entriesOf, entryOf } from './samples.ts'

const DELAY_MS = 150
/** What is published and handed out meanwhile takes less, also over a slow backend on a busy machine. */
const LATER_MS = 1_000
/** Wall clocks of a server and of this process may differ a little, and timers are cut to milliseconds. */
const EARLY_MS = 10

export const endClaims = about('knows four ends', ({ claim }) => {
  claim(
    'ack: it never comes again, nor after a restart',
    async (it) => {
      const channels = [await it.log(), await it.queue()]
      for (const channel of channels)
        await it.publish(
          channel,
          entriesOf(20, () => ({ queue: 'q' })),
        )
      for (const channel of channels) {
        const consumer = it.consume(channel, {
          each: (delivery) => (idOf(delivery) === '7' ? undefined : ack(delivery)),
        })
        await consumer.until(20)
      }
      await it.restart()
      for (const channel of channels) {
        await it.publish(channel, [entryOf('marker', { queue: 'q' })])
        const consumer = it.consume(channel)
        await consumer.until(() => consumer.ids.includes('marker'))
        expect(consumer.ids).toEqual(['7', 'marker'])
      }
    },
    'persistent storage',
  )

  claim('nack: it comes again as the next attempt with its note, and not before its delay', async (it) => {
    for (const channel of [await it.log(), await it.queue()]) {
      const times: number[] = []
      const consumer = it.consume(channel, {
        each: (delivery) => {
          times.push(it.now())
          return delivery.attempt < 3 ? delivery.nack(DELAY_MS, `failed ${delivery.attempt}`) : delivery.ack()
        },
      })
      await it.publish(channel, [entryOf(1, { queue: 'q' })])
      await consumer.until(3)
      expect(consumer.deliveries.map(({ attempt, handOuts, note }) => [attempt, handOuts, note])).toEqual([
        [1, 1, undefined],
        [2, 1, 'failed 1'],
        [3, 1, 'failed 2'],
      ])
      expect(it.positionsOf(consumer.deliveries).size).toBe(1)
      expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(DELAY_MS - EARLY_MS)
      expect((times[2] as number) - (times[1] as number)).toBeGreaterThanOrEqual(DELAY_MS - EARLY_MS)
    }
  })

  claim('nack without a note: the earlier note is gone', async (it) => {
    const queue = await it.queue()
    const consumer = it.consume(queue, {
      each: (delivery) =>
        delivery.attempt < 3 ? delivery.nack(0, ['first', undefined][delivery.attempt - 1]) : undefined,
    })
    await it.publish(queue, [entryOf(1, { queue: 'q' })])
    await consumer.until(3)
    expect(consumer.deliveries.map(({ note }) => note)).toEqual([undefined, 'first', undefined])
  })

  claim('release: it comes again as it was, uncounted', async (it) => {
    for (const channel of [await it.log(), await it.queue()]) {
      let count = 0
      const consumer = it.consume(channel, {
        each: (delivery) => {
          if (count++ === 0) return delivery.nack(0, 'note')
          return count < 5 ? delivery.release(count) : delivery.ack()
        },
      })
      await it.publish(channel, [entryOf(1, { queue: 'q' })])
      await consumer.until(5)
      expect(consumer.deliveries.map(({ attempt, handOuts, note }) => [attempt, handOuts, note])).toEqual([
        [1, 1, undefined],
        ...Array.from({ length: 4 }, () => [2, 1, 'note']),
      ])
    }
  })

  claim('release without delay: it keeps its place before what is younger, for whoever comes next', async (it) => {
    for (const channel of [await it.log(), await it.queue()]) {
      const window = () => 1
      const leaving = it.consume(channel, { window, maxInFlight: 1, each: hold })
      for (const id of [1, 2, 3]) await it.publish(channel, [entryOf(id, { queue: 'q' })])
      await leaving.until(1)
      await leaving.deliveries[0]?.release(0)
      await leaving.stop()
      const next = it.consume(channel, { window, maxInFlight: 1 })
      await next.until(3)
      expect(next.ids).toEqual(['1', '2', '3'])
    }
  })

  claim('park: it is kept apart, and comes no more', async (it) => {
    for (const channel of [await it.log(), await it.queue()]) {
      const consumer = it.consume(channel, {
        each: (delivery) => (idOf(delivery) === '1' ? delivery.park('REASON', 'note') : delivery.ack()),
      })
      await it.publish(channel, [entryOf(1, { queue: 'q' })])
      await consumer.until(1)
      await consumer.ended()
      await it.publish(channel, [entryOf('marker', { queue: 'q' })])
      await consumer.until(() => consumer.ids.includes('marker'))
      expect(consumer.ids).toEqual(['1', 'marker'])
      expect(await it.parked(channel)).toMatchObject([{ reason: 'REASON', note: 'note', attempt: 1 }])
      expect(await it.backlog(channel)).toEqual({ events: 0, bytes: 0 })
    }
  })

  claim('of which the first counts and every other is swallowed', async (it) => {
    const ends = [
      (delivery: Delivery) => delivery.ack(),
      (delivery: Delivery) => delivery.nack(0, 'second'),
      (delivery: Delivery) => delivery.release(0),
      (delivery: Delivery) => delivery.park('second'),
    ]
    for (const channel of [await it.log(), await it.queue()]) {
      const consumer = it.consume(channel, { each: hold })
      for (const second of ends) {
        const count = consumer.deliveries.length
        await it.publish(channel, [entryOf('acked', { queue: 'q' }), entryOf('nacked', { queue: 'q' })])
        await consumer.until(count + 2)
        const [acked, nacked] = consumer.deliveries.slice(count).sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
        await Promise.all([
          acked?.ack(),
          second(acked as Delivery),
          nacked?.nack(0, 'first'),
          second(nacked as Delivery),
        ])
        // It may have come before its nack was answered.
        await consumer.until(count + 3)
        const again = consumer.deliveries[count + 2] as Delivery
        expect([idOf(again), again.attempt, again.note]).toEqual(['nacked', 2, 'first'])
        await again.ack()
      }
      expect(await it.parked(channel)).toEqual([])
      expect(await it.backlog(channel)).toEqual({ events: 0, bytes: 0 })
    }
  })

  claim('and a log goes on when one of its entries waits for its next attempt', async (it) => {
    const log = await it.log({ lanes: 1 })
    const consumer = it.consume(log, {
      maxInFlight: 2,
      each: (delivery) => (idOf(delivery) === '0' ? delivery.nack(3_600_000) : delivery.ack()),
    })
    await it.publish(log, entriesOf(50))
    await consumer.until(50)
    expect((await it.backlog(log)).events).toBe(1)
  })

  claim('with delays that are no sensible number', async (it) => {
    const queue = await it.queue()
    const delays = [-5, 0.25, 1.5, Number.NaN, -0]
    const consumer = it.consume(queue, {
      each: (delivery) => {
        const delay = delays[delivery.attempt - 1]
        return delay === undefined ? delivery.ack() : delivery.nack(delay)
      },
    })
    await it.publish(queue, [entryOf(1, { queue: 'q' })])
    await consumer.until(delays.length + 1)
    consumer.each = (delivery) => delivery.nack(Number.POSITIVE_INFINITY)
    await it.publish(queue, [entryOf(2, { queue: 'q', notBefore: it.now() - 0.5 })])
    await consumer.until(delays.length + 2)
    await consumer.ended()
    await it.publish(queue, [entryOf(3, { queue: 'q' })])
    await consumer.until(delays.length + 3)
    expect((await it.backlog(queue)).events).toBe(2)
  })

  claim('when its consumer is gone: swallowed', async (it) => {
    const queue = await it.queue()
    await it.publish(
      queue,
      entriesOf(4, () => ({ queue: 'q' })),
    )
    const first = it.consume(queue, { each: hold })
    await first.until(4)
    await first.stop()
    const [a, b, c, d] = first.deliveries
    await Promise.all([a?.ack(), b?.nack(0), c?.release(0), d?.park('late')])
    const second = it.consume(queue)
    await second.until(4)
    expect(second.deliveries.every(({ attempt }) => attempt === 1)).toBe(true)
    expect(await it.parked(queue)).toEqual([])
  })

  claim('of tries made elsewhere: attempt, note and time come with the entry', async (it) => {
    const queue = await it.queue()
    const consumer = it.consume(queue)
    const before = it.now()
    await it.publish(queue, [
      entryOf('later', { queue: 'q', notBefore: before + LATER_MS }),
      entryOf('tried', { queue: 'q', attempt: 4, note: 'the note' }),
      entryOf('kept', { queue: 'q', attempt: 3, note: 'n', parked: 'REASON' }),
      entryOf('past', { queue: 'q', notBefore: before - 10_000 }),
    ])
    await consumer.until(3)
    expect(it.now()).toBeGreaterThanOrEqual(before + LATER_MS - EARLY_MS)
    expect(consumer.ids.toSorted()).toEqual(['later', 'past', 'tried'])
    expect(consumer.ids.at(-1)).toBe('later')
    const tried = consumer.deliveries.find((delivery) => idOf(delivery) === 'tried')
    expect(tried).toMatchObject({ attempt: 4, handOuts: 1, note: 'the note' })
    expect(await it.parked(queue)).toMatchObject([{ reason: 'REASON', attempt: 3, note: 'n', queue: 'q' }])
  })

  claim(
    'all of which outlive a crash, once they are stored',
    async (it) => {
      for (const channel of [await it.log(), await it.queue()]) {
        await it.publish(
          channel,
          entriesOf(4, () => ({ queue: 'q' })),
        )
        const ends: Record<string, (delivery: Delivery) => Promise<void>> = {
          0: (delivery) => delivery.nack(0, 'noted'),
          1: (delivery) => delivery.release(0),
          2: (delivery) => delivery.park('REASON'),
          3: (delivery) => delivery.nack(3_600_000, 'much later'),
        }
        const seen = new Set<string>()
        const consumer = it.consume(channel, {
          maxInFlight: 4,
          // What comes again at once may come before the last of the four.
          each: (delivery) => {
            const id = idOf(delivery)
            return seen.size < seen.add(id).size ? ends[id]?.(delivery) : undefined
          },
        })
        await consumer.until(() => seen.size === 4)
        await consumer.ended()
        await it.crash()
        const again = it.consume(channel)
        await again.until(2)
        const facts = again.deliveries.map((delivery) => [idOf(delivery), delivery.attempt, delivery.note])
        expect(facts.sort()).toEqual([
          ['0', 2, 'noted'],
          ['1', 1, undefined],
        ])
        expect(await it.parked(channel)).toMatchObject([{ reason: 'REASON' }])
        expect((await it.backlog(channel)).events).toBe(1)
      }
    },
    'crash',
  )

  claim(
    'and a delay that runs across a restart',
    async (it) => {
      const queue = await it.queue()
      const consumer = it.consume(queue, { each: (delivery) => delivery.nack(2 * DELAY_MS) })
      await it.publish(queue, [entryOf(1, { queue: 'q' })])
      await consumer.until(1)
      await consumer.ended()
      const nacked = it.now()
      await it.restart()
      const again = it.consume(queue)
      await again.until(1)
      expect(it.now()).toBeGreaterThanOrEqual(nacked + 2 * DELAY_MS - EARLY_MS - 50)
      expect(again.deliveries[0]?.attempt).toBe(2)
    },
    'persistent storage',
  )
})
