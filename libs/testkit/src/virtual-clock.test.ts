import { describe, expect, test } from '@jest/globals'
import { sleep } from '@sluice/clock'
import { VirtualClock } from './virtual-clock.ts'

describe('virtual clock', () => {
  test('fires timers by due time, and equal ones in the order they were made', async () => {
    const clock = new VirtualClock()
    const fired: string[] = []
    clock.after(20, () => fired.push('late'))
    clock.after(10, () => fired.push('first'))
    clock.after(10, () => fired.push('second'))
    await clock.advance(20)
    expect(fired).toEqual(['first', 'second', 'late'])
    expect(clock.pending).toBe(0)
  })

  test('a timer sees its own due time, and one made by another fires in the same advance', async () => {
    const clock = new VirtualClock(1_000)
    const seen: number[] = []
    clock.after(10, () => {
      seen.push(clock.now())
      clock.after(5, () => seen.push(clock.now()))
    })
    await clock.advance(100)
    expect(seen).toEqual([1_010, 1_015])
    expect(clock.now()).toBe(1_100)
    expect(clock.monotonic()).toBe(100)
  })

  test('what awaits a timer runs before the next timer fires', async () => {
    const clock = new VirtualClock()
    const order: string[] = []
    const walk = async () => {
      await sleep(clock, 10)
      await Promise.resolve()
      order.push('awaiter')
    }
    const done = walk()
    clock.after(11, () => order.push('next timer'))
    await clock.advance(11)
    await done
    expect(order).toEqual(['awaiter', 'next timer'])
  })

  test('a timer that is not due yet, or was disposed of, does not fire', async () => {
    const clock = new VirtualClock()
    const fired: string[] = []
    clock.after(5, () => fired.push('disposed'))[Symbol.dispose]()
    clock.after(6, () => fired.push('not due'))
    await clock.advance(5)
    expect(fired).toEqual([])
    expect(clock.pending).toBe(1)
  })

  test('a timer that renews itself for ever is an error, not a hang', async () => {
    const clock = new VirtualClock()
    const again = () => void clock.after(0, again)
    again()
    await expect(clock.advance(1)).rejects.toMatchObject({ detail: { code: 'INTERNAL' } })
  }, 30_000)
})
