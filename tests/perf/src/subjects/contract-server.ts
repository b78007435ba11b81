// The controller's side of the contract alone: 1,000 brokers and 10,000 triggers, kept on disk, served over HTTP.
import { join } from 'node:path'
import { systemClock } from '@sluice/clock'
import {
  contractCopy,
  createContractService,
  createContractStore,
  type Rows,
  serveContract,
  serverEvents,
} from '@sluice/contract'
import { createTelemetry } from '@sluice/telemetry'
import '../load/program.ts'
import { deliveryTo, LOG } from './contract.ts'

const BROKERS = 1_000
const TRIGGERS = 10_000
const EXPECTED = ['ingress', 'filter', 'dispatcher'] as const
const [dataDir = '', port = '0'] = process.argv.slice(2)

function logOf(n: number) {
  const uid = `log-${n % BROKERS}`
  return { uid, queues: `queues-${uid}` }
}

/** The rows of one trigger; `version` is what changes. */
function trigger(n: number, version: number) {
  const { uid, queues } = logOf(n)
  const name = `trigger-${n}`
  const filter = { attributes: { type: `com.example.n${n}.v${version}` } }
  const route = { uid: name, hash: '', namespace: 'default', name, log: uid, filter, delivery: name, since: 0 }
  const url = `http://subscriber-${n}.default.svc.cluster.local/v${version}`
  const delivery = { ...deliveryTo(url), uid: name, name, channel: queues, replyLog: uid }
  return { routes: [route], deliveries: [delivery] }
}

function everything(): Rows {
  const brokers = Array.from({ length: BROKERS }, (_, n) => {
    const { uid, queues } = logOf(n)
    const name = `broker-${n}`
    const log = { ...LOG, uid, name, channel: `log-${uid}`, queues }
    return { log, ingress: { uid, hash: '', namespace: 'default', name, path: `/default/${name}`, log: uid } }
  })
  const triggers = Array.from({ length: TRIGGERS }, (_, n) => trigger(n, 0))
  return {
    logs: brokers.map(({ log }) => log),
    ingresses: brokers.map(({ ingress }) => ingress),
    routes: triggers.flatMap(({ routes }) => routes),
    deliveries: triggers.flatMap(({ deliveries }) => deliveries),
    sources: [],
  }
}

/** Each from the call to the acknowledgement of every reader: kept here, kept there, in force, and told. */
async function changes(count: number): Promise<{ changesMs: number[]; changeCpuUs: number }> {
  const changesMs: number[] = []
  const before = process.cpuUsage()
  for (let n = 0; n < count; n += 1) {
    const startedAt = performance.now()
    const revision = await service.contract.change({ put: trigger((n * 37) % TRIGGERS, n + 1), removed: {} })
    await service.contract.whenAcknowledged(revision)
    changesMs.push(performance.now() - startedAt)
  }
  const { user, system } = process.cpuUsage(before)
  return { changesMs, changeCpuUs: (user + system) / count }
}

process.on('message', async ({ count }: { count?: number }) => {
  if (count === undefined) {
    await service.contract.whenAcknowledged(store.contract().revision)
    process.send?.({})
    return
  }
  const measured = await changes(count)
  process.send?.({ ...measured, rssMb: process.memoryUsage().rss / 1e6 })
})

const telemetry = createTelemetry({ service: 'bench', logLevel: 'warn' })
const clock = systemClock
const store = await createContractStore({ clock, telemetry, copy: contractCopy(join(dataDir, 'contract.json')) })
if (store.contract().logs.length === 0) await store.publish(everything())
store.watch('controller', () => {})
const events = serverEvents(telemetry)
const service = createContractService({ store, clock, events, telemetry, expected: EXPECTED, settleMs: 0 })
const { url } = await serveContract({ service, host: '127.0.0.1', port: Number(port), clock, events })
process.send?.({ port: Number(new URL(url).port) })
