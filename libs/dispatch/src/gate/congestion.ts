/** Of the most that may be under way, what comes on top per round of answers: from 1 to all in 16 rounds. */
const ROUNDS_TO_RECOVER = 16

/**
 * How many requests at once a subscriber takes, learned from its answers: halved when it is congested, at most once per
 * round of requests; a sixteenth of `max` more per round of good answers. Starts with `max`.
 */
export class Congestion {
  #max: number
  #limit: number
  #good = 0
  /** Requests are marked with it at their start; those from before a halving say nothing new. */
  round = 0

  constructor(max: number) {
    this.#max = max
    this.#limit = max
  }

  get limit(): number {
    return this.#limit
  }

  resize(max: number): void {
    this.#limit = this.#limit === this.#max ? max : Math.min(this.#limit, max)
    this.#max = max
  }

  good(): void {
    if (this.#limit >= this.#max) return
    this.#good += 1
    if (this.#good < this.#limit) return
    this.#good = 0
    this.#limit = Math.min(this.#max, this.#limit + this.#step)
  }

  /** Answers whether the limit fell. */
  congested(round: number): boolean {
    if (round !== this.round || this.#limit === 1) return false
    this.#fall(Math.floor(this.#limit / 2))
    return true
  }

  /** A subscriber that was dead is not met by everything that waited. */
  restart(): void {
    this.#fall(Math.min(this.#limit, this.#step))
  }

  get #step(): number {
    return Math.ceil(this.#max / ROUNDS_TO_RECOVER)
  }

  #fall(limit: number): void {
    this.#limit = limit
    this.#good = 0
    this.round += 1
  }
}
