import type { Clock } from '@sluice/clock'
import {
  type ApiServerSourceRow,
  type ContractStore,
  createSourceDesk,
  type GitHubSourceRow,
  inProcessLine,
  type KafkaSourceRow,
  type PingSourceRow,
  type SourceOffice,
  type SourceRole,
  type SourceRow,
} from '@sluice/contract'
import type { Receivers } from '@sluice/ingress'
import { clusterTransport } from '@sluice/kubernetes'
import { apiServerSources } from '@sluice/source-apiserver'
import { pingSource } from '@sluice/source-cron'
import { startGitHubSources } from '@sluice/source-github'
import { kafkaSources, type OpenGroup } from '@sluice/source-kafka'
import { type RunningSources, type RunSourcesDeps, runSources } from '@sluice/source-runtime'
import type { Telemetry } from '@sluice/telemetry'

export interface SourcesDeps {
  readonly office: SourceOffice
  readonly contract: ContractStore
  readonly clock: Clock
  readonly telemetry: Telemetry
}

export interface Sources extends RunningSources {
  /** Takes what is sent to receivers of sources, on the port of the ingress. */
  readonly receivers: Receivers
}

/** The services of sources in this process; they meet the rest where services apart do, at the desk and the ingress. */
export async function startSources(deps: SourcesDeps & { readonly maxEventBytes: number }): Promise<Sources> {
  const openGroup: OpenGroup = async (settings) => {
    // where nobody has such a source, no client is loaded
    const client = await import('@sluice/kafka-group')
    return client.openGroup({ ...settings, clientId: 'sluice', log: deps.telemetry.log })
  }
  await using starting = new AsyncDisposableStack()
  const desk = starting.use(deskOf<GitHubSourceRow>(deps, 'source-github'))
  const github = starting.use(await startGitHubSources({ ...deps, desk, maxBodyBytes: deps.maxEventBytes }))
  const all = starting.use(
    together([
      serve<PingSourceRow>(deps, 'source-cron', { hold: pingSource(deps) }),
      serve<KafkaSourceRow>(deps, 'source-kafka', { hold: kafkaSources({ ...deps, openGroup }).hold }),
    ]),
  )
  const stack = starting.move()
  return {
    receivers: github.receiver,
    warning: () => [all.warning(), github.warning()].filter((each) => each !== undefined).join('\n') || undefined,
    drain: async () => void (await Promise.all([all.drain(), github.drain()])),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Those that watch the objects of the API on the control port, as any client of it: by its kubeconfig. */
export function startApiServerSources(deps: SourcesDeps, kubeconfig: string): RunningSources {
  const stack = new AsyncDisposableStack()
  const open = async () => {
    const cluster = stack.use(await clusterTransport(kubeconfig))
    return stack.use(apiServerSources({ ...deps, cluster }))
  }
  // where nobody has such a source, no client is loaded
  let opened: ReturnType<typeof open> | undefined
  const sources = serve<ApiServerSourceRow>(deps, 'source-apiserver', {
    async hold(source) {
      opened ??= open().catch((error) => {
        opened = undefined
        throw error
      })
      return (await opened).hold(source)
    },
  })
  return {
    ...sources,
    async [Symbol.asyncDispose]() {
      await sources[Symbol.asyncDispose]()
      await stack.disposeAsync()
    },
  }
}

function together(all: readonly RunningSources[]): RunningSources {
  return {
    warning: () => all.flatMap((each) => each.warning() ?? []).join('\n') || undefined,
    drain: async () => void (await Promise.all(all.map((each) => each.drain()))),
    [Symbol.asyncDispose]: async () => void (await Promise.all(all.map((each) => each[Symbol.asyncDispose]()))),
  }
}

function serve<R extends SourceRow>(
  deps: SourcesDeps,
  role: SourceRole,
  work: Pick<RunSourcesDeps<R>, 'hold' | 'follow'>,
): RunningSources {
  const { clock, telemetry } = deps
  const stack = new AsyncDisposableStack()
  const desk = stack.use(deskOf<R>(deps, role))
  const { warning, drain } = stack.use(runSources({ desk, clock, telemetry, ...work }))
  return { warning, drain, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

function deskOf<R extends SourceRow>({ office, contract, clock, telemetry }: SourcesDeps, role: SourceRole) {
  const line = inProcessLine({ office, store: contract, role })
  return createSourceDesk<R>({ role, contract, line, clock, telemetry })
}
