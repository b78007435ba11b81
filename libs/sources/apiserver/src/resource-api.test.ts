import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { type Clock, systemClock } from '@sluice/clock'
import type { ApiServerSourceRow } from '@sluice/contract'
import type { Transport } from '@sluice/kubernetes'
import { openRegistry, serveResourceApi } from '@sluice/resource-api'
import { apiTable, type ServedVersion } from '@sluice/resources/api'
import { runSources } from '@sluice/source-runtime'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { createFakeDesk, createFakeIngress } from '@sluice/testkit'
import fastify from 'fastify'
import { inShort, ROW } from '../test/bench.ts'
import { apiServerSources } from './api-server-sources.ts'

const table = apiTable()
const served = (apiVersion: string, kind: string) => table.ofKind(apiVersion, kind) as ServedVersion
const TRIGGER = served('eventing.knative.dev/v1', 'Trigger')
const NAMESPACE = served('v1', 'Namespace')
const BY = { fieldManager: 'test' }
const trigger = (name: string, step = 0) => ({
  ...{ apiVersion: TRIGGER.apiVersion, kind: 'Trigger' },
  metadata: { name, namespace: 'default', labels: { step: String(step) } },
  spec: { broker: 'default', subscriber: { uri: 'http://example.com' } },
})
/** Back-offs pass at once, what takes longer does not. */
const hasty: Clock = {
  ...systemClock,
  after: (ms, back) => systemClock.after(ms > 30_000 ? ms : Math.min(ms, 2), back),
}

/** Our own API over HTTP, with connections that can be cut and a history that is as short as wanted. */
async function setUp(stack: AsyncDisposableStack, maxChanges = 10_000) {
  const telemetry = createTestTelemetry()
  const registry = stack.use(
    await openRegistry({ path: ':memory:', table, clock: systemClock, telemetry, history: { maxChanges } }),
  )
  const control = fastify({ routerOptions: { maxParamLength: 1_024 }, forceCloseConnections: true })
  const api = serveResourceApi({ registry, control, telemetry, clock: systemClock })
  const url = await control.listen({ port: 0, host: '127.0.0.1' })
  stack.defer(() => control.close())
  stack.use(api)
  const open = new Set<AbortController>()
  const transport: Transport = (path, { signal, ...init }) => {
    const cut = new AbortController()
    if (path.includes('watch=true')) open.add(cut)
    return fetch(`${url}${path}`, { ...init, signal: AbortSignal.any([cut.signal, ...(signal ? [signal] : [])]) })
  }
  const desk = createFakeDesk<ApiServerSourceRow>({ clock: hasty })
  const ingress = createFakeIngress()
  const cluster = { server: url, transport, bearing: () => transport }
  const sources = apiServerSources({ cluster, telemetry, random: () => 0 })
  const replica = () =>
    stack.use(
      runSources({
        clock: hasty,
        telemetry,
        sender: ingress.sender,
        random: () => 0,
        desk: desk.replica(),
        hold: sources.hold,
      }),
    )
  const cut = () => {
    for (const each of open) each.abort()
    open.clear()
  }
  const there = () =>
    registry.list(TRIGGER, {}).items.map(({ metadata }) => `default/${metadata.name} ${metadata.resourceVersion}`)
  const told = () =>
    [...new Map(ingress.stored.map((event) => [event.attributes.get('id'), event])).values()].map(inShort)
  return { registry, desk, ingress, replica, cut, there, told, telemetry }
}

function believed(told: readonly string[]): string[] {
  const there = new Map<string, string>()
  for (const line of told) {
    const [what, place = '', version] = line.split(' ')
    if (what === 'delete') there.delete(place)
    else there.set(place, `${place} ${version}`)
  }
  return [...there.values()]
}

async function until(isSo: () => boolean): Promise<void> {
  for (let left = 500; !isSo(); left--) {
    if (left === 0) throw new Error('it did not become so')
    await wait(10)
  }
}

describe('on the API that Sluice serves itself', () => {
  test('SRC-07: every change of a Trigger is told, as a reference, by the plural of the API, and the status says as whom it reads', async () => {
    await using stack = new AsyncDisposableStack()
    const { registry, desk, ingress, replica } = await setUp(stack)
    replica()
    await desk.put({
      ...ROW,
      ...{
        mode: 'Reference',
        namespaces: ['default'],
        resources: [
          { apiVersion: TRIGGER.apiVersion, kind: 'Trigger' },
          { apiVersion: 'v1', kind: 'Namespace' },
        ],
      },
    })
    await until(() => desk.reports(ROW.uid).at(-1)?.conditions.Deployed?.status === 'True')
    await registry.create(TRIGGER, 'default', trigger('a'), BY)
    await registry.delete(TRIGGER, { namespace: 'default', name: 'a' }, {})
    await registry.create(
      NAMESPACE,
      undefined,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'stock' } },
      BY,
    )
    await until(() => ingress.stored.length >= 3)
    const shown = ingress.stored.map(({ attributes, data }) => [
      attributes.get('type'),
      attributes.get('subject'),
      String(data),
    ])
    const reference = '{"kind":"Trigger","namespace":"default","name":"a","apiVersion":"eventing.knative.dev/v1"}'
    const subject = '/apis/eventing.knative.dev/v1/namespaces/default/triggers/a'
    expect(shown.toSorted()).toEqual([
      ['dev.knative.apiserver.ref.add', subject, reference],
      [
        'dev.knative.apiserver.ref.add',
        '/apis/v1/namespaces//namespaces/stock',
        '{"kind":"Namespace","name":"stock","apiVersion":"v1"}',
      ],
      ['dev.knative.apiserver.ref.delete', subject, reference],
    ])
    expect(desk.reports(ROW.uid).at(-1)?.conditions.SufficientPermissions).toMatchObject({
      ...{ status: 'True', reason: 'NoServiceAccounts' },
    })
  })

  test.each([10_000, 20])(
    'the sink believes what there is, with watches cut at random, hand-overs and a history of %i changes',
    async (maxChanges) => {
      await using stack = new AsyncDisposableStack()
      const { registry, desk, replica, cut, there, told, telemetry } = await setUp(stack, maxChanges)
      replica()
      replica()
      await desk.put({ ...ROW, namespaces: 'all', resources: [{ apiVersion: TRIGGER.apiVersion, kind: 'Trigger' }] })
      await until(() => desk.reports(ROW.uid).at(-1)?.conditions.Deployed?.status === 'True')
      let seed = 11
      const random = (below: number) => {
        seed = (seed * 48_271) % 2_147_483_647
        return seed % below
      }
      for (let step = 0; step < 400; step++) {
        const name = `t${random(8)}`
        const key = { namespace: 'default', name }
        const isThere = there().some((line) => line.startsWith(`default/${name} `))
        if (!isThere) await registry.create(TRIGGER, 'default', trigger(name), BY)
        else if (random(3) === 0) await registry.delete(TRIGGER, key, {})
        else await registry.update(TRIGGER, key, trigger(name, step), BY)
        if (random(12) === 0) cut()
        if (random(12) === 0) await wait(3)
        if (random(60) === 0) await desk.handOver(ROW.uid)
      }
      await until(() => believed(told()).sort().join() === there().sort().join())
      if (maxChanges < 100) expect(telemetry.read('source_apiserver_comparisons_total')).toBeGreaterThan(0)
      else expect(told()).toHaveLength(400)
    },
  )
})
