import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { type Clock, systemClock } from '@sluice/clock'
import type { Transport } from '@sluice/kubernetes'
import { openRegistry, serveResourceApi } from '@sluice/resource-api'
import { type ApiObject, apiTable, type ServedVersion } from '@sluice/resources/api'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import fastify from 'fastify'
import { kubernetesClient } from './kubernetes-client.ts'

const table = apiTable()
const BROKER = table.ofKind('eventing.knative.dev/v1', 'Broker') as ServedVersion
const BY = { fieldManager: 'test' }
const KEY = { namespace: 'default', name: 'a' }
const broker = (name: string, labels = {}): ApiObject => ({
  ...{ apiVersion: BROKER.apiVersion, kind: 'Broker' },
  metadata: { name, namespace: 'default', labels },
})
/** Back-offs pass at once, what takes longer does not. */
const hasty: Clock = { ...systemClock, after: (ms, back) => systemClock.after(ms > 30_000 ? ms : 1, back) }

/** Our own API over HTTP, its registry, and a client of it whose connections can be cut. */
async function setUp(stack: AsyncDisposableStack, transportOf = (real: Transport): Transport => real) {
  const telemetry = createTestTelemetry()
  const registry = stack.use(await openRegistry({ path: ':memory:', table, clock: systemClock, telemetry }))
  const control = fastify({ routerOptions: { maxParamLength: 1_024 }, forceCloseConnections: true })
  const api = serveResourceApi({ registry, control, telemetry, clock: systemClock })
  const url = await control.listen({ port: 0, host: '127.0.0.1' })
  stack.defer(() => control.close())
  stack.use(api)
  const open = new Set<AbortController>()
  const cuttable: Transport = (path, { signal, ...init }) => {
    const cut = new AbortController()
    if (path.includes('watch=true')) open.add(cut)
    return fetch(`${url}${path}`, { ...init, signal: AbortSignal.any([cut.signal, ...(signal ? [signal] : [])]) })
  }
  const client = stack.use(kubernetesClient({ transport: transportOf(cuttable), clock: hasty, telemetry }))
  const cut = () => {
    for (const each of open) each.abort()
    open.clear()
  }
  return { registry, client, cut, telemetry }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let left = 400; !isSo(); left--) {
    if (left === 0) throw new Error('it did not become so')
    await wait(10)
  }
}

const versions = (objects: readonly ApiObject[]) =>
  objects.map(({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`).sort()

describe('the client of an API server', () => {
  test('creates, updates, writes a status and deletes; refusals keep their reason', async () => {
    await using stack = new AsyncDisposableStack()
    const { client } = await setUp(stack)
    const made = await client.create(BROKER, broker('a'))
    await expect(client.create(BROKER, broker('a'))).rejects.toMatchObject({
      detail: { code: 'RESOURCE_REFUSED', reason: 'AlreadyExists', status: 409, details: { name: 'a' } },
    })
    const status = { conditions: [{ type: 'Ready', status: 'True' }] }
    expect((await client.updateStatus(BROKER, { ...made, status })).status).toEqual(status)
    await expect(client.update(BROKER, made)).rejects.toMatchObject({ detail: { reason: 'Conflict' } })
    await expect(client.delete(BROKER, KEY, 'another')).rejects.toMatchObject({ detail: { reason: 'Conflict' } })
    await client.delete(BROKER, KEY, String(made.metadata.uid))
    await expect(client.delete(BROKER, KEY)).rejects.toMatchObject({ detail: { reason: 'NotFound' } })
  })

  test('a server that is not there is RESOURCE_API_UNREACHABLE', async () => {
    await using stack = new AsyncDisposableStack()
    const { client } = await setUp(stack, () => () => Promise.reject(new TypeError('fetch failed')))
    await expect(client.create(BROKER, broker('a'))).rejects.toMatchObject({
      detail: { code: 'RESOURCE_API_UNREACHABLE', reason: 'fetch failed' },
    })
  })

  test('an informer has what the registry has, although its watches are cut at random', async () => {
    await using stack = new AsyncDisposableStack()
    const { client, registry, cut, telemetry } = await setUp(stack)
    const informer = client.informer(BROKER)
    const told = new Map<string, ApiObject>()
    informer.changed(({ key, before, now }) => {
      expect(before).toBe(told.get(key.name))
      if (now === undefined) told.delete(key.name)
      else told.set(key.name, now)
    })
    await informer.synced
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    for (let step = 0; step < 300; step++) {
      const name = `b${random(8)}`
      const key = { namespace: 'default', name }
      const isThere = registry.list(BROKER, {}).items.some(({ metadata }) => metadata.name === name)
      if (!isThere) await registry.create(BROKER, 'default', broker(name), BY)
      else if (random(3) === 0) await registry.delete(BROKER, key, {})
      else await registry.update(BROKER, key, broker(name, { step: String(step) }), BY)
      if (random(12) === 0) cut()
      if (random(12) === 0) await wait(3)
    }
    const wanted = versions(registry.list(BROKER, {}).items)
    await until(() => versions(informer.list()).join() === wanted.join())
    expect(versions([...told.values()])).toEqual(wanted)
    expect(telemetry.read('reconcile_watch_failures_total', { kind: 'Broker' })).toBeGreaterThan(0)
  })

  test('where the history is gone, what went meanwhile is told, and an object of the same name is another', async () => {
    await using stack = new AsyncDisposableStack()
    let isGone = false
    let written = Promise.resolve()
    const { client, registry, cut } = await setUp(stack, (real) => async (path, init) => {
      await written
      if (!path.includes('watch=true')) isGone = false
      if (!isGone) return real(path, init)
      const status = { kind: 'Status', reason: 'Expired', code: 410, message: 'too old resource version' }
      return new Response(`${JSON.stringify({ type: 'ERROR', object: status })}\n`)
    })
    const first = await registry.create(BROKER, 'default', broker('a'), BY)
    await registry.create(BROKER, 'default', broker('b'), BY)
    const informer = client.informer(BROKER)
    await informer.synced
    const told: string[] = []
    informer.changed(({ key, before, now }) => {
      told.push(`${key.name} ${before === undefined ? '-' : 'was'} ${now === undefined ? '-' : 'is'}`)
    })
    told.length = 0
    isGone = true
    // nothing of this can be told by a watch
    const { promise, resolve } = Promise.withResolvers<void>()
    written = promise
    cut()
    await registry.delete(BROKER, KEY, {})
    await registry.delete(BROKER, { namespace: 'default', name: 'b' }, {})
    await registry.create(BROKER, 'default', broker('a'), BY)
    resolve()
    await until(() => told.length >= 3)
    expect(told.sort()).toEqual(['a - is', 'a was -', 'b was -'])
    expect(informer.get(KEY)?.metadata.uid).not.toBe(first.object.metadata.uid)
  })
})
