import type { Clock } from '@sluice/clock'
import type { SourceDesk, SourceRow, SourceState } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import { type Outgoing, Sender } from '@sluice/sender'
import type { Telemetry } from '@sluice/telemetry'
import { sourcesTelemetry, watchSources } from './events.ts'
import { type FollowingSource, type RowAtWork, type RowDeps, startProblem, takeSeat, workOn } from './row-at-work.ts'
import { createStatus, DEPLOYED, type SourceStatus } from './status.ts'

/** A row that this replica alone works on. */
export interface HoldingSource<R extends SourceRow = SourceRow> extends FollowingSource<R> {
  /** As in `HeldSource`. */
  readonly term: number
  readonly state: SourceState
  readonly status: SourceStatus
}

export interface RunSourcesDeps<R extends SourceRow> {
  readonly desk: SourceDesk<R>
  readonly clock: Clock
  readonly telemetry: Telemetry
  /**
   * Starts what one replica does for a row. While it rejects it is called again, ever more seldom, and the object's
   * condition Deployed says why; once it has resolved, Deployed is True.
   */
  readonly hold?: (source: HoldingSource<R>) => Promise<AsyncDisposable>
  /** The same for what every replica does, such as receiving. */
  readonly follow?: (source: FollowingSource<R>) => Promise<AsyncDisposable>
  /** Longest wait for the answer to one request; default 30 s. */
  readonly timeoutMs?: number
  /** Who posts; default one of its own. */
  readonly sender?: RowDeps['sender']
  /** For jitter, in [0, 1). */
  readonly random?: () => number
}

export interface RunningSources extends AsyncDisposable {
  /** Rows that could not be started, and why; undefined when there are none. */
  warning(): string | undefined
  /** Gives every row back; resolves once nothing of them is at work. What was not stored is the next holder's. */
  drain(): Promise<void>
}

const TIMEOUT_MS = 30_000
const MAX_ANSWER_BYTES = 65_536
const MAX_PROBLEMS = 10

/** Runs the sources of one kind: for each row its way out, its status, and `hold` or `follow`, started until it works. */
export function runSources<R extends SourceRow>(deps: RunSourcesDeps<R>): RunningSources {
  const { desk, clock, telemetry, hold, follow, timeoutMs = TIMEOUT_MS, random = Math.random } = deps
  const own: Outgoing | undefined = deps.sender ? undefined : new Sender({ clock, maxReplyBytes: MAX_ANSWER_BYTES })
  const stopping = new AbortController()
  const rowDeps: RowDeps = {
    ...{ clock, telemetry, timeoutMs, random, shared: sourcesTelemetry(telemetry), stopping: stopping.signal },
    sender: deps.sender ?? (own as Outgoing),
  }
  const working = new Set<RowAtWork>()
  const watch = watchSources(telemetry, () =>
    [...working].map(({ row, waitingMs }) => ({ row, waitingMs: waitingMs() })),
  )
  const tracked = (work: RowAtWork): AsyncDisposable => {
    working.add(work)
    return {
      async [Symbol.asyncDispose]() {
        await work[Symbol.asyncDispose]()
        working.delete(work)
      },
    }
  }

  const held =
    hold &&
    desk.hold(async (held) => {
      const seat = takeSeat(held, rowDeps)
      const { term, state } = held
      const status = createStatus({ ...seat, held, clock })
      return tracked(
        workOn(seat, {
          watcher: status,
          start: (source) => hold({ ...source, term, state, status }),
          told(error) {
            if (error === undefined) seat.events.started(term)
            status.condition(DEPLOYED, error === undefined ? { status: 'True' } : notDeployed(error))
          },
        }),
      )
    })
  const followed =
    follow &&
    desk.follow(async (followed) => {
      const watcher = { stored() {}, refused() {}, unavailable() {} }
      return tracked(workOn(takeSeat(followed, rowDeps), { watcher, start: follow, told() {} }))
    })

  const drain = async () => {
    stopping.abort()
    await Promise.all([held?.[Symbol.asyncDispose](), followed?.[Symbol.asyncDispose]()])
  }
  return {
    warning() {
      const problems = [...working].flatMap((work) => work.problem() ?? []).toSorted()
      return problems.slice(0, MAX_PROBLEMS).join('\n') || undefined
    },
    drain,
    async [Symbol.asyncDispose]() {
      await drain()
      watch[Symbol.dispose]()
      await own?.[Symbol.asyncDispose]()
    },
  }
}

/** The reason in the form that Kubernetes wants: SourceSecretMissing. */
function notDeployed(error: unknown) {
  const words =
    error instanceof EventingError ? String(error.detail.code).toLowerCase().split('_') : ['start', 'failed']
  const reason = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  return { status: 'False', reason, message: startProblem(error) } as const
}
