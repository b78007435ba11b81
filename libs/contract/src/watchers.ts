import { type Clock, sleep } from '@sluice/clock'
import type { Change, Document } from './document.ts'
import type { ContractEvents } from './events.ts'
import { createPending } from './pending.ts'
import type { ContractSource, Delta } from './rows.ts'
import { whenHolds } from './when-holds.ts'

const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 10_000

/** Who has not acknowledged: a replica, or a whole role that nobody is there for. */
export interface Lacking {
  readonly role: string
  readonly replica?: string
}

interface At {
  readonly epoch: number
  readonly revision: number
}

interface Watcher {
  readonly replica: string
  readonly apply: (delta: Delta) => Promise<void> | void
  readonly stopped: AbortController
  readonly pending: ReturnType<typeof createPending>
  /** It was handed all rows, and since then each change. */
  hasBegun: boolean
  /** Where its last delta brought it when that was fulfilled; undefined before the first. */
  applied: At | undefined
  failures: number
  wake: () => void
}

export interface Watchers extends ContractSource {
  /** The document has changed: every watcher gets what it lacks, in its own time. */
  announce(change: Change): void
  /** Calls back after each document and each acknowledgement; a change of who watches counts too. */
  changed(listener: () => void): Disposable
  /** Calls back with each change of the document, at once. */
  changes(listener: (change: Change) => void): Disposable
  /** Every watcher, and at least one, has fulfilled a delta of this revision or a later one. */
  acknowledged(revision: number): boolean
  /** The watchers that have not, as roles; nobody where nobody watches. */
  lacking(revision: number): readonly Lacking[]
  /** Resolves true once `acknowledged(revision)`, false when `signal` aborts first. */
  whenAcknowledged(revision: number, signal?: AbortSignal): Promise<boolean>
  /** Acknowledged revision per replica, undefined for one that has none yet; the lowest where two share a name. */
  acknowledgements(): ReadonlyMap<string, number | undefined>
}

/**
 * Hands the document to each watcher as deltas: all rows first, then what changed. What a watcher missed while it was
 * busy is kept for it, merged, and comes as one delta:
 *
 *   idle ── newer revision ──► apply ── fulfilled ──► acknowledged, idle
 *                                └──── rejected ───► logged, back-off (0.1 s doubling to 10 s) ──► apply that and what came since
 *
 * `document` is undefined until there is one.
 */
export function createWatchers(
  document: () => Document | undefined,
  deps: { clock: Clock; events: Pick<ContractEvents, 'applyFailed'> },
): Watchers {
  const watchers = new Set<Watcher>()
  const listeners = new Set<() => void>()
  const followers = new Set<(change: Change) => void>()

  const hasApplied = ({ applied }: Watcher, revision: number) => (applied?.revision ?? -1) >= revision
  const acknowledged = (revision: number) =>
    watchers.size > 0 && [...watchers].every((watcher) => hasApplied(watcher, revision))
  const tell = () => {
    for (const listener of [...listeners]) listener()
  }
  const changed = (listener: () => void) => {
    listeners.add(listener)
    return { [Symbol.dispose]: () => void listeners.delete(listener) }
  }

  function begin(watcher: Watcher, current: Document): Delta {
    watcher.hasBegun = true
    const { logs, ingresses, routes, deliveries, epoch, revision } = current.contract()
    const none = { logs: [], ingresses: [], routes: [], deliveries: [] }
    return { epoch, revision, put: { logs, ingresses, routes, deliveries }, removed: none }
  }

  async function apply(watcher: Watcher, current: Document): Promise<void> {
    const { epoch, revision } = current
    const delta = watcher.hasBegun ? { epoch, revision, ...watcher.pending.take() } : begin(watcher, current)
    try {
      await watcher.apply(delta)
      watcher.applied = { epoch, revision }
      watcher.failures = 0
      tell()
    } catch (error) {
      if (watcher.stopped.signal.aborted) return
      watcher.pending.giveBack(delta)
      const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** watcher.failures++, LONGEST_RETRY_MS)
      deps.events.applyFailed({ replica: watcher.replica, revision, retryInMs }, error)
      await sleep(deps.clock, retryInMs, watcher.stopped.signal)
    }
  }

  async function run(watcher: Watcher): Promise<void> {
    await null // never inside `watch` itself: the caller has its Disposable first
    while (!watcher.stopped.signal.aborted) {
      const current = document()
      if (current !== undefined && !(isAt(watcher.applied, current) && watcher.pending.isEmpty()))
        await apply(watcher, current)
      else await new Promise<void>((resolve) => (watcher.wake = resolve))
    }
  }

  return {
    announce(change) {
      for (const watcher of watchers) {
        if (watcher.hasBegun) watcher.pending.add(change)
        watcher.wake()
      }
      for (const follower of [...followers]) follower(change)
      tell()
    },
    changed,
    changes(listener) {
      followers.add(listener)
      return { [Symbol.dispose]: () => void followers.delete(listener) }
    },
    acknowledged,
    lacking: (revision) =>
      [...watchers].flatMap((watcher) => (hasApplied(watcher, revision) ? [] : [{ role: watcher.replica }])),
    whenAcknowledged: (revision, signal) => whenHolds(() => acknowledged(revision), changed, signal),
    acknowledgements() {
      const lowest = new Map<string, number | undefined>()
      for (const { replica, applied } of watchers) {
        const acknowledged = applied?.revision
        const other = lowest.get(replica)
        if (!lowest.has(replica) || (other ?? -1) > (acknowledged ?? -1)) lowest.set(replica, acknowledged)
      }
      return lowest
    },
    watch(replica, applyDelta) {
      const watcher: Watcher = {
        replica,
        apply: applyDelta,
        stopped: new AbortController(),
        pending: createPending(),
        hasBegun: false,
        applied: undefined,
        failures: 0,
        wake: () => {},
      }
      watchers.add(watcher)
      tell()
      void run(watcher)
      return {
        [Symbol.dispose]() {
          watchers.delete(watcher)
          watcher.stopped.abort()
          watcher.wake()
          tell()
        },
      }
    },
  }
}

function isAt(applied: At | undefined, { epoch, revision }: At): boolean {
  return applied?.epoch === epoch && applied.revision === revision
}
