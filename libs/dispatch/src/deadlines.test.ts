import { expect, test } from '@jest/globals'
import { VirtualClock } from '@sluice/testkit'
import { Deadlines } from './deadlines.ts'

function started() {
  const clock = new VirtualClock()
  const expired: string[] = []
  const deadlines = new Deadlines<{ due: number; expire(): void }>(clock)
  const start = (name: string, ms: number) => {
    const item = { due: 0, expire: () => void expired.push(`${name} at ${clock.monotonic()}`) }
    deadlines.start(item, ms)
    return item
  }
  return { clock, expired, deadlines, start }
}

test('each falls due after its own duration, in whatever order they were started', async () => {
  const { clock, expired, start } = started()
  start('a', 1_000)
  await clock.advance(300)
  start('b', 1_000)
  start('c', 100)
  await clock.advance(2_000)
  expect(expired).toEqual(['c at 400', 'a at 1000', 'b at 1300'])
  expect(clock.pending).toBe(0)
})

test('what ended in time does not expire, and those behind it still do', async () => {
  const { clock, expired, deadlines, start } = started()
  const a = start('a', 1_000)
  await clock.advance(10)
  start('b', 1_000)
  deadlines.end(a, 1_000)
  await clock.advance(2_000)
  expect(expired).toEqual(['b at 1010'])
})

test('a thousand requests of one duration share one timer', async () => {
  const { clock, expired, start } = started()
  for (let i = 0; i < 1_000; i += 1) start(`${i}`, 500)
  expect(clock.pending).toBe(1)
  await clock.advance(500)
  expect(expired).toHaveLength(1_000)
  expect(clock.pending).toBe(0)
})
