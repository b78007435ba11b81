import { mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@sluice/clock'
import { openRegistry, type Registry } from '@sluice/resource-api'
import { type ApiObject, apiTable, type ServedVersion } from '@sluice/resources/api'
import { createTestTelemetry } from '@sluice/telemetry/testing'

/** `node --expose-gc libs/resource-api/test/measure.ts`: 1,000 brokers and 10,000 triggers, written, listed, read again. */
const WRITERS = 16
const table = apiTable()
const served = (kind: string) => table.ofKind('eventing.knative.dev/v1', kind) as ServedVersion
const [BROKER, TRIGGER] = [served('Broker'), served('Trigger')]
const BY = { fieldManager: 'kubectl-client-side-apply' }
const path = join(mkdtempSync(join(tmpdir(), 'sluice-measure-')), 'resources.db')
const open = () => openRegistry({ path, table, clock: systemClock, telemetry: createTestTelemetry() })

function broker(i: number): ApiObject {
  const metadata = { name: `broker-${i}`, namespace: 'default' }
  return withLastApplied({
    ...{ apiVersion: BROKER.apiVersion, kind: 'Broker', metadata },
    spec: { delivery: { retry: 5, backoffPolicy: 'exponential', backoffDelay: 'PT0.5S' } },
  })
}

function trigger(i: number): ApiObject {
  const metadata = { name: `trigger-${i}`, namespace: 'default', labels: { app: `app-${i % 100}` } }
  const spec = {
    broker: `broker-${i % 1000}`,
    filter: { attributes: { type: `com.example.order.${i % 50}`, source: '/shop' } },
    subscriber: { ref: { apiVersion: 'v1', kind: 'Service', name: `service-${i % 200}` } },
  }
  return withLastApplied({ apiVersion: TRIGGER.apiVersion, kind: 'Trigger', metadata, spec })
}

/** As kubectl apply does. */
function withLastApplied(object: ApiObject): ApiObject {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(object) }
  return { ...object, metadata: { ...object.metadata, annotations } }
}

const conditions = ['Ready', 'BrokerReady', 'Dependency', 'SubscriberResolved', 'Subscribed', 'DeadLetterSinkResolved']
function withStatus(object: ApiObject): ApiObject {
  const lastTransitionTime = '2026-11-26T12:00:00Z'
  return {
    ...object,
    status: {
      observedGeneration: 1,
      conditions: conditions.map((type) => ({ type, status: 'True', lastTransitionTime })),
    },
  }
}

async function many(count: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  let next = 0
  const writer = async () => {
    for (let i = next++; i < count; i = next++) await work(i)
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  return Math.round(count / ((performance.now() - begin) / 1_000))
}

function memory(): string {
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  return `heap ${(heapUsed / 2 ** 20).toFixed(0)} MiB, rss ${(rss / 2 ** 20).toFixed(0)} MiB`
}

function timed<T>(what: string, work: () => T): T {
  const begin = performance.now()
  const value = work()
  console.log(`${what}: ${(performance.now() - begin).toFixed(0)} ms`)
  return value
}

async function writeAll(registry: Registry): Promise<void> {
  console.log(
    `creates/s, ${WRITERS} writers: brokers ${await many(1_000, (i) => registry.create(BROKER, 'default', broker(i), BY))}`,
  )
  console.log(
    `creates/s, ${WRITERS} writers: triggers ${await many(10_000, (i) => registry.create(TRIGGER, 'default', trigger(i), BY))}`,
  )
  console.log(`after creating: ${memory()}`)
  const status = { fieldManager: 'sluice', subresource: 'status' } as const
  const rate = await many(10_000, (i) => {
    const key = { namespace: 'default', name: `trigger-${i}` }
    return registry.update(TRIGGER, key, withStatus(registry.get(TRIGGER, key)), status)
  })
  console.log(`status writes/s, ${WRITERS} writers: ${rate}`)
}

console.log(`before: ${memory()}`)
{
  await using registry = await open()
  await writeAll(registry)
  console.log(`with a full history: ${memory()}`)
  timed('list of 10,000 triggers', () => registry.list(TRIGGER, {}))
  const json = timed('the same as JSON', () => JSON.stringify(registry.list(TRIGGER, {})))
  console.log(`which has ${(json.length / 2 ** 20).toFixed(1)} MiB`)
  timed('list of 100 by label', () => registry.list(TRIGGER, { labelSelector: 'app=app-7' }))
}
console.log(`file: ${(statSync(path).size / 2 ** 20).toFixed(1)} MiB`)
const begin = performance.now()
{
  await using _registry = await open()
  console.log(`start: ${(performance.now() - begin).toFixed(0)} ms; ${memory()}`)
}
