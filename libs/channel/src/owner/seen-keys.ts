/** Of a lane: so many keys are remembered at least. */
export const REMEMBERED_KEYS = 10_000

/** The last keys of a lane, at least `count` of them: two generations that swap. */
export class SeenKeys {
  readonly #count: number
  #young = new Set<string>()
  #old = new Set<string>()

  constructor(count: number) {
    this.#count = count
  }

  /** False when the key is there already. */
  add(key: string): boolean {
    if (this.#young.has(key) || this.#old.has(key)) return false
    this.#young.add(key)
    if (this.#young.size >= this.#count) {
      this.#old = this.#young
      this.#young = new Set()
    }
    return true
  }
}
