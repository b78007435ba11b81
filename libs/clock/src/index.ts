/**
 * Time as a dependency. `now` is wall-clock milliseconds since the epoch (times that survive a restart),
 * `monotonic` is for durations inside one process. Timers never keep the process alive.
 */
export interface Clock {
  now(): number
  monotonic(): number
  /** Calls `callback` once after `delayMs` (at most 2^31-1; longer waits are cut to that). Disposing cancels it. */
  after(delayMs: number, callback: () => void): Disposable
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), MAX_TIMEOUT_MS))
    timer.unref()
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  },
}

/** Resolves after `delayMs`, or at once when `signal` aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      timer[Symbol.dispose]()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = clock.after(delayMs, end)
    signal?.addEventListener('abort', end, { once: true })
  })
}
