import type { Clock } from '@sluice/clock'

interface Timer {
  readonly due: number
  readonly callback: () => void
  handle: NodeJS.Timeout
}

/** The system's clock, which can be moved on: what falls due meanwhile fires, in order, each on a turn of its own. */
export class ShiftedClock implements Clock {
  #shift = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return Date.now() + this.#shift
  }

  monotonic(): number {
    return performance.now() + this.#shift
  }

  after(delayMs: number, callback: () => void): Disposable {
    const due = this.monotonic() + Math.max(0, delayMs)
    const timer: Timer = { due, callback, handle: this.#arm(due, () => this.#fire(timer)) }
    this.#timers.add(timer)
    return { [Symbol.dispose]: () => this.#forget(timer) }
  }

  /** Fires at most what was waiting when it was called. */
  async shift(ms: number): Promise<void> {
    this.#shift += ms
    const waiting = [...this.#timers].sort((a, b) => a.due - b.due)
    for (const timer of waiting) {
      if (!this.#timers.has(timer)) continue
      clearTimeout(timer.handle)
      if (timer.due <= this.monotonic()) this.#fire(timer)
      else timer.handle = this.#arm(timer.due, () => this.#fire(timer))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #arm(due: number, fire: () => void): NodeJS.Timeout {
    // Real time goes on between a look at the clock and this one, so what was ahead may be past
    return setTimeout(fire, Math.min(Math.max(0, due - this.monotonic()), 2 ** 31 - 1)).unref()
  }

  #fire(timer: Timer): void {
    this.#forget(timer)
    timer.callback()
  }

  #forget(timer: Timer): void {
    clearTimeout(timer.handle)
    this.#timers.delete(timer)
  }
}
