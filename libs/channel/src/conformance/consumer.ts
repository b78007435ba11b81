import { fail } from 'node:assert/strict'
import type { ChannelDriver, Delivery, SubscribeOptions, Subscription } from '../port.ts'

/** What a consumer does with each delivery; `undefined` leaves it out. */
export type Handle = (delivery: Delivery) => unknown

export const ack: Handle = (delivery) => delivery.ack()
const LOOK_MS = 50

export const hold: Handle = () => undefined

export interface ConsumerOptions extends Partial<SubscribeOptions> {
  readonly each?: Handle
}

/** One consumer in a case: takes what comes, remembers it, and can be waited for. Ends rejected are failures. */
export class Consumer {
  readonly deliveries: Delivery[] = []
  readonly batches: (readonly Delivery[])[] = []
  readonly subscription: Subscription
  each: Handle
  readonly #abort = new AbortController()
  readonly #running: Promise<void>
  readonly #patienceMs: number
  readonly #ends: Promise<unknown>[] = []
  #problem: unknown
  #waiter: { isMet: () => boolean; resolve: () => void; reject: (error: unknown) => void } | undefined

  constructor(
    driver: ChannelDriver,
    channel: string,
    subscription: string,
    options: ConsumerOptions,
    patienceMs: number,
  ) {
    const { each = ack, maxInFlight = 1_000, maxInFlightBytes = 256 * 1024 * 1024, ...rest } = options
    this.each = each
    this.#patienceMs = patienceMs
    this.subscription = driver.subscribe(
      channel,
      subscription,
      { maxInFlight, maxInFlightBytes, ...rest },
      this.#abort.signal,
    )
    this.#running = this.#run().catch((error: unknown) => this.#failed(error))
  }

  get ids(): string[] {
    return this.deliveries.map(idOf)
  }

  /** Resolves once `count` deliveries came, or `isMet`. Fails after the case's patience, saying what came. */
  async until(what: number | (() => boolean)): Promise<void> {
    const isMet = typeof what === 'number' ? () => this.deliveries.length >= what : what
    if (this.#problem !== undefined) throw this.#problem
    if (isMet()) return
    let timer: NodeJS.Timeout | undefined
    // What is met may be met by what another consumer got
    const looking = setInterval(() => this.#look(), LOOK_MS)
    await new Promise<void>((resolve, reject) => {
      this.#waiter = { isMet, resolve, reject }
      timer = setTimeout(() => {
        const last = this.ids.slice(-20).join(' ')
        const wanted = typeof what === 'number' ? ` of ${what}` : ''
        this.#failed(`${this.deliveries.length}${wanted} deliveries within ${this.#patienceMs} ms, the last: ${last}`)
      }, this.#patienceMs)
    }).finally(() => {
      clearTimeout(timer)
      clearInterval(looking)
    })
    this.#waiter = undefined
  }

  /** The next delivery after those that came so far. */
  async next(): Promise<Delivery> {
    const count = this.deliveries.length
    await this.until(count + 1)
    return this.deliveries[count] as Delivery
  }

  /** Resolves once every end given so far is stored. */
  async ended(): Promise<void> {
    await Promise.all(this.#ends.splice(0))
    if (this.#problem !== undefined) throw this.#problem
  }

  /** Aborts and waits for the iteration to end. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  /** Stops listening without waiting, for drivers that died. */
  abandon(): void {
    this.each = hold
    this.#abort.abort()
  }

  async #run(): Promise<void> {
    for await (const batch of this.subscription) {
      this.batches.push(batch)
      for (const delivery of batch) {
        this.deliveries.push(delivery)
        const ended = this.each(delivery)
        if (ended instanceof Promise) this.#ends.push(ended.catch((error: unknown) => this.#failed(error)))
      }
      this.#look()
    }
  }

  #look(): void {
    if (this.#waiter?.isMet()) this.#waiter.resolve()
  }

  #failed(error: unknown): void {
    if (this.#abort.signal.aborted) return
    try {
      if (typeof error === 'string') fail(error)
      this.#problem = error
    } catch (failure) {
      this.#problem = failure
    }
    this.#waiter?.reject(this.#problem)
  }
}

export function idOf({ event }: { event: Delivery['event'] }): string {
  return String(event.attributes.get('id'))
}
