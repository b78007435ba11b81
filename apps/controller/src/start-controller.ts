import { join } from 'node:path'
import type { ConfigOf } from '@sluice/config'
import {
  contractCopy,
  createContractService,
  createContractStore,
  madeLogsCopy,
  openSourceOffice,
  purgeParked,
  removeEndedChannels,
  serveContract,
  serverEvents,
  sourceLimits,
  tokenOf,
} from '@sluice/contract'
import { openDriver, runningDrivers } from '@sluice/drivers'
import { explain, explainRoute } from '@sluice/filter'
import { findAtReplicas, journalRoute } from '@sluice/journal'
import type { Transport } from '@sluice/kubernetes'
import {
  createSecrets,
  fixedAddresses,
  overChanges,
  type Reconciling,
  startControlPlane,
  startKubernetesControlPlane,
  storeLimits,
} from '@sluice/reconcile'
import { startRedelivery } from '@sluice/redelivery'
import { publishResourceApi } from '@sluice/resource-api'
import { type Running, running, type ServiceContext, serveRoute } from '@sluice/service'
import type { config as shape } from './config.ts'
import { aborted } from './start-as-leader.ts'

type ControllerConfig = ConfigOf<typeof shape> & { readonly host: string }

/**
 * Store, reconciler and server of the contract, and who removes what is over: one per installation. With `cluster` the
 * objects are those of its API, else those of the API that is served here.
 */
export async function startController(
  config: ControllerConfig,
  context: ServiceContext,
  cluster?: Transport,
): Promise<Running> {
  const { telemetry, clock, warn } = context
  const { dataDir, host, ingressUrl } = config
  await using stack = new AsyncDisposableStack()
  const { driver, ready } = stack.use(await openDriver(config, { ...context, name: 'controller' }))
  warn('channel', ready)
  const store = await createContractStore({ clock, telemetry, copy: contractCopy(join(dataDir, 'contract.json')) })
  const secrets = createSecrets()
  const path = join(dataDir, 'sources.db')
  const sources = stack.use(
    await openSourceOffice({ store, clock, telemetry, path, secrets, limits: sourceLimits(config) }),
  )
  const events = serverEvents(telemetry)
  const service = stack.use(
    createContractService({ store, sources, clock, events, telemetry, expected: ['ingress', 'filter', 'dispatcher'] }),
  )
  const { contract } = service
  const limits = storeLimits(config)
  const copy = madeLogsCopy(join(dataDir, 'channels.json'))
  stack.use(removeEndedChannels({ driver, contract, clock, telemetry, copy }))
  stack.use(purgeParked({ driver, contract, clock, telemetry, retentionMs: limits.parkedRetentionMs }))
  const what = {
    ...{ clock, telemetry, store: overChanges(contract), driver, ...limits, secrets, standings: sources },
    services: config.eventDisplayUrl === undefined ? {} : { 'default/event-display': config.eventDisplayUrl },
    addresses: fixedAddresses(ingressUrl),
    drivers: runningDrivers(config),
    ...(config.receiversUrl !== undefined && { receiversUrl: config.receiversUrl }),
  }
  const { manifests, clusterDomain } = config
  const embedded =
    cluster === undefined
      ? stack.use(await startControlPlane({ ...what, manifests, path: join(dataDir, 'resources.db') }))
      : undefined
  const overCluster = cluster && stack.use(startKubernetesControlPlane({ ...what, transport: cluster, clusterDomain }))
  const reconciling = (embedded ?? overCluster) as Reconciling
  // of a cluster that can't be reached nothing is known
  await Promise.race([reconciling.settled(), aborted(context.draining)])
  const { controllerCert: cert, controllerKey: key, controllerPort: port } = config
  const tls = cert !== undefined && key !== undefined ? { cert, key } : undefined
  const server = stack.use(await serveContract({ service, host, port, tls, token: tokenOf(config), clock, events }))

  const problems = () => embedded?.problems() ?? []
  warn('manifests', () => problems().join('\n') || undefined)
  warn('contract', service.behind)
  warn('replicas', () => service.missing())
  context.control?.get('/contract', async () => ({
    revision: contract.contract().revision,
    problems: problems(),
    replicas: service.replicas(),
  }))
  const { control, urls, access } = context
  if (embedded !== undefined) {
    const { registry } = embedded
    const api = { registry, control, url: urls.control, access, folder: dataDir, telemetry, clock }
    const { kubectl } = stack.use(await publishResourceApi(api))
    if (kubectl !== undefined) telemetry.log.info({ kubectl }, 'serving the resources')
  }
  const { notInForce } = reconciling
  serveRoute(context, explainRoute({ contract: store.contract, clock, notInForce }))
  const journal = { find: findAtReplicas(service.ask), contract: store.contract, explaining: { driver, explain } }
  serveRoute(context, journalRoute(journal))
  const redelivery = stack.use(startRedelivery({ driver, contract, clock, telemetry }))
  for (const route of redelivery.routes) serveRoute(context, route)
  telemetry.log.info({ url: server.url, isEncrypted: tls !== undefined }, 'serving the contract')
  return running(stack, redelivery.drain)
}
