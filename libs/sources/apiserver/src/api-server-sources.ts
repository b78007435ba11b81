import type { ApiServerSourceRow } from '@sluice/contract'
import type { ClusterTransport } from '@sluice/kubernetes'
import type { HoldingSource } from '@sluice/source-runtime'
import type { Telemetry } from '@sluice/telemetry'
import { apiServerEvents, apiServerTelemetry, watchObjects } from './events.ts'
import { SourceWork } from './source-work.ts'

export interface ApiServerSourcesDeps {
  readonly cluster: Pick<ClusterTransport, 'transport' | 'bearing' | 'server'>
  readonly telemetry: Telemetry
  /** For jitter, in [0, 1). */
  readonly random?: () => number
}

export interface ApiServerSources extends Disposable {
  /** For `runSources`: resolves once everything is watched that can be; what can't is in the conditions. */
  hold(source: HoldingSource<ApiServerSourceRow>): Promise<AsyncDisposable>
}

/** Tells of changes of the objects of one API server. */
export function apiServerSources({ cluster, telemetry, random = Math.random }: ApiServerSourcesDeps): ApiServerSources {
  const shared = apiServerTelemetry(telemetry)
  const working = new Set<SourceWork>()
  const gauge = watchObjects(telemetry, () => working)
  return {
    async hold(source) {
      const work = new SourceWork({ source, cluster, random, events: apiServerEvents(shared, source.row) })
      working.add(work)
      await work.settled
      return {
        async [Symbol.asyncDispose]() {
          working.delete(work)
          await work[Symbol.asyncDispose]()
        },
      }
    },
    [Symbol.dispose]: () => gauge[Symbol.dispose](),
  }
}
