import type { Position } from '../port.ts'
import { Direct } from './direct.ts'

/** A repeat of it gets the same answer. */
interface Held {
  readonly published: Promise<Position>
}

/** What has not ended, by key: at the consumer, waiting for it, or on its way into the store. */
export class InHand {
  #byKey = new Map<string, Held>()
  #deleted = 0

  get(key: string): Held | undefined {
    return this.#byKey.get(key)
  }

  set(key: string, held: Held): void {
    this.#byKey.set(key, held)
  }

  /** Does nothing where another has its key by now. */
  delete(key: string, held: Held): void {
    if (this.#byKey.get(key) !== held) return
    this.#byKey.delete(key)
    if (++this.#deleted < Math.max(RENEW_AFTER, this.#byKey.size)) return
    this.#deleted = 0
    this.#byKey = new Map(this.#byKey)
  }

  /** A repeat that comes while it is being written waits for the same answer. */
  writing(key: string, published: Promise<Position>): Promise<Position> {
    const held = { published }
    this.set(key, held)
    const written = () => this.delete(key, held)
    published.then(written, written)
    return published
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
  }
}

/** A Map with this many deletions is made anew: its tables would keep what was in them, see LinkedList. */
const RENEW_AFTER = 4_096
