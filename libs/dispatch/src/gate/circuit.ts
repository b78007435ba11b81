/** What it takes to call a subscriber dead: so many requests in a row, of so many events, over so long a time. */
const FAILURES = 20
const EVENTS = 10
const DEAD_FOR_MS = 2_000
/** Failures further apart are not in a row. */
const GAP_MS = 60_000
const FIRST_PROBE_MS = 1_000
const LAST_PROBE_MS = 15_000

/**
 * Opens when nothing is heard of a subscriber: requests in a row that met no connection or no answer in time. An answer
 * of any status closes it. While it is open one request at a time goes, the probe, after 1 s, then after twice as long
 * each time, up to 15 s. Times are monotonic ms.
 *
 *   closed ── 20 failures of 10 events over 2 s ──► open ── probe answered ──► closed
 *                                                     └──── probe lost ──────► open, waits twice as long
 */
export class Circuit {
  #failures = 0
  #since = 0
  #last = 0
  #events = new Set<string>()
  #delayMs = 0
  #isProbing = false
  /** When the next probe may go; undefined while closed. */
  #probeAt: number | undefined

  get isOpen(): boolean {
    return this.#probeAt !== undefined
  }

  /** When a probe may go that is not under way; undefined: closed, or one is. */
  get probeAt(): number | undefined {
    return this.#isProbing ? undefined : this.#probeAt
  }

  mayStart(now: number): boolean {
    return this.#probeAt === undefined || (!this.#isProbing && now >= this.#probeAt)
  }

  /** A request starts that `mayStart`. True: it is the probe. */
  started(): boolean {
    if (this.#probeAt === undefined) return false
    this.#isProbing = true
    return true
  }

  /** True: that closed it. */
  answered(): boolean {
    if (this.#failures === 0) return false
    this.#failures = 0
    this.#events = new Set()
    const wasOpen = this.isOpen
    this.#probeAt = undefined
    this.#isProbing = false
    return wasOpen
  }

  /** The probe came to nothing that says anything about the subscriber. */
  unanswered(): void {
    this.#isProbing = false
  }

  /** Nothing was heard of the subscriber. True: that opened it. */
  lost(event: string, isProbe: boolean, now: number): boolean {
    if (this.#probeAt !== undefined) {
      if (isProbe) this.#wait(Math.min(this.#delayMs * 2, LAST_PROBE_MS), now)
      return false
    }
    if (this.#failures === 0 || now - this.#last > GAP_MS) {
      this.#failures = 0
      this.#events = new Set()
      this.#since = now
    }
    this.#failures += 1
    this.#last = now
    if (this.#events.size < EVENTS) this.#events.add(event)
    if (this.#failures < FAILURES || this.#events.size < EVENTS || now - this.#since < DEAD_FOR_MS) return false
    this.#wait(FIRST_PROBE_MS, now)
    return true
  }

  #wait(delayMs: number, now: number): void {
    this.#isProbing = false
    this.#delayMs = delayMs
    this.#probeAt = now + delayMs
  }
}
