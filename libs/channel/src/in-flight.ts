/** Counts the deliveries on their way to their ends; `idle` resolves when there are none. */
export class InFlight {
  #count = 0
  #waiting: (() => void)[] = []

  /** Counts `work`, which must not reject, until it settles. */
  add(work: Promise<unknown>): void {
    this.#count += 1
    void work.finally(() => {
      this.#count -= 1
      if (this.#count > 0) return
      for (const resolve of this.#waiting.splice(0)) resolve()
    })
  }

  idle(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }
}
