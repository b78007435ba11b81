import type { Position } from '../port.ts'

/** The keys added last, with the position each got: at least `max` of them, at most twice as many. */
export class RecentKeys {
  readonly #max: number
  #newer = new Map<string, Position>()
  #older = new Map<string, Position>()

  constructor(max: number) {
    this.#max = max
  }

  add(key: string, position: Position): void {
    if (this.#newer.size >= this.#max) {
      // Not cleared and used again: its tables would keep what was in them, see LinkedList.
      this.#older = this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(key, position)
  }

  get(key: string): Position | undefined {
    // Mostly there is none, and the key is asked for with every copy.
    if (this.#newer.size === 0) return undefined
    return this.#newer.get(key) ?? this.#older.get(key)
  }
}
