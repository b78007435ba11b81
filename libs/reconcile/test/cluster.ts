import { setTimeout as wait } from 'node:timers/promises'
import { type Clock, systemClock } from '@sluice/clock'
import { createContractStore } from '@sluice/contract'
import type { Transport } from '@sluice/kubernetes'
import { openRegistry, serveResourceApi } from '@sluice/resource-api'
import { type ApiObject, apiTable, type ServedVersion } from '@sluice/resources/api'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import fastify from 'fastify'
import { startKubernetesControlPlane } from '../src/kubernetes-control-plane.ts'
import { overChanges } from '../src/ledger/index.ts'
import { fixedAddresses } from '../src/programs/index.ts'
import type { Secrets } from '../src/secrets.ts'

const table = apiTable()
export const served = (kind: string) =>
  table.served.find((each) => each.kind.kind === kind && each.version.storage) as ServedVersion
/** Back-offs pass at once, what takes longer does not. */
const hasty: Clock = {
  ...systemClock,
  after: (ms, back) => systemClock.after(ms > 10_000 ? ms : Math.min(ms, 20), back),
}

export async function until(isSo: () => boolean): Promise<void> {
  for (let left = 1_000; !isSo(); left--) {
    if (left === 0) throw new Error('it did not become so')
    await wait(10)
  }
}

/** Our own API over HTTP as the cluster's, which can be stopped and started; a contract that outlives who leads. */
export async function startCluster(stack: AsyncDisposableStack) {
  const telemetry = createTestTelemetry()
  const registry = stack.use(await openRegistry({ path: ':memory:', table, clock: systemClock, telemetry }))
  const store = await createContractStore({ clock: systemClock, telemetry })
  stack.use(store.watch('dispatcher-0', () => {}))
  let url = ''
  let stop = async () => {}
  const serve = async () => {
    const control = fastify({ routerOptions: { maxParamLength: 1_024 }, forceCloseConnections: true })
    const api = serveResourceApi({ registry, control, telemetry, clock: systemClock })
    url = await control.listen({ port: 0, host: '127.0.0.1' })
    stop = async () => {
      url = 'http://127.0.0.1:1'
      api[Symbol.dispose]()
      await control.close()
    }
  }
  stack.defer(() => stop())
  const asked: string[] = []
  const transport: Transport = (path, init) => {
    asked.push(`${init.method} ${path}`)
    const body = init.body && JSON.stringify(inOrder(JSON.parse(String(init.body))))
    return fetch(`${url}${path}`, body ? { ...init, body } : init)
  }
  const lead = (secrets?: Secrets) =>
    startKubernetesControlPlane({
      ...(secrets && { secrets }),
      ...{ transport, clock: hasty, telemetry, store: overChanges(store), parkedRetentionMs: 1_000 },
      ...{ services: {}, backlogMaxBytes: 1_000, retention: { maxAgeMs: 1_000, maxBytes: 1_000 } },
      addresses: fixedAddresses('http://127.0.0.1:8080/'),
      drivers: { default: 'embedded', has: (name) => name === 'embedded', fix: (name) => name },
      clusterDomain: 'cluster.local',
    })
  const create = (object: ApiObject) =>
    registry.create(served(object.kind), object.metadata.namespace, object, { fieldManager: 'test' })
  const isReady = (kind: string, name: string) => {
    const { status } = registry.get(served(kind), { namespace: 'default', name })
    const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string }[] }
    return conditions.some((each) => each.type === 'Ready' && each.status === 'True')
  }
  const writes = () => telemetry.read('reconcile_status_writes_total')
  return { asked, registry, store, serve, stop: () => stop(), lead, create, isReady, writes }
}

/** As Kubernetes stores objects: fields by name, whatever order they came in. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).map(([name, each]) => [name, inOrder(each)] as const)
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)))
}
