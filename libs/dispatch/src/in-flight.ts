/** Counts what runs; `idle` resolves when nothing does. */
export class InFlight {
  #count = 0
  #waiting: (() => void)[] = []

  get count(): number {
    return this.#count
  }

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
