import type { Transport } from '@sluice/kubernetes'
import { apiTable } from '@sluice/resources/api'
import { kubernetesClient } from './api/kubernetes/kubernetes-client.ts'
import { type Reconciling, type ReconcilingDeps, startReconciling } from './reconciling.ts'

export interface KubernetesControlPlaneDeps extends Omit<ReconcilingDeps, 'client' | 'table'> {
  readonly transport: Transport
}

/**
 * The same reconcilers over a cluster's API. To be started by who leads, alone. The data plane keeps the rows it has
 * until every kind was listed: while the API can't be reached, or lacks a kind, nothing changes and `settled` waits.
 */
export function startKubernetesControlPlane(deps: KubernetesControlPlaneDeps): Reconciling {
  const stack = new AsyncDisposableStack()
  const client = stack.use(kubernetesClient(deps))
  const reconciling = stack.use(startReconciling({ ...deps, client, table: apiTable() }))
  return { ...reconciling, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
