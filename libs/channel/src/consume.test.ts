import { expect, test } from '@jest/globals'
import { consume } from './consume.ts'
import type { Delivery, Subscription } from './port.ts'

const settle = () => new Promise((resolve) => setImmediate(resolve))
const batch = (position: string) => [{ position }] as unknown as readonly Delivery[]

/** Subscriptions that yield batches, then what they end with: an error, or silence until the stop. */
function arrange(...subscriptions: readonly (readonly Delivery[] | Error)[][]) {
  const taken: string[] = []
  const interruptions: unknown[] = []
  const pauses: (() => void)[] = []
  const stop = new AbortController()
  const draining = new AbortController()
  let opened = 0
  const aborted = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()))
  async function* yielding(): AsyncGenerator<readonly Delivery[]> {
    for (const next of subscriptions[opened++] ?? []) {
      if (next instanceof Error) throw next
      yield next
    }
    await aborted
  }
  const reading = consume(
    {
      clock: {
        now: () => 0,
        monotonic: () => 0,
        after: (_delayMs, callback) => {
          pauses.push(callback)
          return { [Symbol.dispose]: () => {} }
        },
      },
      subscribe: () => yielding() as unknown as Subscription,
      take: (deliveries) => void taken.push(...deliveries.map(({ position }) => position)),
      interrupted: (error, delayMs) => void interruptions.push([(error as Error).message, delayMs]),
      draining: draining.signal,
    },
    stop.signal,
  )
  return { taken, interruptions, pauses, stop, draining, reading, opened: () => opened }
}

test('an interruption is told, and reading goes on after a pause', async () => {
  const { taken, interruptions, pauses, stop, reading, opened } = arrange([batch('1'), new Error('cut')], [batch('2')])
  await settle()
  expect([taken, interruptions, opened()]).toEqual([['1'], [['cut', 1_000]], 1])
  pauses[0]?.()
  await settle()
  expect([taken, opened()]).toEqual([['1', '2'], 2])
  stop.abort()
  await reading
})

test('while it drains, what was given back is not taken again', async () => {
  const { taken, stop, draining, reading } = arrange([batch('1'), batch('1')])
  draining.abort()
  await settle()
  expect(taken).toEqual(['1'])
  stop.abort()
  await reading
})
