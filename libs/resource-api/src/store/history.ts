import type { HistoryBounds } from './config.ts'
import type { Change } from './entry.ts'
import type { Compaction } from './protocol.ts'
import type { Resource } from './resource.ts'

/** Changes in order, from the oldest that is not compacted. */
export class History {
  readonly #bounds: HistoryBounds
  #changes: (Change | undefined)[] = []
  /** Index of the oldest. */
  #head = 0
  #bytes = 0
  /** Changes up to this one are forgotten. */
  compacted: number

  constructor(bounds: HistoryBounds, compacted: number) {
    this.#bounds = bounds
    this.compacted = compacted
  }

  add(change: Change): void {
    this.#changes.push(change)
    this.#bytes += change.before?.bytes ?? 0
  }

  /** Changes after `rv`, which is at least `compacted`. */
  *after(rv: number, resource: Resource): Generator<Change> {
    for (let i = this.#placeAfter(rv); i < this.#changes.length; i++) {
      const change = this.#changes[i] as Change
      if (change.resource === resource) yield change
    }
  }

  #placeAfter(rv: number): number {
    let [low, high] = [this.#head, this.#changes.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#changes[middle] as Change).rv <= rv) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Forgets what is beyond the bounds; answers which rows nobody can ask for any more, undefined if none. */
  compact(now: number): Compaction | undefined {
    const rows: number[] = []
    const { maxChanges, maxAgeMs, maxBytes } = this.#bounds
    const before = this.compacted
    while (this.#head < this.#changes.length) {
      const change = this.#changes[this.#head] as Change
      const isKept = this.#changes.length - this.#head <= maxChanges && this.#bytes <= maxBytes
      if (isKept && change.at >= now - maxAgeMs) break
      if (change.before !== undefined) rows.push(change.before.rv)
      if (change.now === undefined) rows.push(change.rv)
      this.#bytes -= change.before?.bytes ?? 0
      this.compacted = change.rv
      this.#changes[this.#head++] = undefined
    }
    if (this.#head > 1024 && this.#head * 2 > this.#changes.length) {
      this.#changes = this.#changes.slice(this.#head)
      this.#head = 0
    }
    return this.compacted === before ? undefined : { upTo: this.compacted, rows }
  }
}
