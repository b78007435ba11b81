import type { Clock } from '@sluice/clock'
import type { ApiServerSourceRow } from '@sluice/contract'
import { type ClusterTransport, requestsOver, type Transport } from '@sluice/kubernetes'
import { hasServiceAccounts } from './discover.ts'
import { asServiceAccount } from './service-account.ts'

/** How the objects of a source are read. */
export interface Access {
  readonly transport: Transport
  /** `system:serviceaccount:<namespace>:<name>`; undefined: the API server has no service accounts, the service itself asks. */
  readonly user?: string
}

export interface AccessDeps {
  readonly cluster: Pick<ClusterTransport, 'transport' | 'bearing'>
  readonly row: Pick<ApiServerSourceRow, 'namespace' | 'serviceAccountName'>
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** As the row's service account, wherever there is such a thing. Rejects while that can't be found out. */
export async function openAccess({ cluster, row, clock, signal }: AccessDeps): Promise<Access> {
  const requests = requestsOver(cluster.transport, clock)
  if (!(await hasServiceAccounts(requests, signal))) return { transport: cluster.transport }
  const { namespace, serviceAccountName: name } = row
  const transport = asServiceAccount({ namespace, name, requests, cluster, clock })
  return { transport, user: `system:serviceaccount:${namespace}:${name}` }
}

/** Milliseconds since the epoch, by the API server's clock: what objects say of their creation is of the same one. */
export async function serverTime(transport: Transport, clock: Clock, signal: AbortSignal): Promise<number> {
  const response = await transport('/version', { method: 'GET', signal })
  await response.body?.cancel()
  const time = Date.parse(response.headers.get('date') ?? '')
  return Number.isNaN(time) ? clock.now() : time
}
