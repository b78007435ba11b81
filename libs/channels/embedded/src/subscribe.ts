import type { Delivery, SubscribeOptions, Subscription } from '@sluice/channel'
import { LinkedList } from '@sluice/linked-list'
import type { HandOut } from './hand-out.ts'

/** One consumer of a feed: what it was handed and has not ended, and a buffer until it asks for the next batch. */
export class Member implements Subscription {
  readonly options: SubscribeOptions
  readonly out = new LinkedList<HandOut>()
  #outBytes = 0
  #buffer: HandOut[] = []
  #waiting: ((result: IteratorResult<readonly Delivery[]>) => void) | undefined
  readonly #onWake: (queue: string) => void
  isClosed = false

  constructor(options: SubscribeOptions, onWake: (queue: string) => void) {
    this.options = options
    this.#onWake = onWake
  }

  /** A single event larger than the bound still goes, alone. */
  hasRoom(bytes: number): boolean {
    if (this.out.size >= this.options.maxInFlight) return false
    return this.out.size === 0 || this.#outBytes + bytes <= this.options.maxInFlightBytes
  }

  get isFull(): boolean {
    return this.out.size >= this.options.maxInFlight || this.#outBytes >= this.options.maxInFlightBytes
  }

  add(handOut: HandOut): void {
    this.out.append(handOut)
    this.#outBytes += handOut.item.bytes
  }

  remove(handOut: HandOut): void {
    if (this.out.remove(handOut)) this.#outBytes -= handOut.item.bytes
  }

  deliver(handOuts: readonly HandOut[]): void {
    for (const handOut of handOuts) this.#buffer.push(handOut)
    const waiting = this.#waiting
    if (waiting === undefined || this.#buffer.length === 0) return
    this.#waiting = undefined
    waiting({ done: false, value: this.#buffer.splice(0) })
  }

  wake(queue: string): void {
    this.#onWake(queue)
  }

  close(): void {
    this.isClosed = true
    this.#buffer = []
    this.#waiting?.({ done: true, value: undefined })
    this.#waiting = undefined
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly Delivery[]> {
    return {
      next: () => {
        if (this.isClosed) return Promise.resolve({ done: true, value: undefined })
        if (this.#buffer.length > 0) return Promise.resolve({ done: false, value: this.#buffer.splice(0) })
        return new Promise((resolve) => {
          this.#waiting = resolve
        })
      },
    }
  }
}
