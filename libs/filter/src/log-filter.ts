import { type ChannelDriver, consume, type Delivery, InFlight } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { FILTER_SUBSCRIPTION, type LogRow } from '@sluice/contract'
import type { Journal } from '@sluice/journal'
import type { Telemetry } from '@sluice/telemetry'
import { filterEvents } from './events.ts'
import { HeldLanes } from './held-lanes.ts'
import { type JudgeDeps, judge } from './judge.ts'
import type { Programmed } from './programmed.ts'
import type { RouteIndex } from './route-index.ts'

export interface LogFilterDeps {
  readonly driver: ChannelDriver
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly programmed: Programmed
  readonly maxInFlight: number
  readonly maxInFlightBytes: number
  /** Aborted when the filter drains. */
  readonly draining: AbortSignal
  readonly journal?: Journal | undefined
}

/** Reads one log and judges each event once; many events are on their way at a time. */
export class LogFilter implements AsyncDisposable {
  readonly row: LogRow
  readonly #deps: LogFilterDeps
  readonly #judging: JudgeDeps
  readonly #inFlight = new InFlight()
  readonly #stop = new AbortController()
  readonly #halt: AbortSignal
  readonly #reading: Promise<void>

  constructor(row: LogRow, routes: RouteIndex, deps: LogFilterDeps) {
    const { driver, clock, journal } = deps
    this.row = row
    this.#deps = deps
    this.#halt = AbortSignal.any([deps.draining, this.#stop.signal])
    const lanes = new HeldLanes(clock, this.#halt)
    const events = filterEvents(deps.telemetry, row)
    this.#judging = { driver, clock, routes, events, lanes, journal, draining: this.#halt }
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

  #read(): Promise<void> {
    const { driver, clock, maxInFlight, maxInFlightBytes } = this.#deps
    const { signal } = this.#stop
    const limits = { maxInFlight, maxInFlightBytes }
    const subscribe = () => driver.subscribe(this.row.channel, FILTER_SUBSCRIPTION, limits, signal)
    const take = (batch: readonly Delivery[]) => this.#judgeInOrder(batch)
    return consume(
      { clock, draining: this.#halt, subscribe, take, interrupted: this.#judging.events.interrupted },
      signal,
    )
  }

  /** Publishes in log order, each lane's also when it has to try again, without waiting for one publish before the next. */
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
