import type { Delivery, SubscribeOptions } from '../port.ts'
import type { HandOut } from './hand-out.ts'

/** What a consumer was handed and has not ended, its room, and a buffer until it asks for the next batch. */
export class Inbox {
  readonly out = new Set<HandOut>()
  readonly #options: SubscribeOptions
  #outBytes = 0
  #buffer: HandOut[] = []
  #waiting: PromiseWithResolvers<IteratorResult<readonly Delivery[]>> | undefined
  #isClosed = false
  #problem: unknown
  /** What the consumer took last and may not have looked at yet. */
  #taken: readonly HandOut[] = []
  #onAsked: () => void = () => undefined

  constructor(options: SubscribeOptions) {
    this.#options = options
  }

  /** A single event larger than the bound still goes, alone. */
  hasRoom(bytes: number): boolean {
    const { maxInFlight, maxInFlightBytes } = this.#options
    if (this.out.size >= maxInFlight) return false
    return this.out.size === 0 || this.#outBytes + bytes <= maxInFlightBytes
  }

  add(handOut: HandOut): void {
    this.out.add(handOut)
    this.#outBytes += handOut.item.bytes
  }

  remove(handOut: HandOut): void {
    if (this.out.delete(handOut)) this.#outBytes -= handOut.item.bytes
  }

  deliver(handOuts: readonly HandOut[]): void {
    for (const handOut of handOuts) this.#buffer.push(handOut)
    if (this.#buffer.length === 0 || this.#waiting === undefined) return
    this.#waiting.resolve(this.#take())
    this.#waiting = undefined
  }

  /** Ends the iteration, with an error if there is one; what is buffered is not handed out any more. */
  close(problem?: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#problem = problem
    this.#buffer = []
    if (problem === undefined) this.#waiting?.resolve({ done: true, value: undefined })
    else this.#waiting?.reject(problem)
    this.#waiting = undefined
  }

  /**
   * Ends what the consumer has: its ends are swallowed from now on. What it took in this very turn it has not seen yet,
   * so that gets a turn's grace.
   */
  async giveBack(): Promise<void> {
    for (const handOut of this.out) if (!this.#taken.includes(handOut)) handOut.isEnded = true
    if (this.#taken.length > 0) {
      await new Promise<void>((resolve) => {
        this.#onAsked = resolve
        setImmediate(resolve)
      })
    }
    for (const handOut of this.out) handOut.isEnded = true
  }

  next(): Promise<IteratorResult<readonly Delivery[]>> {
    this.#taken = []
    this.#onAsked()
    if (this.#isClosed) {
      if (this.#problem === undefined) return Promise.resolve({ done: true, value: undefined })
      const problem = this.#problem
      this.#problem = undefined
      return Promise.reject(problem)
    }
    if (this.#buffer.length > 0) return Promise.resolve(this.#take())
    this.#waiting = Promise.withResolvers()
    return this.#waiting.promise
  }

  #take(): IteratorResult<readonly Delivery[]> {
    this.#taken = this.#buffer.splice(0)
    return { done: false, value: this.#taken }
  }
}
