import type { Delivery, SubscribeOptions } from '../port.ts'

/** The consumer's side: what is handed out, as batches, and how much of it over all queues. */
export class Outlet implements AsyncIterable<readonly Delivery[]> {
  readonly #maxInFlight: number
  readonly #maxInFlightBytes: number
  #out = 0
  #outBytes = 0
  #buffer: Delivery[] = []
  #waiting: PromiseWithResolvers<IteratorResult<readonly Delivery[]>> | undefined
  #isClosed = false
  #error: { readonly reason: unknown } | undefined

  constructor({ maxInFlight, maxInFlightBytes }: SubscribeOptions) {
    this.#maxInFlight = maxInFlight
    this.#maxInFlightBytes = maxInFlightBytes
  }

  /** A single event larger than the bound still goes, alone. */
  hasRoom(bytes: number): boolean {
    if (this.#out >= this.#maxInFlight) return false
    return this.#out === 0 || this.#outBytes + bytes <= this.#maxInFlightBytes
  }

  deliver(delivery: Delivery, bytes: number): void {
    this.#out++
    this.#outBytes += bytes
    this.#buffer.push(delivery)
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#waiting = undefined
    // One turn later, so that what arrives together goes out as one batch.
    queueMicrotask(() => waiting.resolve({ done: false, value: this.#buffer.splice(0) }))
  }

  freed(bytes: number): void {
    this.#out--
    this.#outBytes -= bytes
  }

  /** Ends the iteration; with an error, that is what the consumer gets. What it has not taken is gone. */
  close(error?: { readonly reason: unknown }): void {
    this.#isClosed = true
    this.#error = error
    this.#buffer = []
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve(this.#next())
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly Delivery[]> {
    return { next: () => this.#next() }
  }

  #next(): Promise<IteratorResult<readonly Delivery[]>> {
    if (this.#buffer.length > 0) return Promise.resolve({ done: false, value: this.#buffer.splice(0) })
    if (this.#isClosed) {
      const error = this.#error
      this.#error = undefined
      return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error.reason)
    }
    this.#waiting = Promise.withResolvers()
    return this.#waiting.promise
  }
}
