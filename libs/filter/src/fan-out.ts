import type { Delta } from '@sluice/contract'
import { LogFilters } from './log-filters.ts'
import { Programmed } from './programmed.ts'
import { type FilterDeps, LIMITS } from './start.ts'

export type FanOutDeps = Omit<FilterDeps, 'contract' | 'replica'>

/** A running fan-out: it is programmed by whoever follows the contract. */
export interface FanOut extends AsyncDisposable {
  /** Rejects where a log's channel can't be made; the others are in force then. */
  apply(delta: Delta): Promise<void>
  /** False: there is no channel, and nothing to drain. */
  hasLogs(): boolean
  /** Takes no new events; resolves once those on their way have ended or are given back. Then dispose. */
  drain(): Promise<void>
}

/**
 * Reads every channel's log once and publishes a copy per Subscription, by what the filter does for brokers: lanes, stamps,
 * repeats and failures are the same. It runs where copies are delivered, so that one is stored only if it does not end at once.
 */
export function startFanOut(deps: FanOutDeps): FanOut {
  const stop = new AbortController()
  const logs = new LogFilters('channel', { ...LIMITS, ...deps, programmed: new Programmed(), draining: stop.signal })
  return {
    apply: (delta) => logs.apply(delta),
    hasLogs: () => logs.size > 0,
    drain() {
      stop.abort()
      return logs.idle()
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await logs[Symbol.asyncDispose]()
    },
  }
}
