import type { Clock } from '@sluice/clock'

export interface ManualClock extends Clock {
  /** Fires what falls due within `ms`; answers how many did. */
  advance(ms: number): number
}

export function manualClock(start = Date.UTC(2026, 10, 26, 12)): ManualClock {
  let now = start
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>()
  return {
    now: () => now,
    monotonic: () => now - start,
    after(delayMs, callback) {
      const timer = { at: now + delayMs, callback }
      timers.add(timer)
      return { [Symbol.dispose]: () => void timers.delete(timer) }
    },
    advance(ms) {
      now += ms
      const due = [...timers].filter(({ at }) => at <= now)
      for (const timer of due) {
        timers.delete(timer)
        timer.callback()
      }
      return due.length
    },
  }
}
