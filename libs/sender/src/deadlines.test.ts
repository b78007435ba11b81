import { expect, test } from '@jest/globals'
import type { Linked } from '@sluice/linked-list'
import { VirtualClock } from '@sluice/testkit'
import { Deadlines } from './deadlines.ts'

class Item implements Linked<Item> {
  due = 0
  next: Item | undefined = undefined
  previous: Item | undefined = undefined
  readonly expire: () => void
  constructor(expire: () => void) {
    this.expire = expire
  }
}

function started() {
  const clock = new VirtualClock()
  const expired: string[] = []
  const deadlines = new Deadlines<Item>(clock)
  const start = (name: string, ms: number) => {
    const item = new Item(() => void expired.push(`${name} at ${clock.monotonic()}`))
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
