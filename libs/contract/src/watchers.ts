import { type Clock, sleep } from '@sluice/clock'
import { difference, doubt, type Known, knownOf, NOTHING_KNOWN } from './delta.ts'
import type { ContractEvents } from './events.ts'
import type { Contract, ContractSource, Delta } from './rows.ts'

const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 10_000

interface Watcher {
  readonly replica: string
  readonly apply: (delta: Delta) => Promise<void> | void
  readonly stopped: AbortController
  known: Known
  /** Revision of the last delta handed over and fulfilled; undefined before the first. */
  acknowledged: number | undefined
  failures: number
  wake: () => void
}

export interface Watchers extends ContractSource {
  /** The document is now `contract`: every watcher gets what it lacks, in its own time. */
  announce(contract: Contract): void
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
export function createWatchers(initial: Contract, deps: { clock: Clock; events: ContractEvents }): Watchers {
  let current = initial
  const watchers = new Set<Watcher>()
  const waiting = new Set<() => void>()

  const acknowledged = (revision: number) =>
    watchers.size > 0 && [...watchers].every((watcher) => (watcher.acknowledged ?? -1) >= revision)
  const tellWaiting = () => {
    for (const check of [...waiting]) check()
  }

  async function apply(watcher: Watcher): Promise<void> {
    const contract = current
    const delta = difference(watcher.known, contract)
    watcher.known = doubt(watcher.known, delta)
    try {
      await watcher.apply(delta)
      watcher.known = knownOf(contract)
      watcher.acknowledged = contract.revision
      watcher.failures = 0
      tellWaiting()
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
      if (watcher.acknowledged !== current.revision) await apply(watcher)
      else await new Promise<void>((resolve) => (watcher.wake = resolve))
    }
  }

  return {
    announce(contract) {
      current = contract
      for (const watcher of watchers) watcher.wake()
    },
    acknowledged,
    whenAcknowledged(revision, signal) {
      return new Promise((resolve) => {
        const end = (value: boolean) => {
          waiting.delete(check)
          signal?.removeEventListener('abort', abort)
          resolve(value)
        }
        const check = () => acknowledged(revision) && end(true)
        const abort = () => end(false)
        waiting.add(check)
        signal?.addEventListener('abort', abort, { once: true })
        if (signal?.aborted) abort()
        else check()
      })
    },
    acknowledgements() {
      const lowest = new Map<string, number | undefined>()
      for (const { replica, acknowledged } of watchers) {
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
        acknowledged: undefined,
        failures: 0,
        wake: () => {},
      }
      watchers.add(watcher)
      void run(watcher)
      return {
        [Symbol.dispose]() {
          watchers.delete(watcher)
          watcher.stopped.abort()
          watcher.wake()
          tellWaiting()
        },
      }
    },
  }
}
