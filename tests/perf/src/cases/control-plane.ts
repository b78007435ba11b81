import { join } from 'node:path'
import { contractCopy } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import type { Bench, Case } from '../bench.ts'
import { percentiles } from '../load/latencies.ts'
import { counterSum, GROUP, resourceWriter, watchReady } from '../load/resources.ts'
import { rssMb } from '../load/usage.ts'

const BROKERS = 1_000
const TRIGGERS = 10_000
const CHANGES = 200
const CONNECTIONS = 16
const SAMPLE_MS = 100
const MAX_MS = 300_000
const IN_DEFAULT = `${GROUP}/namespaces/default`
const API = { apiVersion: 'eventing.knative.dev/v1' }

const broker = (n: number) => applied({ ...API, kind: 'Broker', metadata: { name: `b${n}` }, spec: {} })
const trigger = (n: number) =>
  applied({
    ...{ ...API, kind: 'Trigger', metadata: { name: `t${n}` } },
    spec: {
      broker: `b${n % BROKERS}`,
      filter: { attributes: { type: `type.${n % 50}` } },
      subscriber: { uri: `http://127.0.0.1:9/${n}` },
    },
  })

/** As kubectl's apply makes it. */
function applied<T extends { readonly metadata: object }>(object: T): T {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(object) }
  return { ...object, metadata: { ...object.metadata, annotations } }
}

/** Every object over HTTP into the whole product, then one after another changed, then the process killed. */
export const controlPlane: Case = {
  name: 'control-plane',
  about: '1,000 brokers and 10,000 triggers by 16 connections, until Ready; 200 changed; killed and restarted',
  against: [],
  async run(bench: Bench) {
    const dataDir = bench.dataDir()
    /** Of the copy on disk, which no process may have. */
    const revision = async () =>
      (await contractCopy(join(dataDir, 'data', 'contract.json')).load()).value?.revision ?? 0
    const first = await bench.standalone({}, { dataDir })
    const figures = await fill(first)
    const before = await revision()
    const restart = await startAgain(() => bench.standalone({}, { dataDir, ingressPort: new URL(first.url).port }))
    return { 'control-plane': { ...figures, ...restart, restartRevisions: (await revision()) - before } }
  },
}

async function startAgain(begin: () => ReturnType<Bench['standalone']>) {
  const startedAt = performance.now()
  await using again = await begin()
  const restartS = (performance.now() - startedAt) / 1e3
  const restartStatusWrites = await counterSum(again.metricsUrl, 'reconcile_status_writes_total')
  return { restartS, restartMb: rssMb(again.pid), restartStatusWrites }
}

/** Ends the process, by SIGKILL. */
async function fill(standalone: Awaited<ReturnType<Bench['standalone']>>) {
  await using stack = new AsyncDisposableStack()
  const { pid, controlUrl, metricsUrl } = stack.use(standalone)
  let peakMb = 0
  const sampler = setInterval(() => {
    peakMb = Math.max(peakMb, rssMb(pid))
  }, SAMPLE_MS)
  stack.defer(() => clearInterval(sampler))
  const brokers = stack.use(await watchReady(controlUrl, 'brokers'))
  const triggers = stack.use(await watchReady(controlUrl, 'triggers'))
  const { write, many } = stack.use(resourceWriter(controlUrl, CONNECTIONS))

  const brokersS = await many(BROKERS, (n) => write('POST', `${IN_DEFAULT}/brokers`, broker(n)))
  const triggersS = await many(TRIGGERS, (n) => write('POST', `${IN_DEFAULT}/triggers`, trigger(n)))
  const createdAt = performance.now()
  await within(Promise.all([brokers.ready(BROKERS), triggers.ready(TRIGGERS)]))
  const readyAfterS = (performance.now() - createdAt) / 1e3
  const writes = await counterSum(metricsUrl, 'reconcile_status_writes_total')

  const changesMs: number[] = []
  for (let n = 0; n < CHANGES; n += 1) {
    const name = `t${n * (TRIGGERS / CHANGES)}`
    const changedAt = performance.now()
    const spec = { subscriber: { uri: `http://127.0.0.1:9/changed/${n}` } }
    const { metadata } = await write('PATCH', `${IN_DEFAULT}/triggers/${name}`, { spec })
    await within(triggers.readyAt(name, metadata.generation))
    changesMs.push(performance.now() - changedAt)
  }
  const { p50, p99 } = percentiles(changesMs)
  const after = await counterSum(metricsUrl, 'reconcile_status_writes_total')
  return {
    createdS: brokersS + triggersS,
    readyAfterS,
    peakMb,
    endMb: rssMb(pid),
    statusWritesPerObject: writes / (BROKERS + TRIGGERS),
    changeP50: p50,
    changeP99: p99,
    statusWritesPerChange: (after - writes) / CHANGES,
  }
}

async function within<T>(pending: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new EventingError({ code: 'INTERNAL' }, 'not Ready in time')), MAX_MS)
  })
  return Promise.race([pending, late]).finally(() => clearTimeout(timer))
}
