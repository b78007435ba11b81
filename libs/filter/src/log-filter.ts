import type { ChannelDriver, Delivery } from '@sluice/channel'
import { type Clock, sleep } from '@sluice/clock'
import { FILTER_SUBSCRIPTION, type LogRow } from '@sluice/contract'
import type { Telemetry } from '@sluice/telemetry'
import { filterEvents } from './events.ts'
import { InFlight } from './in-flight.ts'
import { type JudgeDeps, judge } from './judge.ts'
import type { Programmed } from './programmed.ts'
import type { RouteIndex } from './route-index.ts'

const RESUBSCRIBE_MS = 1_000

export interface LogFilterDeps {
  readonly driver: ChannelDriver
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly programmed: Programmed
  readonly maxInFlight: number
  readonly maxInFlightBytes: number
  /** Aborted when the filter drains. */
  readonly draining: AbortSignal
}

/** Reads one broker's log and judges each event once; many events are on their way at a time. */
export class LogFilter implements AsyncDisposable {
  readonly row: LogRow
  readonly #deps: LogFilterDeps
  readonly #judging: JudgeDeps
  readonly #inFlight = new InFlight()
  readonly #stop = new AbortController()
  readonly #halt: AbortSignal
  readonly #reading: Promise<void>

  constructor(row: LogRow, routes: RouteIndex, deps: LogFilterDeps) {
    const { driver, clock } = deps
    this.row = row
    this.#deps = deps
    this.#halt = AbortSignal.any([deps.draining, this.#stop.signal])
    this.#judging = { driver, clock, routes, events: filterEvents(deps.telemetry, row), draining: this.#halt }
    this.#reading = this.#read()
  }

  /** Resolves once nothing is on its way. Nothing new is judged after the `draining` signal. */
  idle(): Promise<void> {
    return this.#inFlight.idle()
  }

  /** Stops reading; what is not ended goes back to the log, uncounted. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#reading
  }

  async #read(): Promise<void> {
    const { driver, clock, maxInFlight, maxInFlightBytes } = this.#deps
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        const limits = { maxInFlight, maxInFlightBytes }
        const batches = driver.subscribe(this.row.channel, FILTER_SUBSCRIPTION, limits, signal)
        for await (const batch of batches) {
          await this.#judgeInOrder(batch)
          // What was given back must not be taken again.
          if (this.#halt.aborted) await aborted(signal)
        }
      } catch (error) {
        if (signal.aborted) return
        this.#judging.events.interrupted(error, RESUBSCRIBE_MS)
      }
      await sleep(clock, RESUBSCRIBE_MS, signal)
    }
  }

  /** Publishes in log order without waiting for one publish before the next. */
  async #judgeInOrder(batch: readonly Delivery[]): Promise<void> {
    for (const delivery of batch) {
      const stamp = delivery.stamp ?? 0
      if (stamp > this.#deps.programmed.revision) await this.#routesOf(stamp)
      this.#inFlight.add(judge(delivery, this.row, this.#judging))
    }
  }

  /** An event is never judged by older routes than its writer had: the log waits, in order; halted, it gives back. */
  async #routesOf(stamp: number): Promise<void> {
    const { programmed } = this.#deps
    this.#judging.events.waiting(stamp, programmed.revision)
    await programmed.reached(stamp, this.#halt)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
