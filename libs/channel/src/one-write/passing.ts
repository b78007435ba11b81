import type { Delivery, Position } from '../port.ts'
import { ACK, DONE, type End, endCopy } from './ends.ts'

/** A stored delivery on its way through, so that its end is noticed. */
export class Passing implements Delivery {
  readonly stored: Delivery
  readonly bytes: number
  readonly #onEnd: (passing: Passing, end: End) => void
  #isEnded = false
  isOut = false

  constructor(stored: Delivery, bytes: number, onEnd: (passing: Passing, end: End) => void) {
    this.stored = stored
    this.bytes = bytes
    this.#onEnd = onEnd
  }

  get event() {
    return this.stored.event
  }
  get headers() {
    return this.stored.headers
  }
  get stamp() {
    return this.stored.stamp
  }
  get laneKey() {
    return this.stored.laneKey
  }
  get position() {
    return this.stored.position
  }
  get queue() {
    return this.stored.queue
  }
  get lane() {
    return this.stored.lane
  }
  get attempt() {
    return this.stored.attempt
  }
  get handOuts() {
    return this.stored.handOuts
  }
  get note() {
    return this.stored.note
  }
  /** Not the one that a copy without a key was written with. */
  get dedupKey() {
    const key = this.stored.dedupKey
    return key?.startsWith(OWN_KEY) ? undefined : key
  }
  get storedAt() {
    return this.stored.storedAt
  }
  /** For a publisher that repeats it. */
  get published(): Promise<Position> {
    return Promise.resolve(this.stored.position)
  }

  ack(): Promise<void> {
    return this.#endAs(ACK)
  }
  nack(delayMs: number, note?: string): Promise<void> {
    return this.#endAs({ kind: 'nack', delayMs, note })
  }
  release(delayMs: number): Promise<void> {
    return this.#endAs({ kind: 'release', delayMs })
  }
  park(reason: string, note?: string): Promise<void> {
    return this.#endAs({ kind: 'park', reason, note })
  }

  /** The driver hears it first: its place is free before anybody asks. */
  #endAs(end: End): Promise<void> {
    if (this.#isEnded) return DONE
    this.#isEnded = true
    const ended = endCopy(this.stored, end)
    this.#onEnd(this, end)
    return ended
  }
}

const OWN_KEY = 'one-write/'

/** Tells the copies of an entry that was published without a key apart. */
export function ownKey(): string {
  return OWN_KEY + crypto.randomUUID()
}
