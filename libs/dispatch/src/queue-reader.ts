import { type ChannelDriver, consume, type Delivery, InFlight, type Subscription } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { DISPATCH_SUBSCRIPTION, type LogRow } from '@sluice/contract'
import type { DispatcherEvents } from './events.ts'

export interface QueueReaderDeps {
  readonly driver: Pick<ChannelDriver, 'subscribe'>
  readonly clock: Clock
  readonly events: DispatcherEvents
  readonly maxInFlight: number
  readonly maxInFlightBytes: number
  readonly window: (queue: string) => number
  /** Takes one delivery to its end; may reject. */
  readonly dispatch: (delivery: Delivery, of: LogRow['kind']) => Promise<unknown>
  /** Aborted when the dispatcher drains: what is handed out from then on is given back. */
  readonly draining: AbortSignal
}

/** Reads all logical queues of one log; each hand-out goes its own way. */
export class QueueReader implements AsyncDisposable {
  readonly #channel: string
  readonly #kind: LogRow['kind']
  readonly #deps: QueueReaderDeps
  readonly #inFlight = new InFlight()
  readonly #stop = new AbortController()
  readonly #reading: Promise<void>
  #subscription: Subscription | undefined

  constructor({ queues, kind }: Pick<LogRow, 'queues' | 'kind'>, deps: QueueReaderDeps) {
    this.#channel = queues
    this.#kind = kind
    this.#deps = deps
    this.#reading = this.#read()
  }

  /** The window of a queue may have grown. */
  wake(queue: string): void {
    this.#subscription?.wake(queue)
  }

  /** Resolves once nothing is on its way. */
  idle(): Promise<void> {
    return this.#inFlight.idle()
  }

  /** Stops reading; what is not ended goes back to its queue, uncounted. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#reading
  }

  #read(): Promise<void> {
    const { driver, clock, events, draining, maxInFlight, maxInFlightBytes, window } = this.#deps
    const { signal } = this.#stop
    const options = { maxInFlight, maxInFlightBytes, window }
    const subscribe = () => {
      this.#subscription = driver.subscribe(this.#channel, DISPATCH_SUBSCRIPTION, options, signal)
      return this.#subscription
    }
    const take = (batch: readonly Delivery[]) => {
      for (const delivery of batch) this.#take(delivery)
    }
    const interrupted = (error: unknown, delayMs: number) => events.interrupted(this.#channel, delayMs, error)
    return consume({ clock, draining, subscribe, take, interrupted }, signal)
  }

  #take(delivery: Delivery): void {
    const { dispatch, draining, events } = this.#deps
    const ended = draining.aborted ? delivery.release(0) : dispatch(delivery, this.#kind)
    this.#inFlight.add(ended.catch((error: unknown) => events.unsettled(delivery, error)))
  }
}
