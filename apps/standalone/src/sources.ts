import type { Clock } from '@sluice/clock'
import {
  type ContractStore,
  createSourceDesk,
  inProcessLine,
  type PingSourceRow,
  type SourceOffice,
} from '@sluice/contract'
import { pingSource } from '@sluice/source-cron'
import { type RunningSources, runSources } from '@sluice/source-runtime'
import type { Telemetry } from '@sluice/telemetry'

export interface SourcesDeps {
  readonly office: SourceOffice
  readonly contract: ContractStore
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** The services of sources in this process; they meet the rest where services apart do, at the desk and the ingress. */
export function startSources({ office, contract, clock, telemetry }: SourcesDeps): RunningSources {
  const stack = new AsyncDisposableStack()
  const role = 'source-cron'
  const line = inProcessLine({ office, store: contract, role })
  const desk = stack.use(createSourceDesk<PingSourceRow>({ role, contract, line, clock, telemetry }))
  const cron = stack.use(runSources({ desk, clock, telemetry, hold: pingSource({ telemetry }) }))
  return {
    warning: cron.warning,
    drain: cron.drain,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
