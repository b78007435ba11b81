import { expect } from '@jest/globals'
import type { Delivery } from '../port.ts'
import { about, type Case } from './case.ts'
import { ack, idOf } from './consumer.ts'
import { entriesOf } from './samples.ts'

const BATCH = 100

/** Publishes and consumes `manyEvents`, and calls `interrupt` at a third and at half of them. */
async function interrupted(it: Case, channel: string, interrupt: () => Promise<void>): Promise<Delivery[]> {
  const count = it.manyEvents
  const seen: Delivery[] = []
  const take = (delivery: Delivery) => {
    seen.push(delivery)
    // Every tenth fails once, so that entries of all kinds are about when it happens.
    return delivery.attempt === 1 && Number(idOf(delivery)) % 10 === 0 ? delivery.nack(1) : ack(delivery)
  }
  const consume = () => it.consume(channel, { each: take, maxInFlight: 300, ...{ window: () => 100 } })
  let consumer = consume()
  const entries = entriesOf(count, (i) => ({ queue: `q${i % 10}`, dedupKey: `k${i}` }))
  const stops = [Math.floor(count / 3 / BATCH) * BATCH, Math.floor(count / 2 / BATCH) * BATCH]
  for (let i = 0; i < count; i += BATCH) {
    if (stops.includes(i)) {
      await consumer.until(() => seen.length > i / 2)
      await interrupt()
      consumer = consume()
    }
    await it.insist(channel, entries.slice(i, i + BATCH))
  }
  const isDone = () => new Set(seen.map(idOf)).size === count
  await consumer.until(isDone)
  await it.publish(channel, entries.slice(0, BATCH))
  return seen
}

function expectNothingLost(it: Case, seen: readonly Delivery[], inFlight: number): void {
  const attempts = new Set(seen.map((delivery) => `${idOf(delivery)}/${delivery.attempt}`))
  expect(new Set(seen.map(idOf)).size).toBe(it.manyEvents)
  const repeated = seen.length - attempts.size
  expect(repeated).toBeLessThanOrEqual(inFlight)
}

export const lossClaims = about('loses nothing', ({ claim }) => {
  for (const kind of ['log', 'queue'] as const) {
    claim(
      `of a ${kind} that is closed and opened at a third and at half, and repeats nothing`,
      async (it) => {
        const channel = kind === 'log' ? await it.log({ lanes: 8 }) : await it.queue({ lanes: 8 })
        expectNothingLost(it, await interrupted(it, channel, () => it.restart()), 0)
      },
      'persistent storage',
    )

    claim(
      `of a ${kind} whose process is killed at a third and at half`,
      async (it) => {
        const channel = kind === 'log' ? await it.log({ lanes: 8 }) : await it.queue({ lanes: 8 })
        // What was in flight, and what was acknowledged a moment ago and not stored yet.
        expectNothingLost(it, await interrupted(it, channel, () => it.crash()), 2 * 2 * 1_000)
      },
      'crash',
    )

    claim(
      `of a ${kind} whose connection is cut and mended at a third and at half`,
      async (it) => {
        const channel = kind === 'log' ? await it.log({ lanes: 8 }) : await it.queue({ lanes: 8 })
        const blink = async () => (await it.cut())()
        expectNothingLost(it, await interrupted(it, channel, blink), 2 * 2 * 1_000)
      },
      'cut',
    )

    claim(
      `of a ${kind} whose server restarts at a third and at half`,
      async (it) => {
        const channel = kind === 'log' ? await it.log({ lanes: 8 }) : await it.queue({ lanes: 8 })
        expectNothingLost(it, await interrupted(it, channel, () => it.restartServer()), 2 * 2 * 1_000)
      },
      'server restart',
    )
  }
})
