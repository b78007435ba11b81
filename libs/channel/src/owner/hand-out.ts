import type { Delivery } from '../port.ts'
import type { Item } from './item.ts'

export type End =
  | { readonly kind: 'ack' }
  | { readonly kind: 'nack'; readonly delayMs: number; readonly note: string | undefined }
  | { readonly kind: 'release'; readonly delayMs: number }
  | { readonly kind: 'park'; readonly reason: string; readonly note: string | undefined }

const ACK: End = { kind: 'ack' }
const DONE = Promise.resolve()

/** One item at its consumer. The first end counts; what the consumer says after it, or after leaving, is swallowed. */
export class HandOut implements Delivery {
  readonly item: Item
  readonly #end: (handOut: HandOut, end: End) => Promise<void>
  readonly #envelope
  readonly attempt: number
  readonly handOuts: number
  readonly note: string | undefined
  isEnded = false
  /** Counted as out no more; its item may be out again meanwhile. */
  isForgotten = false

  constructor(item: Item, end: (handOut: HandOut, end: End) => Promise<void>) {
    this.item = item
    this.#end = end
    this.#envelope = item.envelope as NonNullable<Item['envelope']>
    this.attempt = item.attempt
    this.handOuts = item.handOuts + 1
    this.note = item.note
  }

  get event() {
    return this.#envelope.event
  }
  get headers() {
    return this.#envelope.headers
  }
  get stamp() {
    return this.#envelope.stamp
  }
  get laneKey() {
    return this.#envelope.laneKey
  }
  get position() {
    return this.item.id
  }
  get queue() {
    return this.item.queue
  }
  get lane() {
    return this.item.lane.number
  }
  get dedupKey() {
    return this.item.dedupKey
  }
  get storedAt() {
    return this.item.storedAt
  }

  ack(): Promise<void> {
    return this.#once(ACK)
  }
  nack(delayMs: number, note?: string): Promise<void> {
    return this.#once({ kind: 'nack', delayMs, note })
  }
  release(delayMs: number): Promise<void> {
    return this.#once({ kind: 'release', delayMs })
  }
  park(reason: string, note?: string): Promise<void> {
    return this.#once({ kind: 'park', reason, note })
  }

  #once(end: End): Promise<void> {
    if (this.isEnded) return DONE
    this.isEnded = true
    return this.#end(this, end)
  }
}
