import { Direct } from './direct.ts'
import type { Passing } from './passing.ts'

/** What has not ended, by key: at the consumer, waiting for it, or on its way into the store. */
export class InHand {
  readonly #byKey = new Map<string, Direct | Passing>()
  /** Ended after they were written: the copy is still to come. Oldest first. */
  readonly #loose = new Map<string, Direct>()

  get(key: string): Direct | Passing | undefined {
    return this.#byKey.get(key)
  }

  set(key: string, delivery: Direct | Passing): void {
    this.#byKey.set(key, delivery)
  }

  /** Does nothing where another has its key by now. */
  delete(key: string, delivery: Direct | Passing): void {
    if (this.#loose.get(key) === delivery) this.#loose.delete(key)
    if (this.#byKey.get(key) === delivery) this.#byKey.delete(key)
  }

  /** Its copy never comes where the store had ended the same key before, so the oldest are forgotten by and by. */
  awaitCopy(direct: Direct): void {
    this.#loose.set(direct.key, direct)
    if (this.#loose.size <= MAX_LOOSE) return
    const [oldest] = this.#loose.values()
    if (oldest !== undefined) this.delete(oldest.key, oldest)
  }

  /** Something is at the consumer that the store has not handed out. */
  hasUnbound(): boolean {
    for (const each of this.#byKey.values()) {
      if (each instanceof Direct && each.isRunning && each.copy === undefined) return true
    }
    return false
  }

  clear(): void {
    this.#byKey.clear()
    this.#loose.clear()
  }
}

const MAX_LOOSE = 1_024
