import type { Delivery } from '@sluice/channel'

/** Events remembered per trigger, beyond which the oldest are forgotten before their window is over. */
const MAX_EVENTS = 100_000

interface Seen {
  /** Which delivery it came as: its own retries are no repeats. */
  readonly by: string
  readonly at: number
}

/** Events of the last `windowMs` by source and id, in memory. Two generations, so that forgetting is no deleting. */
export class Repeats {
  readonly windowMs: number
  readonly #maxEvents: number
  #newer = new Map<string, Seen>()
  #older = new Map<string, Seen>()
  #turnedAt: number

  constructor(windowMs: number, now: number, maxEvents = MAX_EVENTS) {
    this.windowMs = windowMs
    this.#maxEvents = maxEvents
    this.#turnedAt = now
  }

  /** Whether another delivery of the same event was here within the window; remembers this one if not. A replay is meant. */
  has({ event, dedupKey, position }: Delivery, now: number): boolean {
    const { attributes } = event
    if (attributes.has('sluicereplay')) return false
    const key = `${attributes.get('source')}\n${attributes.get('id')}`
    const by = dedupKey ?? position
    const seen = this.#newer.get(key) ?? this.#older.get(key)
    if (seen !== undefined && now - seen.at < this.windowMs) return seen.by !== by
    if (this.#newer.size >= this.#maxEvents || now - this.#turnedAt >= this.windowMs) {
      this.#older = this.#newer
      this.#newer = new Map()
      this.#turnedAt = now
    }
    this.#newer.set(key, { by, at: now })
    return false
  }
}
