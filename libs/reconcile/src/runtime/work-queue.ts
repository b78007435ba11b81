import type { Clock } from '@sluice/clock'

const FIRST_RETRY_MS = 5
const LONGEST_RETRY_MS = 60_000
/** Of all keys together. Source: client-go, DefaultTypedControllerRateLimiter. */
const RETRIES_PER_SECOND = 10
const RETRIES_AT_ONCE = 100

export interface WorkQueueDeps {
  readonly clock: Clock
  /** Keys worked on at once. */
  readonly concurrency: number
  /** Rejects: again after a back-off. Resolves to ms: again then. */
  work(key: string): Promise<number | undefined>
  failed(key: string, error: unknown, retryInMs: number): void
}

/**
 * Works on keys, each once however often it was added, and never twice at once:
 *
 *   added ─► waiting ─► running ── added meanwhile ─► waiting
 *                          └── rejected ─► back-off (5 ms doubling to 60 s, 10 a second of all keys) ─► waiting
 *
 * Source: client-go, util/workqueue.
 */
export class WorkQueue implements AsyncDisposable {
  readonly #deps: WorkQueueDeps
  readonly #waiting = new Set<string>()
  readonly #running = new Map<string, Promise<void>>()
  /** Added while they ran. */
  readonly #again = new Set<string>()
  readonly #failures = new Map<string, number>()
  readonly #timers = new Map<string, Disposable>()
  readonly #idle = new Set<() => void>()
  #retriesLeft = RETRIES_AT_ONCE
  #countedAt: number
  #isClosed = false

  constructor(deps: WorkQueueDeps) {
    this.#deps = deps
    this.#countedAt = deps.clock.monotonic()
  }

  get depth(): number {
    return this.#waiting.size + this.#again.size
  }

  add(key: string): void {
    if (this.#isClosed) return
    if (this.#running.has(key)) this.#again.add(key)
    else this.#waiting.add(key)
    this.#next()
  }

  /** Resolves once nothing waits or runs; what waits for its back-off does not count. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve()
    return new Promise((resolve) => this.#idle.add(resolve))
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#running.size === 0
  }

  #next(): void {
    while (!this.#isClosed && this.#running.size < this.#deps.concurrency) {
      const { value: key } = this.#waiting.values().next()
      if (key === undefined) return
      this.#waiting.delete(key)
      this.#cancel(key)
      this.#running.set(key, this.#run(key))
    }
  }

  async #run(key: string): Promise<void> {
    await null
    let againInMs: number | undefined
    try {
      againInMs = await this.#deps.work(key)
      this.#failures.delete(key)
    } catch (error) {
      againInMs = this.#backOff(key)
      this.#deps.failed(key, error, againInMs)
    }
    this.#running.delete(key)
    if (this.#again.delete(key)) this.#waiting.add(key)
    else if (againInMs !== undefined) this.#later(key, againInMs)
    this.#next()
    if (!this.isIdle) return
    for (const resolve of this.#idle) resolve()
    this.#idle.clear()
  }

  #backOff(key: string): number {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    const own = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, 30), LONGEST_RETRY_MS)
    return Math.max(own, this.#turnInMs())
  }

  /** When the next retry of all is due: a bucket that fills at 10 a second. */
  #turnInMs(): number {
    const now = this.#deps.clock.monotonic()
    const filled = this.#retriesLeft + ((now - this.#countedAt) / 1000) * RETRIES_PER_SECOND
    this.#retriesLeft = Math.min(RETRIES_AT_ONCE, filled) - 1
    this.#countedAt = now
    return this.#retriesLeft >= 0 ? 0 : (-this.#retriesLeft / RETRIES_PER_SECOND) * 1000
  }

  #later(key: string, ms: number): void {
    if (this.#isClosed) return
    this.#cancel(key)
    this.#timers.set(
      key,
      this.#deps.clock.after(ms, () => this.add(key)),
    )
  }

  #cancel(key: string): void {
    this.#timers.get(key)?.[Symbol.dispose]()
    this.#timers.delete(key)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#waiting.clear()
    this.#again.clear()
    for (const key of [...this.#timers.keys()]) this.#cancel(key)
    await Promise.all(this.#running.values())
  }
}
