import { type Clock, sleep } from '@sluice/clock'
import { difference, doubt, type Known, knownOf, NOTHING_KNOWN } from './delta.ts'
import type { ContractEvents } from './events.ts'
import type { Contract, ContractSource, Delta } from './rows.ts'
import { whenHolds } from './when-holds.ts'

const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 10_000

interface Watcher {
  readonly replica: string
  readonly apply: (delta: Delta) => Promise<void> | void
  readonly stopped: AbortController
  known: Known
  /** The document it had when its last delta was fulfilled; undefined before the first. */
  applied: Contract | undefined
  failures: number
  wake: () => void
}

export interface Watchers extends ContractSource {
  /** The document is now `contract`: every watcher gets what it lacks, in its own time. */
  announce(contract: Contract): void
  /** Calls back after each document and each acknowledgement; a change of who watches counts too. */
  changed(listener: () => void): Disposable
  /** Every watcher, and at least one, has fulfilled a delta of this revision or a later one. */
  acknowledged(revision: number): boolean
  /** Resolves true once `acknowledged(revision)`, false when `signal` aborts first. */
  whenAcknowledged(revision: number, signal?: AbortSignal): Promise<boolean>
  /** Acknowledged revision per replica, undefined for one that has none yet; the lowest where two share a name. */
  acknowledgements(): ReadonlyMap<string, number | undefined>
}

/**
 * Hands the document to each watcher as deltas. A watcher that is busy gets all it missed as one delta:
 *
 *   idle ── newer revision ──► apply ── fulfilled ──► acknowledged, idle
 *                                └──── rejected ───► logged, back-off (0.1 s doubling to 10 s) ──► apply the difference
 */
export function createWatchers(
  initial: Contract | undefined,
  deps: { clock: Clock; events: Pick<ContractEvents, 'applyFailed'> },
): Watchers {
  let current = initial
  const watchers = new Set<Watcher>()
  const listeners = new Set<() => void>()

  const acknowledged = (revision: number) =>
    watchers.size > 0 && [...watchers].every((watcher) => (watcher.applied?.revision ?? -1) >= revision)
  const tell = () => {
    for (const listener of [...listeners]) listener()
  }
  const changed = (listener: () => void) => {
    listeners.add(listener)
    return { [Symbol.dispose]: () => void listeners.delete(listener) }
  }

  async function apply(watcher: Watcher, contract: Contract): Promise<void> {
    const delta = difference(watcher.known, contract)
    watcher.known = doubt(watcher.known, delta)
    try {
      await watcher.apply(delta)
      watcher.known = knownOf(contract)
      watcher.applied = contract
      watcher.failures = 0
      tell()
    } catch (error) {
      if (watcher.stopped.signal.aborted) return
      const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** watcher.failures++, LONGEST_RETRY_MS)
      deps.events.applyFailed({ replica: watcher.replica, revision: contract.revision, retryInMs }, error)
      await sleep(deps.clock, retryInMs, watcher.stopped.signal)
    }
  }

  async function run(watcher: Watcher): Promise<void> {
    await null // never inside `watch` itself: the caller has its Disposable first
    while (!watcher.stopped.signal.aborted) {
      if (current !== undefined && watcher.applied !== current) await apply(watcher, current)
      else await new Promise<void>((resolve) => (watcher.wake = resolve))
    }
  }

  return {
    announce(contract) {
      current = contract
      for (const watcher of watchers) watcher.wake()
      tell()
    },
    changed,
    acknowledged,
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
        known: NOTHING_KNOWN,
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
