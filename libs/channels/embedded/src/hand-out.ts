import type { Delivery } from '@sluice/channel'
import type { Linked } from '@sluice/linked-list'
import { type Item, positionOf } from './item.ts'
import type { Member } from './subscribe.ts'

export type End =
  | { readonly kind: 'ack' }
  | { readonly kind: 'nack'; readonly delayMs: number; readonly note: string | undefined }
  | { readonly kind: 'release'; readonly delayMs: number }
  | { readonly kind: 'park'; readonly reason: string; readonly note: string | undefined }

const ACK: End = { kind: 'ack' }
const DONE = Promise.resolve()

/** One item at one consumer. The first end counts; what the consumer says after its end is swallowed. */
export class HandOut implements Delivery, Linked<HandOut> {
  readonly item: Item
  readonly member: Member
  readonly #end: (handOut: HandOut, end: End) => Promise<void>
  isEnded = false
  next: HandOut | undefined = undefined
  previous: HandOut | undefined = undefined

  constructor(item: Item, member: Member, end: (handOut: HandOut, end: End) => Promise<void>) {
    this.item = item
    this.member = member
    this.#end = end
  }

  get event() {
    return this.item.envelope.event
  }
  get headers() {
    return this.item.envelope.headers
  }
  get stamp() {
    return this.item.envelope.stamp
  }
  get laneKey() {
    return this.item.envelope.laneKey
  }
  get position() {
    return positionOf(this.item)
  }
  get queue() {
    return this.item.queue
  }
  get lane() {
    return this.item.lane
  }
  get attempt() {
    return this.item.attempt
  }
  get handOuts() {
    return this.item.handOuts + 1
  }
  get note() {
    return this.item.note
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
