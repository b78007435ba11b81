import type { ChannelDriver } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import type { ContractSource } from '@sluice/contract'
import type { Journal } from '@sluice/journal'
import type { Telemetry } from '@sluice/telemetry'
import { LogFilters } from './log-filters.ts'
import { Programmed } from './programmed.ts'

/** Of one log: events judged and not yet ended, and their bytes. */
export const LIMITS = { maxInFlight: 1_024, maxInFlightBytes: 2 ** 26 }

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
  const logs = new LogFilters('broker', { ...LIMITS, ...deps, programmed, draining: stop.signal })
  const watch = deps.contract.watch(deps.replica, (delta) => logs.apply(delta))
  return {
    ready: () => (programmed.revision < 0 ? 'no contract yet' : undefined),
    drain() {
      stop.abort()
      return logs.idle()
    },
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]()
      stop.abort()
      await logs[Symbol.asyncDispose]()
    },
  }
}
