import { setImmediate } from 'node:timers/promises'
import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'

const MAX_CALLBACKS = 100_000

/** Lets everything that can run without a timer run: promise callbacks, then `turns` turns of the event loop. */
export async function settle(turns = 3): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await setImmediate()
}

/**
 * A clock that stands still until told. Timers fire in order of their due time, then of their creation, and after each
 * one whatever it woke runs before the next: `idle` says when that is over. Throws INTERNAL when one `advance` fires
 * more than 100,000 timers.
 */
export class VirtualClock implements Clock {
  #elapsed = 0
  #sequence = 0
  readonly #epoch: number
  readonly #idle: () => Promise<void>
  readonly #timers = new Map<number, { readonly due: number; readonly callback: () => void }>()

  constructor(epoch = Date.UTC(2026, 0, 1), idle: () => Promise<void> = settle) {
    this.#epoch = epoch
    this.#idle = idle
  }

  now(): number {
    return this.#epoch + this.#elapsed
  }

  monotonic(): number {
    return this.#elapsed
  }

  after(delayMs: number, callback: () => void): Disposable {
    const id = this.#sequence++
    this.#timers.set(id, { due: this.#elapsed + Math.max(0, delayMs), callback })
    return { [Symbol.dispose]: () => void this.#timers.delete(id) }
  }

  /** Timers waiting. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves time on by `ms`, firing what falls due on the way at its own due time. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms
    for (let fired = 0; ; fired += 1) {
      await this.#idle()
      const next = this.#earliest()
      if (next === undefined || next.due > end) break
      if (fired === MAX_CALLBACKS) throw new EventingError({ code: 'INTERNAL' }, `timers without end within ${ms} ms`)
      this.#timers.delete(next.id)
      this.#elapsed = Math.max(this.#elapsed, next.due)
      next.callback()
    }
    this.#elapsed = end
    await this.#idle()
  }

  #earliest(): { id: number; due: number; callback: () => void } | undefined {
    let earliest: { id: number; due: number; callback: () => void } | undefined
    // A Map keeps insertion order, so of equal due times the first made wins.
    for (const [id, { due, callback }] of this.#timers) {
      if (earliest === undefined || due < earliest.due) earliest = { id, due, callback }
    }
    return earliest
  }
}
