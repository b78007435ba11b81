import type { ChannelDriver } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { type ContractSource, createChannels, type Delta, type LogRow, type RouteRow } from '@sluice/contract'
import type { Journal } from '@sluice/journal'
import type { Telemetry } from '@sluice/telemetry'
import { evaluationFailures, routeRefused } from './events.ts'
import { LogFilter, type LogFilterDeps } from './log-filter.ts'
import { Programmed } from './programmed.ts'
import { RouteIndex } from './route-index.ts'

export interface FilterDeps {
  readonly driver: ChannelDriver
  readonly contract: ContractSource
  /** Names this process to the control plane. */
  readonly replica: string
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Events of one log judged and not yet ended; default 1,024. */
  readonly maxInFlight?: number
  /** The same in bytes; default 64 MiB. */
  readonly maxInFlightBytes?: number
  /** Told what each event matched. */
  readonly journal?: Journal | undefined
}

/** A running filter. */
export interface Filter extends AsyncDisposable {
  /** Why it can't judge yet; undefined when it can. */
  ready(): string | undefined
  /** Takes no new events; resolves once those on their way have ended or are given back. Then dispose. */
  drain(): Promise<void>
}

/** Reads every broker's log once and publishes one copy per matching trigger. */
export function startFilter(deps: FilterDeps): Filter {
  const programmed = new Programmed()
  const stop = new AbortController()
  const program = new Program({
    maxInFlight: 1_024,
    maxInFlightBytes: 2 ** 26,
    ...deps,
    programmed,
    draining: stop.signal,
  })
  const watch = deps.contract.watch(deps.replica, (delta) => program.apply(delta))
  return {
    ready: () => (programmed.revision < 0 ? 'no contract yet' : undefined),
    drain() {
      stop.abort()
      return program.idle()
    },
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]()
      stop.abort()
      await program[Symbol.asyncDispose]()
    },
  }
}

/** What the contract says, in force: an index of routes per log and a reader per log. */
class Program implements AsyncDisposable {
  readonly #deps: LogFilterDeps
  readonly #routes = new Map<string, RouteRow>()
  readonly #indexes = new Map<string, RouteIndex>()
  readonly #logs = new Map<string, LogFilter>()
  readonly #evaluationFailed: ReturnType<typeof evaluationFailures>

  constructor(deps: LogFilterDeps) {
    this.#deps = deps
    this.#evaluationFailed = evaluationFailures(deps)
  }

  /** Channels first, since they can fail and are tried again; then all rows at once, then the revision. */
  async apply({ revision, put, removed }: Delta): Promise<void> {
    for (const row of put.logs) await createChannels(this.#deps.driver, row)
    for (const uid of removed.routes) this.#removeRoute(uid)
    for (const row of put.routes) this.#putRoute(row)
    for (const uid of removed.logs) await this.#removeLog(uid)
    for (const row of put.logs) await this.#putLog(row)
    if (!this.#deps.draining.aborted) this.#deps.programmed.advance(revision)
  }

  async idle(): Promise<void> {
    await Promise.all([...this.#logs.values()].map((log) => log.idle()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#logs.values()].map((log) => log[Symbol.asyncDispose]()))
  }

  #putRoute(row: RouteRow): void {
    if (this.#routes.get(row.uid)?.hash === row.hash) return
    this.#removeRoute(row.uid)
    this.#routes.set(row.uid, row)
    const built = this.#indexOf(row.log).put(row)
    if ('problem' in built) routeRefused(this.#deps.telemetry, row, built.problem)
  }

  #removeRoute(uid: string): void {
    const row = this.#routes.get(uid)
    if (row === undefined) return
    this.#routes.delete(uid)
    const index = this.#indexOf(row.log)
    index.remove(uid)
    if (index.size === 0 && !this.#logs.has(row.log)) this.#indexes.delete(row.log)
  }

  async #putLog(row: LogRow): Promise<void> {
    const running = this.#logs.get(row.uid)
    if (running !== undefined && running.row.channel === row.channel && running.row.queues === row.queues) return
    await running?.[Symbol.asyncDispose]()
    if (!this.#deps.draining.aborted) this.#logs.set(row.uid, new LogFilter(row, this.#indexOf(row.uid), this.#deps))
  }

  async #removeLog(uid: string): Promise<void> {
    await this.#logs.get(uid)?.[Symbol.asyncDispose]()
    this.#logs.delete(uid)
    if (this.#indexes.get(uid)?.size === 0) this.#indexes.delete(uid)
  }

  #indexOf(log: string): RouteIndex {
    const index = this.#indexes.get(log) ?? new RouteIndex(this.#evaluationFailed)
    this.#indexes.set(log, index)
    return index
  }
}
