import type { Clock } from '@sluice/clock'
import { type Linked, LinkedList } from '@sluice/linked-list'

interface Expiring<T> extends Linked<T> {
  /** Set by `Deadlines`, monotonic ms. */
  due: number
  expire(): void
}

interface Lane<T extends Linked<T>> {
  readonly waiting: LinkedList<T>
  timer: Disposable | undefined
}

/**
 * One timer per duration in use instead of one per request: what starts with the same duration falls due in the order
 * of starting, so only the oldest is watched.
 */
export class Deadlines<T extends Expiring<T>> implements Disposable {
  readonly #clock: Clock
  readonly #lanes = new Map<number, Lane<T>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  start(item: T, durationMs: number): void {
    let lane = this.#lanes.get(durationMs)
    if (lane === undefined) {
      lane = { waiting: new LinkedList(), timer: undefined }
      this.#lanes.set(durationMs, lane)
    }
    item.due = this.#clock.monotonic() + durationMs
    lane.waiting.append(item)
    if (lane.timer === undefined) this.#watch(lane, durationMs, durationMs)
  }

  end(item: T, durationMs: number): void {
    this.#lanes.get(durationMs)?.waiting.remove(item)
  }

  /** Everything that was started and not ended. */
  all(): T[] {
    return [...this.#lanes.values()].flatMap(({ waiting }) => [...waiting])
  }

  [Symbol.dispose](): void {
    for (const lane of this.#lanes.values()) lane.timer?.[Symbol.dispose]()
    this.#lanes.clear()
  }

  #watch(lane: Lane<T>, durationMs: number, delayMs: number): void {
    lane.timer = this.#clock.after(delayMs, () => {
      const now = this.#clock.monotonic()
      lane.timer = undefined
      for (let item = lane.waiting.oldest; item !== undefined; item = lane.waiting.oldest) {
        // Timers fire up to a millisecond early.
        if (item.due > now + 1) return this.#watch(lane, durationMs, item.due - now)
        lane.waiting.remove(item)
        item.expire()
      }
      if (lane.waiting.size === 0 && lane.timer === undefined) this.#lanes.delete(durationMs)
    })
  }
}
