import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { type Clock, systemClock } from '@sluice/clock'
import { createContractStore } from '@sluice/contract'
import { openRegistry, serveResourceApi } from '@sluice/resource-api'
import { type ApiObject, apiTable, type ServedVersion } from '@sluice/resources/api'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import fastify from 'fastify'
import { broker, trigger } from '../test/objects.ts'
import type { Transport } from './api/kubernetes/requests.ts'
import { startKubernetesControlPlane } from './kubernetes-control-plane.ts'
import { overChanges } from './ledger/index.ts'
import { fixedAddresses } from './programs/index.ts'

const table = apiTable()
const served = (kind: string) =>
  table.served.find((each) => each.kind.kind === kind && each.version.storage) as ServedVersion
/** Back-offs pass at once, what takes longer does not. */
const hasty: Clock = {
  ...systemClock,
  after: (ms, back) => systemClock.after(ms > 10_000 ? ms : Math.min(ms, 20), back),
}

async function until(isSo: () => boolean): Promise<void> {
  for (let left = 1_000; !isSo(); left--) {
    if (left === 0) throw new Error('it did not become so')
    await wait(10)
  }
}

/** Our own API over HTTP as the cluster's, which can be stopped and started; a contract that outlives who leads. */
async function setUp(stack: AsyncDisposableStack) {
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
  const transport: Transport = (path, init) => fetch(`${url}${path}`, init)
  const lead = () =>
    startKubernetesControlPlane({
      ...{ transport, clock: hasty, telemetry, store: overChanges(store), parkedRetentionMs: 1_000 },
      ...{ services: {}, backlogMaxBytes: 1_000, retention: { maxAgeMs: 1_000, maxBytes: 1_000 } },
      addresses: fixedAddresses('http://127.0.0.1:8080/'),
      drivers: { default: 'embedded', has: (name) => name === 'embedded', fix: (name) => name },
      clusterDomain: 'cluster.local',
    })
  const create = (object: ApiObject) =>
    registry.create(served(object.kind), 'default', object, { fieldManager: 'test' })
  const isReady = (kind: string, name: string) => {
    const { status } = registry.get(served(kind), { namespace: 'default', name })
    const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string }[] }
    return conditions.some((each) => each.type === 'Ready' && each.status === 'True')
  }
  const writes = () => telemetry.read('reconcile_status_writes_total')
  return { registry, store, serve, stop: () => stop(), lead, create, isReady, writes }
}

describe('the control plane of a cluster', () => {
  test('makes Brokers and Triggers Ready, and goes on after the API was away', async () => {
    await using stack = new AsyncDisposableStack()
    const { store, serve, stop, lead, create, isReady, registry } = await setUp(stack)
    await serve()
    const leading = stack.use(lead())
    await create(broker('a'))
    await create(trigger('t', { broker: 'a' }))
    await until(() => isReady('Broker', 'a') && isReady('Trigger', 't'))
    await stop()
    await registry.delete(served('Trigger'), { namespace: 'default', name: 't' }, {})
    await create(trigger('u', { broker: 'a' }))
    await serve()
    await until(() => isReady('Trigger', 'u') && store.contract().routes.length === 1)
    await leading.settled()
    expect(store.contract().routes).toMatchObject([{ name: 'u' }])
  })

  test('the next leader changes nothing: no row and no status', async () => {
    await using stack = new AsyncDisposableStack()
    const { store, serve, lead, create, isReady, writes } = await setUp(stack)
    await serve()
    await create(broker('a'))
    await create(trigger('t', { broker: 'a' }))
    const first = lead()
    await until(() => isReady('Broker', 'a') && isReady('Trigger', 't'))
    await first[Symbol.asyncDispose]()
    const before = [store.contract().revision, writes()]
    await stack.use(lead()).settled()
    expect([store.contract().revision, writes()]).toEqual(before)
  })

  test('of an API that is away no row goes; once it is there the rows of what went meanwhile do', async () => {
    await using stack = new AsyncDisposableStack()
    const { registry, store, serve, stop, lead, create, isReady } = await setUp(stack)
    await serve()
    await create(broker('a'))
    const first = lead()
    await until(() => isReady('Broker', 'a'))
    await first[Symbol.asyncDispose]()
    await stop()
    await registry.delete(served('Broker'), { namespace: 'default', name: 'a' }, {})
    const second = stack.use(lead())
    expect(second.notInForce('default', 'a')).toEqual([])
    await wait(100)
    expect(store.contract().logs).toHaveLength(1)
    await serve()
    await second.settled()
    expect(store.contract().logs).toHaveLength(0)
  })
})
