import { createChannels, type Delta, type LogRow, type RouteRow } from '@sluice/contract'
import { evaluationFailures, routeRefused } from './events.ts'
import { LogFilter, type LogFilterDeps } from './log-filter.ts'
import { RouteIndex } from './route-index.ts'

/** What the contract says of the logs of one kind, in force: an index of routes per log and a reader per log. */
export class LogFilters implements AsyncDisposable {
  readonly #kind: LogRow['kind']
  readonly #deps: LogFilterDeps
  readonly #routes = new Map<string, RouteRow>()
  readonly #indexes = new Map<string, RouteIndex>()
  readonly #logs = new Map<string, LogFilter>()
  readonly #evaluationFailed: ReturnType<typeof evaluationFailures>
  /** Of another kind, and read by somebody else. */
  readonly #others = new Set<string>()

  constructor(kind: LogRow['kind'], deps: LogFilterDeps) {
    this.#kind = kind
    this.#deps = deps
    this.#evaluationFailed = evaluationFailures(deps)
  }

  /** Logs that are read. */
  get size(): number {
    return this.#logs.size
  }

  /**
   * Channels first, since they can fail; then all rows at once, then the revision. A log whose channel can't be made is
   * not read and the others are: it is told last, by a rejection, and the whole is tried again.
   */
  async apply({ revision, put, removed }: Delta): Promise<void> {
    for (const { uid, kind } of put.logs) if (kind !== this.#kind) this.#others.add(uid)
    const failures: unknown[] = []
    const made: LogRow[] = []
    for (const row of put.logs.filter(({ kind }) => kind === this.#kind)) {
      const making = createChannels(this.#deps.driver, row)
      await making.then(() => made.push(row)).catch((error: unknown) => failures.push(error))
    }
    for (const uid of removed.routes) this.#removeRoute(uid)
    for (const row of put.routes) if (!this.#others.has(row.log)) this.#putRoute(row)
    for (const uid of removed.logs) await this.#removeLog(uid)
    for (const row of made) await this.#putLog(row)
    if (!this.#deps.draining.aborted) this.#deps.programmed.advance(revision)
    if (failures.length > 0) throw failures[0]
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
    this.#others.delete(uid)
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
