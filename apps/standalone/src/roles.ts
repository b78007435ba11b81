import { join } from 'node:path'
import { oneWrite } from '@sluice/channel'
import { sleep } from '@sluice/clock'
import {
  contractCopy,
  createContractStore,
  madeLogsCopy,
  openSourceOffice,
  purgeParked,
  type Rows,
  removeEndedChannels,
  sourceLimits,
} from '@sluice/contract'
import { startDispatcher } from '@sluice/dispatch'
import { openDriver, runningDrivers } from '@sluice/drivers'
import { startEventDisplay } from '@sluice/event-display'
import { explain, explainRoute, startFilter } from '@sluice/filter'
import { createAdmission, startIngress } from '@sluice/ingress'
import { journalRoute, openJournal } from '@sluice/journal'
import { createSecrets, fixedAddresses, overChanges, startControlPlane, storeLimits } from '@sluice/reconcile'
import { startRedelivery } from '@sluice/redelivery'
import { publishResourceApi } from '@sluice/resource-api'
import { type Running, type ServiceContext, serveRoute } from '@sluice/service'
import type { StandaloneConfig } from './config.ts'
import { startApiServerSources, startSources } from './sources.ts'

const LOOPBACK = '127.0.0.1'
const ACKNOWLEDGED_WITHIN_MS = 10_000

interface Roles extends Running {
  readonly ingressUrl: string
  readonly displayUrl: string
  /** The line by which a shell's kubectl finds the resources; absent where nobody serves them. */
  readonly kubeconfig?: string
  inForce(): Rows
}

/** Ingress, filter, dispatcher and control plane over one driver and one contract; they meet nowhere else. */
export async function startRoles(
  config: StandaloneConfig & { readonly host: string },
  context: ServiceContext,
): Promise<Roles> {
  const { dataDir, host, maxEventBytes, maxTtl } = config
  const { telemetry, clock, ready, warn } = context
  await using starting = new AsyncDisposableStack()
  const opened = starting.use(await openDriver(config, { ...context, name: 'standalone', dataDir }))
  opened.declare(context)
  const driver = oneWrite(opened.driver, clock)
  const copy = contractCopy(join(dataDir, 'contract.json'))
  const contract = await createContractStore({ clock, telemetry, copy })
  const { journal: isKept, journalMaxBytes: maxBytes } = config
  const journal =
    isKept === 'on'
      ? starting.use(openJournal({ folder: join(dataDir, 'journal'), maxBytes, clock, telemetry }))
      : undefined
  const role = { driver, contract, clock, telemetry, journal }

  starting.use(removeEndedChannels({ ...role, copy: madeLogsCopy(join(dataDir, 'channels.json')) }))
  const limits = storeLimits(config)
  starting.use(purgeParked({ ...role, retentionMs: limits.parkedRetentionMs }))
  const write = (text: string) => void process.stdout.write(text)
  const display = starting.use(await startEventDisplay({ host: LOOPBACK, port: 0, write }))
  const secrets = createSecrets()
  const office = starting.use(
    // nobody else runs sources: there is nobody to wait for
    await openSourceOffice({
      ...{ ...role, store: contract, path: join(dataDir, 'sources.db'), settleMs: 0, secrets },
      limits: sourceLimits(config),
    }),
  )
  // before the control plane, which else would say of each source that nobody runs it, and after it at the end
  const sources = starting.use(await startSources({ ...role, office, maxEventBytes }))
  const { receivers } = sources
  const ingress = await startIngress({
    ...{ ...config, ...role, host, port: config.ingressPort, replica: 'ingress', receivers },
  })
  starting.defer(() => ingress[Symbol.asyncDispose]())
  const controlPlane = starting.use(
    await startControlPlane({
      ...{ clock, telemetry, store: overChanges(contract), manifests: config.manifests, driver, ...limits },
      path: join(dataDir, 'resources.db'),
      services: { 'default/event-display': display.url },
      addresses: fixedAddresses(ingress.url, config.ingressUrl),
      drivers: runningDrivers(config),
      ...{ secrets, standings: office },
      ...(config.receiversUrl !== undefined && { receiversUrl: config.receiversUrl }),
    }),
  )
  // Stops before the filter, whose copies it then writes instead of delivering.
  const admit = createAdmission({ clock, maxEventBytes, maxTtl })
  const dispatcher = startDispatcher({
    ...role,
    replica: 'dispatcher',
    admit,
    ingressUrl: config.ingressUrl ?? ingress.url,
  })
  const filter = starting.use(startFilter({ ...role, replica: 'filter' }))
  starting.use(dispatcher)
  const redelivery = starting.use(startRedelivery(role))
  await controlPlane.settled()
  // a row that a role can't do must not keep whoever would mend it from the API
  const { revision } = contract.contract()
  const over = new AbortController()
  const ending = AbortSignal.any([over.signal, context.draining])
  await Promise.race([contract.whenAcknowledged(revision, ending), sleep(clock, ACKNOWLEDGED_WITHIN_MS, ending)])
  over.abort()
  warn('contract', () => {
    const lacking = contract.acknowledged(revision) ? [] : contract.lacking(revision)
    return lacking.length === 0
      ? undefined
      : `not in force everywhere yet: ${lacking.map(({ role }) => role).join(', ')}`
  })

  ready('ingress', () => ingress.ready())
  ready('filter', () => filter.ready())
  ready('dispatcher', () => dispatcher.ready())
  serveRoute(context, explainRoute({ contract: contract.contract, clock, notInForce: controlPlane.notInForce }))
  if (journal !== undefined)
    serveRoute(
      context,
      journalRoute({
        find: async (wanted) => ({ records: await journal.find(wanted) }),
        contract: contract.contract,
        explaining: { driver, explain },
      }),
    )
  for (const route of redelivery.routes) serveRoute(context, route)
  warn('sources', sources.warning)
  warn('manifests', () => controlPlane.problems().join('\n') || undefined)
  const { control, urls, access } = context
  const { registry } = controlPlane
  const api = { registry, control, url: urls.control, access, folder: dataDir, telemetry, clock }
  const { kubectl, kubeconfig } = starting.use(await publishResourceApi(api))
  const watching =
    kubeconfig === undefined ? undefined : starting.use(startApiServerSources({ ...role, office }, kubeconfig))
  warn('sources of objects', () => watching?.warning())
  const stack = starting.move()
  return {
    ingressUrl: ingress.url,
    displayUrl: display.url,
    ...(kubectl !== undefined && { kubeconfig: kubectl }),
    inForce: () => contract.contract(),
    async drain() {
      await Promise.all([sources.drain(), watching?.drain()])
      await Promise.all([ingress.drain(), redelivery.drain()])
      await filter.drain()
      await dispatcher.drain()
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
