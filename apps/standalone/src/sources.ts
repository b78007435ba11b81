import type { Clock } from '@sluice/clock'
import {
  type ContractStore,
  createSourceDesk,
  type GitHubSourceRow,
  inProcessLine,
  type PingSourceRow,
  type SourceOffice,
  type SourceRow,
} from '@sluice/contract'
import type { Receivers } from '@sluice/ingress'
import { pingSource } from '@sluice/source-cron'
import { startGitHubSources } from '@sluice/source-github'
import { type RunningSources, runSources } from '@sluice/source-runtime'
import type { Telemetry } from '@sluice/telemetry'

export interface SourcesDeps {
  readonly office: SourceOffice
  readonly contract: ContractStore
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly maxEventBytes: number
}

export interface Sources extends RunningSources {
  /** Takes what is sent to receivers of sources, on the port of the ingress. */
  readonly receivers: Receivers
}

/** The services of sources in this process; they meet the rest where services apart do, at the desk and the ingress. */
export async function startSources(deps: SourcesDeps): Promise<Sources> {
  const { office, contract, clock, telemetry } = deps
  await using starting = new AsyncDisposableStack()
  const deskOf = <R extends SourceRow>(role: 'source-cron' | 'source-github') => {
    const line = inProcessLine({ office, store: contract, role })
    return starting.use(createSourceDesk<R>({ role, contract, line, clock, telemetry }))
  }
  const cron = starting.use(
    runSources({ desk: deskOf<PingSourceRow>('source-cron'), clock, telemetry, hold: pingSource({ telemetry }) }),
  )
  const github = starting.use(
    await startGitHubSources({
      ...{ desk: deskOf<GitHubSourceRow>('source-github'), clock, telemetry, maxBodyBytes: deps.maxEventBytes },
    }),
  )
  const stack = starting.move()
  return {
    receivers: github.receiver,
    warning: () => [cron.warning(), github.warning()].filter((each) => each !== undefined).join('\n') || undefined,
    drain: async () => void (await Promise.all([cron.drain(), github.drain()])),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
