import { type Clock, sleep } from '@sluice/clock'
import { byKind, routingUpTo } from './delta.ts'
import type { Change, Document } from './document.ts'
import type { ContractEvents } from './events.ts'
import { type Interest, interestOf, narrowedChange, narrowedContract } from './interest.ts'
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

interface Watcher {
  readonly replica: string
  readonly interest: Interest
  readonly apply: (delta: Delta) => Promise<void> | void
  readonly stopped: AbortController
  readonly pending: ReturnType<typeof createPending>
  /** It was handed all rows, and since then each change. */
  hasBegun: boolean
  /** There is something it was not handed yet. */
  isBehind: boolean
  /** Where its last delta brought it when that was fulfilled; undefined before the first. */
  applied: number | undefined
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
  /** Every watcher that is no source, and at least one, has what changed up to this revision. */
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
 * Each is told what concerns it, by the name of its role. `document` is undefined until there is one.
 */
export function createWatchers(
  document: () => Document | undefined,
  deps: { clock: Clock; events: Pick<ContractEvents, 'applyFailed'> },
): Watchers {
  const watchers = new Set<Watcher>()
  const listeners = new Set<() => void>()
  const followers = new Set<(change: Change) => void>()

  const routing = () => [...watchers].filter(({ interest }) => interest === 'routing')
  const hasApplied = ({ applied = -1 }: Watcher, revision: number) => {
    const current = document()
    return applied >= (current === undefined ? revision : routingUpTo(revision, current))
  }
  const acknowledged = (revision: number) => {
    const all = routing()
    return all.length > 0 && all.every((watcher) => hasApplied(watcher, revision))
  }
  const tell = () => {
    for (const listener of [...listeners]) listener()
  }
  const changed = (listener: () => void) => {
    listeners.add(listener)
    return { [Symbol.dispose]: () => void listeners.delete(listener) }
  }

  function begin(watcher: Watcher, current: Document): Delta {
    watcher.hasBegun = true
    const { epoch, revision, ...put } = narrowedContract(current.contract(), watcher.interest)
    return { epoch, revision, put, removed: byKind(() => []) }
  }

  async function apply(watcher: Watcher, current: Document): Promise<void> {
    const { epoch } = current
    const revision = watcher.interest === 'routing' ? current.routingRevision : current.revision
    const delta = watcher.hasBegun ? { epoch, revision, ...watcher.pending.take() } : begin(watcher, current)
    watcher.isBehind = false
    try {
      await watcher.apply(delta)
      watcher.applied = revision
      watcher.failures = 0
      tell()
    } catch (error) {
      if (watcher.stopped.signal.aborted) return
      watcher.pending.giveBack(delta)
      watcher.isBehind = true
      const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** watcher.failures++, LONGEST_RETRY_MS)
      deps.events.applyFailed({ replica: watcher.replica, revision, retryInMs }, error)
      await sleep(deps.clock, retryInMs, watcher.stopped.signal)
    }
  }

  async function run(watcher: Watcher): Promise<void> {
    await null // never inside `watch` itself: the caller has its Disposable first
    while (!watcher.stopped.signal.aborted) {
      const current = document()
      if (current !== undefined && watcher.isBehind) await apply(watcher, current)
      else await new Promise<void>((resolve) => (watcher.wake = resolve))
    }
  }

  return {
    announce(change) {
      for (const watcher of watchers) {
        const own = narrowedChange(change, watcher.interest)
        if (own === undefined) continue
        if (watcher.hasBegun) watcher.pending.add(own)
        watcher.isBehind = true
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
      routing().flatMap((watcher) => (hasApplied(watcher, revision) ? [] : [{ role: watcher.replica }])),
    whenAcknowledged: (revision, signal) => whenHolds(() => acknowledged(revision), changed, signal),
    acknowledgements() {
      const lowest = new Map<string, number | undefined>()
      for (const { replica, applied } of watchers) {
        const other = lowest.get(replica)
        if (!lowest.has(replica) || (other ?? -1) > (applied ?? -1)) lowest.set(replica, applied)
      }
      return lowest
    },
    watch(replica, applyDelta) {
      const watcher: Watcher = {
        replica,
        interest: interestOf(replica),
        apply: applyDelta,
        stopped: new AbortController(),
        pending: createPending(),
        hasBegun: false,
        isBehind: true,
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
