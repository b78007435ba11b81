import { describe, expect, test } from '@jest/globals'
import { openRegistry } from '@sluice/resource-api'
import { type ApiObject, apiTable, type ServedVersion } from '@sluice/resources/api'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { VirtualClock } from '@sluice/testkit'
import { embeddedClient } from '../api/embedded-client.ts'
import type { Program } from './program.ts'
import { startReconcilers } from './start-reconcilers.ts'

const table = apiTable()
const BROKER = table.ofKind('eventing.knative.dev/v1', 'Broker') as ServedVersion
const CONFIG_MAP = table.ofKind('v1', 'ConfigMap') as ServedVersion
const EVENT = table.ofKind('v1', 'Event') as ServedVersion
const BY = { fieldManager: 'test' }
const broker = (name: string, annotations = {}): ApiObject => ({
  ...{ apiVersion: BROKER.apiVersion, kind: 'Broker' },
  metadata: { name, namespace: 'default', annotations },
})

async function setUp(stack: AsyncDisposableStack, reconcile: Program['reconcile'], rest: Partial<Program> = {}) {
  const clock = new VirtualClock()
  const telemetry = createTestTelemetry()
  const registry = stack.use(await openRegistry({ path: ':memory:', table, clock, telemetry }))
  const client = stack.use(embeddedClient(registry))
  const seen: string[] = []
  const program: Program = {
    ...{ kind: BROKER, watches: [], ...rest },
    reconcile(key, object) {
      seen.push(`${key.name} ${object?.metadata.generation ?? 'gone'}`)
      return reconcile(key, object)
    },
  }
  const reconcilers = stack.use(startReconcilers({ client, programs: [program], clock, telemetry }))
  const stored = () => registry.get(BROKER, { namespace: 'default', name: 'a' })
  return { clock, telemetry, registry, reconcilers, seen, stored }
}

const ready = { status: { conditions: [{ type: 'Ready', status: 'True' }] } }

describe('reconcilers', () => {
  test('look at nothing before every kind they watch is listed, and stop although one never is', async () => {
    await using stack = new AsyncDisposableStack()
    const clock = new VirtualClock()
    const telemetry = createTestTelemetry()
    const registry = stack.use(await openRegistry({ path: ':memory:', table, clock, telemetry }))
    await registry.create(BROKER, 'default', broker('a'), BY)
    const client = stack.use(embeddedClient(registry))
    const start = (synced: Promise<void>) => {
      const seen: string[] = []
      const informer = (kind: ServedVersion) => {
        const real = client.informer(kind)
        const own = kind === CONFIG_MAP ? synced : real.synced
        return {
          ...{ get: real.get.bind(real), list: real.list.bind(real), changed: real.changed.bind(real) },
          synced: own,
        }
      }
      const program: Program = {
        ...{ kind: BROKER, watches: [{ kind: CONFIG_MAP, concerns: () => [] }] },
        async reconcile({ name }) {
          seen.push(name)
          return {}
        },
      }
      return {
        seen,
        reconcilers: startReconcilers({ client: { ...client, informer }, programs: [program], clock, telemetry }),
      }
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    const { seen, reconcilers } = start(promise)
    await clock.advance(60_000)
    expect(seen).toEqual([])
    resolve()
    await reconcilers.settled()
    expect(seen).toEqual(['a'])
    await reconcilers[Symbol.asyncDispose]()
    const never = start(Promise.withResolvers<void>().promise)
    await clock.advance(1_000)
    await never.reconcilers[Symbol.asyncDispose]()
    expect(never.seen).toEqual([])
  })

  test('look at each object that comes, changes and goes, and write its status only where it differs', async () => {
    await using stack = new AsyncDisposableStack()
    const { registry, reconcilers, seen, stored, telemetry } = await setUp(stack, async (_, object) =>
      object === undefined ? {} : ready,
    )
    await registry.create(BROKER, 'default', broker('a'), BY)
    await reconcilers.settled()
    expect(stored().status).toEqual(ready.status)
    expect(seen).toEqual(['a 1'])
    await registry.update(BROKER, { namespace: 'default', name: 'a' }, broker('a', { 'example.org/a': 'b' }), BY)
    await reconcilers.settled()
    expect(seen).toEqual(['a 1', 'a 1'])
    expect(telemetry.read('reconcile_status_writes_total', { kind: 'Broker' })).toBe(1)
    await registry.delete(BROKER, { namespace: 'default', name: 'a' }, {})
    await reconcilers.settled()
    expect(seen).toEqual(['a 1', 'a 1', 'a gone'])
  })

  test('a status that somebody else overwrote is put right', async () => {
    await using stack = new AsyncDisposableStack()
    const { registry, reconcilers, stored } = await setUp(stack, async () => ready)
    await registry.create(BROKER, 'default', broker('a'), BY)
    await reconcilers.settled()
    const status = { conditions: [{ type: 'Ready', status: 'False' }] }
    const key = { namespace: 'default', name: 'a' }
    await registry.update(BROKER, key, { ...stored(), status }, { ...BY, subresource: 'status' })
    await reconcilers.settled()
    expect(stored().status).toEqual(ready.status)
  })

  test('look again at what another object concerns', async () => {
    await using stack = new AsyncDisposableStack()
    const concerns = () => [{ namespace: 'default', name: 'a' }]
    const watches = [{ kind: CONFIG_MAP, concerns }]
    const { registry, reconcilers, seen } = await setUp(stack, async () => ({}), { watches })
    await registry.create(CONFIG_MAP, 'default', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } }, BY)
    await reconcilers.settled()
    expect(seen).toEqual(['a gone'])
  })

  test('one that throws is logged, counted and tried again; others go on', async () => {
    await using stack = new AsyncDisposableStack()
    let isBroken = true
    const { clock, registry, reconcilers, stored, telemetry } = await setUp(stack, async (key) => {
      if (key.name === 'a' && isBroken) throw new Error('no')
      return ready
    })
    for (const name of ['a', 'b']) await registry.create(BROKER, 'default', broker(name), BY)
    await reconcilers.settled()
    expect(stored().status).toBeUndefined()
    expect(registry.get(BROKER, { namespace: 'default', name: 'b' }).status).toEqual(ready.status)
    expect(telemetry.read('reconcile_failures_total', { kind: 'Broker' })).toBe(1)
    isBroken = false
    await clock.advance(5)
    await reconcilers.settled()
    expect(stored().status).toEqual(ready.status)
  })

  test('Events are written once and counted', async () => {
    await using stack = new AsyncDisposableStack()
    const event = { type: 'Warning', reason: 'NotFound', message: 'no such thing' } as const
    const { registry, reconcilers } = await setUp(stack, async (_, object) => (object ? { events: [event] } : {}))
    await registry.create(BROKER, 'default', broker('a'), BY)
    await reconcilers.settled()
    await registry.update(BROKER, { namespace: 'default', name: 'a' }, broker('a', { 'example.org/a': 'b' }), BY)
    await reconcilers.settled()
    await reconcilers[Symbol.asyncDispose]()
    const { items } = registry.list(EVENT, { namespace: 'default' })
    expect(items).toEqual([
      expect.objectContaining({
        ...event,
        count: 2,
        involvedObject: expect.objectContaining({ kind: 'Broker', name: 'a' }),
      }),
    ])
  })
})
