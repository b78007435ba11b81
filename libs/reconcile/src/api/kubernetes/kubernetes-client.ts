import type { Clock } from '@sluice/clock'
import { requestsOver, type Transport } from '@sluice/kubernetes'
import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import type { Telemetry } from '@sluice/telemetry'
import { keyOf } from '../object-cache.ts'
import type { ResourceClient } from '../resource-client.ts'
import { ListWatch } from './list-watch.ts'
import { pathOf } from './path-of.ts'

/** Who writes, in metadata.managedFields. */
const BY = '?fieldManager=sluice-controller'

export interface KubernetesClientDeps {
  readonly transport: Transport
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** The REST API of a cluster, or of Sluice, as reconcilers use it. Disposing ends its informers. */
export function kubernetesClient({ transport, clock, telemetry }: KubernetesClientDeps): ResourceClient {
  const requests = requestsOver(transport, clock)
  const informers = new Map<ServedVersion, ListWatch>()
  const failures = telemetry.counter('reconcile_watch_failures_total', {
    description: 'Times objects could not be listed or watched, by kind; each is tried again after a back-off',
  })
  const failed = (kind: string, retryInMs: number, err: unknown) => {
    failures.add(1, { kind })
    telemetry.log.warn({ kind, retryInMs, err }, 'objects could not be listed or watched, will be tried again')
  }
  const put = async (kind: ServedVersion, object: ApiObject, subresource: string) =>
    (await requests.ask('PUT', `${pathOf(kind, keyOf(object))}${subresource}${BY}`, object)) as ApiObject

  return {
    informer(kind) {
      const known = informers.get(kind)
      if (known !== undefined) return known
      const informer = new ListWatch({ requests, kind, clock, failed })
      informers.set(kind, informer)
      return informer
    },
    async create(kind, object) {
      const { namespace } = object.metadata
      const path = pathOf(kind, namespace === undefined ? {} : { namespace })
      return (await requests.ask('POST', `${path}${BY}`, object)) as ApiObject
    },
    update: (kind, object) => put(kind, object, ''),
    updateStatus: (kind, object) => put(kind, object, '/status'),
    async delete(kind, key, uid) {
      await requests.ask('DELETE', pathOf(kind, key), {
        ...{ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' },
        ...(uid !== undefined && { preconditions: { uid } }),
      })
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...informers.values()].map((informer) => informer[Symbol.asyncDispose]()))
    },
  }
}
