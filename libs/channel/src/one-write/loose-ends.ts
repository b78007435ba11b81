import type { Direct } from './direct.ts'

/**
 * Ended at a consumer after they were written: the copy is still to come, to this or another consumer of the channel,
 * and ends like that.
 */
export class LooseEnds {
  readonly #byKey = new Map<string, Direct>()

  /** Its copy never comes where the store had ended the same key before, so the oldest are forgotten by and by. */
  add(direct: Direct): void {
    this.#byKey.set(direct.key, direct)
    if (this.#byKey.size <= MAX_LOOSE) return
    for (const oldest of this.#byKey.keys()) {
      this.#byKey.delete(oldest)
      return
    }
  }

  /** The one whose copy has come. */
  take(key: string): Direct | undefined {
    const direct = this.#byKey.get(key)
    if (direct !== undefined) this.#byKey.delete(key)
    return direct
  }

  delete(direct: Direct): void {
    if (this.#byKey.get(direct.key) === direct) this.#byKey.delete(direct.key)
  }
}

const MAX_LOOSE = 1_024
