import type { Clock } from '@sluice/clock'
import { LinkedList } from '@sluice/linked-list'
import type { Direct } from './direct.ts'

export interface OneWriteLimits {
  /** A copy that has not ended by then is written. */
  readonly spillAfterMs: number
  /** Copies that memory alone has, handed out or waiting, per channel; beyond, they are written. */
  readonly maxDirect: number
  readonly maxDirectBytes: number
  /** Copies of one logical queue that wait for its window; beyond, they are written. */
  readonly maxWaiting: number
}

export interface UnwrittenDeps {
  readonly clock: Clock
  readonly limits: OneWriteLimits
  /** Was added `spillAfterMs` ago: takes it out, and others with it if need be. */
  readonly onOld: (direct: Direct) => void
}

/** What memory alone has, oldest first. A timer runs while there is anything. */
export class Unwritten implements Iterable<Direct> {
  readonly #deps: UnwrittenDeps
  readonly #directs = new LinkedList<Direct>()
  #bytes = 0
  #sweep: Disposable | undefined
  #isClosed = false

  constructor(deps: UnwrittenDeps) {
    this.#deps = deps
  }

  hasRoom(bytes: number): boolean {
    const { maxDirect, maxDirectBytes } = this.#deps.limits
    return this.#directs.size < maxDirect && this.#bytes + bytes <= maxDirectBytes
  }

  add(direct: Direct): void {
    this.#directs.append(direct)
    this.#bytes += direct.bytes
    if (this.#sweep === undefined && !this.#isClosed) this.#sweepIn(this.#deps.limits.spillAfterMs)
  }

  delete(direct: Direct): boolean {
    const isDeleted = this.#directs.remove(direct)
    if (isDeleted) this.#bytes -= direct.bytes
    return isDeleted
  }

  get oldest(): Direct | undefined {
    return this.#directs.oldest
  }

  [Symbol.iterator](): Iterator<Direct> {
    return this.#directs[Symbol.iterator]()
  }

  /** No timer any more. */
  close(): void {
    this.#isClosed = true
    this.#sweep?.[Symbol.dispose]()
    this.#sweep = undefined
  }

  #sweepIn(delayMs: number): void {
    this.#sweep = this.#deps.clock.after(delayMs, () => {
      this.#sweep = undefined
      const { clock, limits, onOld } = this.#deps
      const now = clock.monotonic()
      for (let direct = this.oldest; direct !== undefined; direct = this.oldest) {
        const age = now - direct.since
        if (age >= limits.spillAfterMs) onOld(direct)
        else return this.#sweepIn(Math.max(SWEEP_MS, limits.spillAfterMs - age))
      }
    })
  }
}

/** Sweeps are at least this far apart. */
const SWEEP_MS = 50
