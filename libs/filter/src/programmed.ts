/** The newest contract revision whose routes are in force; events stamped later wait for theirs. */
export class Programmed {
  #revision = -1
  #waiting: { readonly revision: number; readonly resolve: () => void }[] = []

  /** -1 before the first contract. */
  get revision(): number {
    return this.#revision
  }

  advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision)
    const reached = this.#waiting.filter((waiter) => waiter.revision <= this.#revision)
    this.#waiting = this.#waiting.filter((waiter) => waiter.revision > this.#revision)
    for (const { resolve } of reached) resolve()
  }

  /** Resolves once `revision` is programmed, or when `signal` aborts. */
  reached(revision: number, signal: AbortSignal): Promise<void> {
    if (revision <= this.#revision || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const waiter = {
        revision,
        resolve: () => {
          signal.removeEventListener('abort', waiter.resolve)
          this.#waiting = this.#waiting.filter((other) => other !== waiter)
          resolve()
        },
      }
      this.#waiting.push(waiter)
      signal.addEventListener('abort', waiter.resolve, { once: true })
    })
  }
}
