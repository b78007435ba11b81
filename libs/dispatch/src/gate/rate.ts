/** What may go at once after a pause, in seconds of the rate; at least one event. */
const BURST_S = 0.1

/** A token bucket, in monotonic ms. What goes without a token is owed. */
export class Rate {
  readonly perSecond: number
  readonly #burst: number
  #tokens: number
  #at: number

  constructor(perSecond: number, now: number) {
    this.perSecond = perSecond
    this.#burst = Math.max(1, perSecond * BURST_S)
    this.#tokens = this.#burst
    this.#at = now
  }

  /** Whole events that may go now; negative when more went than might. */
  available(now: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) * this.perSecond) / 1_000)
    this.#at = now
    // A timer that fires on time must not find the token a rounding error short
    return Math.floor(this.#tokens + 1e-6)
  }

  take(): void {
    this.#tokens -= 1
  }

  /** Until one may go. */
  waitMs(now: number): number {
    return this.available(now) >= 1 ? 0 : ((1 - this.#tokens) * 1_000) / this.perSecond
  }
}
