import { type Clock, sleep } from '@sluice/clock'
import type { FollowedSource, ReplicaPlace, SourceRow } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import type { Outgoing } from '@sluice/sender'
import type { Logger, Telemetry } from '@sluice/telemetry'
import { type SourceEvents, type SourcesTelemetry, sourceEvents } from './events.ts'
import { type OutletWatcher, openOutlet, type SourceOutlet } from './outlet.ts'

/** A row that every replica works on, with its way out. */
export interface FollowingSource<R extends SourceRow = SourceRow> {
  readonly row: R
  /** Aborted when the row goes or changes, or the service stops. */
  readonly signal: AbortSignal
  readonly outlet: SourceOutlet
  readonly clock: Clock
  readonly log: Logger
  /** As in `FollowedSource`. */
  secret(name: string): Promise<string>
  /** As in `FollowedSource`. */
  remember(key: string, value: string, ttlMs: number): Promise<string>
  /** As in `FollowedSource`. */
  read(key: string): Promise<string | undefined>
  /** As in `FollowedSource`. */
  place(): ReplicaPlace | undefined
}

/** What all rows of a process share. */
export interface RowDeps {
  readonly sender: Pick<Outgoing, 'adopt' | 'forget' | 'post'>
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly shared: SourcesTelemetry
  readonly timeoutMs: number
  readonly random: () => number
  readonly stopping: AbortSignal
}

export interface RowAtWork extends AsyncDisposable {
  readonly row: SourceRow
  /** How long its oldest event waits to be stored. */
  waitingMs(): number
  /** Why it could not be started, so far. */
  problem(): string | undefined
}

/** The place of one row in this process, before anything of it runs. */
export interface Seat<R extends SourceRow> {
  readonly given: FollowedSource<R>
  readonly deps: RowDeps
  readonly events: SourceEvents
  readonly signal: AbortSignal
  leave(): void
}

export function takeSeat<R extends SourceRow>(given: FollowedSource<R>, deps: RowDeps): Seat<R> {
  const left = new AbortController()
  const signal = AbortSignal.any([given.signal, deps.stopping, left.signal])
  return { given, deps, signal, events: sourceEvents(deps.shared, given.row), leave: () => left.abort() }
}

export interface Work<R extends SourceRow> {
  readonly watcher: OutletWatcher
  start(source: FollowingSource<R>): Promise<AsyncDisposable>
  /** `error` undefined: it runs. */
  told(error?: unknown): void
}

/** Starts what is done for the row until it works. A row that can't start yet holds up no other. */
export function workOn<R extends SourceRow>(seat: Seat<R>, { watcher, start, told }: Work<R>): RowAtWork {
  const { given, deps, events, signal, leave } = seat
  const { row } = given
  const { clock, telemetry } = deps
  const outlet = openOutlet({ ...deps, row, events, watcher })
  const source: FollowingSource<R> = {
    ...{ row, signal, outlet, clock, log: telemetry.log },
    secret: (name) => given.secret(name),
    remember: (key, value, ttlMs) => given.remember(key, value, ttlMs),
    read: (key) => given.read(key),
    place: () => given.place(),
  }
  let problem: string | undefined
  const running = untilItWorks(
    () => start(source),
    seat,
    (error) => {
      problem = error === undefined ? undefined : `${row.namespace}/${row.name}: ${startProblem(error)}`
      told(error)
    },
  )
  return {
    row,
    waitingMs: outlet.waitingMs,
    problem: () => problem,
    async [Symbol.asyncDispose]() {
      leave()
      const started = await running
      try {
        await started?.[Symbol.asyncDispose]()
      } catch (error) {
        events.stopFailed(error)
      }
      outlet[Symbol.dispose]()
    },
  }
}

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 60_000
const JITTER = 0.2

async function untilItWorks(
  start: () => Promise<AsyncDisposable>,
  { deps: { clock, random }, events, signal }: Seat<SourceRow>,
  told: (error?: unknown) => void,
): Promise<AsyncDisposable | undefined> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const started = await start()
      told()
      return started
    } catch (error) {
      if (signal.aborted) return undefined
      const delayMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS) * (1 + JITTER * random())
      events.startFailed(delayMs, error)
      told(error)
      await sleep(clock, delayMs, signal)
    }
  }
  return undefined
}

/** What a person may read; an error that is not ours may hold anything, and is in the log. */
export function startProblem(error: unknown): string {
  return error instanceof EventingError
    ? error.message.slice(0, 500)
    : 'it failed inside; the log of its service says how'
}
