import type { Delivery } from '../port.ts'

/** A stored delivery on its way through, so that its end is noticed. */
export class Passing implements Delivery {
  readonly #stored: Delivery
  readonly #onEnd: () => void
  #isEnded = false

  constructor(stored: Delivery, onEnd: () => void) {
    this.#stored = stored
    this.#onEnd = onEnd
  }

  get event() {
    return this.#stored.event
  }
  get headers() {
    return this.#stored.headers
  }
  get stamp() {
    return this.#stored.stamp
  }
  get laneKey() {
    return this.#stored.laneKey
  }
  get position() {
    return this.#stored.position
  }
  get queue() {
    return this.#stored.queue
  }
  get lane() {
    return this.#stored.lane
  }
  get attempt() {
    return this.#stored.attempt
  }
  get handOuts() {
    return this.#stored.handOuts
  }
  get note() {
    return this.#stored.note
  }
  get dedupKey() {
    return this.#stored.dedupKey
  }
  get storedAt() {
    return this.#stored.storedAt
  }

  ack(): Promise<void> {
    this.#ended()
    return this.#stored.ack()
  }
  nack(delayMs: number, note?: string): Promise<void> {
    this.#ended()
    return this.#stored.nack(delayMs, note)
  }
  release(delayMs: number): Promise<void> {
    this.#ended()
    return this.#stored.release(delayMs)
  }
  park(reason: string, note?: string): Promise<void> {
    this.#ended()
    return this.#stored.park(reason, note)
  }

  #ended(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#onEnd()
  }
}
