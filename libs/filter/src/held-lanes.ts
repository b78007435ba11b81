import type { Clock } from '@sluice/clock'

const FIRST_RETRY_MS = 100
/** One publish per lane tries, so it may try often: the lane stands still after an outage for no longer than this. */
const LONGEST_RETRY_MS = 1_000

interface Waiting {
  readonly turn: number
  readonly go: () => void
}

interface Held {
  /** By turn. */
  readonly waiting: Waiting[]
  failures: number
  /** The turn of the one that tries now. */
  trying: number | undefined
  timer: Disposable | undefined
}

/**
 * Lanes in which a publish failed that may pass. What comes after it waits behind it, so that trying again keeps the
 * order of the lane: the oldest tries alone, and once it is through all others follow at once, in order.
 */
export class HeldLanes {
  readonly #clock: Clock
  readonly #halt: AbortSignal
  readonly #held = new Map<number, Held>()
  #turns = 0

  /** From `halt` on nobody waits. */
  constructor(clock: Clock, halt: AbortSignal) {
    this.#clock = clock
    this.#halt = halt
    halt.addEventListener('abort', () => this.#letAllGo(), { once: true })
  }

  /** Taken in the order of the log. */
  takeTurn(): number {
    return ++this.#turns
  }

  isHeld(lane: number): boolean {
    return this.#held.has(lane)
  }

  /** Resolves when it may publish. */
  behind(lane: number, turn: number): Promise<void> {
    return this.#wait(this.#held.get(lane), turn)
  }

  /** Its publish failed: `again` resolves when it may try again, at the earliest after `delayMs`. */
  failed(lane: number, turn: number): { delayMs: number; again: Promise<void> } {
    const held = this.#held.get(lane) ?? { waiting: [], failures: 0, trying: undefined, timer: undefined }
    this.#held.set(lane, held)
    if (held.trying === turn) {
      held.trying = undefined
      held.failures += 1
    }
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** held.failures, LONGEST_RETRY_MS)
    const again = this.#wait(held, turn)
    if (!this.#halt.aborted && held.trying === undefined) {
      held.timer ??= this.#clock.after(delayMs, () => this.#tryOldest(held))
    }
    return { delayMs, again }
  }

  /** It is through, or will never be: if it was the one that tried, the lane goes on. */
  passed(lane: number, turn: number): void {
    const held = this.#held.get(lane)
    if (held?.trying !== turn) return
    this.#held.delete(lane)
    for (const { go } of held.waiting) go()
  }

  #wait(held: Held | undefined, turn: number): Promise<void> {
    if (held === undefined || this.#halt.aborted) return Promise.resolve()
    return new Promise((go) => {
      const at = held.waiting.findLastIndex((other) => other.turn < turn) + 1
      held.waiting.splice(at, 0, { turn, go })
    })
  }

  #tryOldest(held: Held): void {
    held.timer = undefined
    const oldest = held.waiting.shift()
    held.trying = oldest?.turn
    oldest?.go()
  }

  #letAllGo(): void {
    for (const { waiting, timer } of this.#held.values()) {
      timer?.[Symbol.dispose]()
      for (const { go } of waiting.splice(0)) go()
    }
    this.#held.clear()
  }
}
