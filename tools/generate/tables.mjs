// Tables made from code: what the environment may hold, what each driver can do.
import { join } from 'node:path'

/** Every variable of every app; one that differs between them has a row for each. */
export async function environmentTable(root) {
  const { describeConfig } = await import(join(root, 'libs/config/src/index.ts'))
  const { platformConfig } = await import(join(root, 'libs/service/src/index.ts'))
  const rows = new Map()
  for (const app of [...APPS, ...TASKS]) {
    const { config } = await import(join(root, `apps/${app}/src/config.ts`))
    const shape = TASKS.includes(app) ? config : { ...platformConfig, ...config }
    for (const { name, default: fallback, meaning } of describeConfig(shape)) {
      const shown = name === 'SLUICE_REPLICA' ? 'name of the machine' : fallback.replace(`${root}/`, '')
      const key = JSON.stringify([name, shown, meaning])
      rows.set(key, [...(rows.get(key) ?? []), app])
    }
  }
  const read = [...rows].map(([key, apps]) => [...JSON.parse(key), apps])
  const order = [...new Set(read.map(([name]) => name))]
  read.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
  return table(
    ['variable', 'default', 'meaning', 'read by'],
    read.map(([name, fallback, meaning, apps]) => [
      `\`${name}\``,
      fallback,
      meaning,
      apps.length === APPS.length ? 'all' : apps.join(', '),
    ]),
  )
}

/** Every variable of one app. */
export async function appEnvironmentTable(root, app) {
  const { describeConfig } = await import(join(root, 'libs/config/src/index.ts'))
  const { platformConfig } = await import(join(root, 'libs/service/src/index.ts'))
  const { config } = await import(join(root, `apps/${app}/src/config.ts`))
  const rows = describeConfig({ ...platformConfig, ...config }).map(({ name, default: fallback, meaning }) => [
    `\`${name}\``,
    name === 'SLUICE_REPLICA' ? 'name of the machine' : fallback.replace(`${root}/`, ''),
    meaning,
  ])
  return table(['variable', 'default', 'meaning'], rows)
}

/** Those with variables of their own besides a port. */
const APPS = [
  'standalone',
  'controller',
  'ingress',
  'filter',
  'dispatcher',
  'filter-dispatcher',
  'source-cron',
  'source-github',
  'source-apiserver',
  'source-kafka',
]

/** Those that end by themselves, and so have no probes, metrics or log. */
const TASKS = ['setup']

export async function driverTable(root) {
  const { openEmbeddedDriver } = await import(join(root, 'libs/channels/embedded/src/index.ts'))
  const { systemClock } = await import(join(root, 'libs/clock/src/index.ts'))
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const { openNatsDriver } = await import(join(root, 'libs/channels/nats/src/index.ts'))
  const telemetry = { log: silent, counter: () => ({ add() {}, bind: () => ({ add() {} }) }) }
  await using embedded = await openEmbeddedDriver({ dataDir: ':memory:', clock: systemClock, log: silent })
  // What it declares needs no server: nothing listens there.
  await using nats = await openNatsDriver({ url: 'nats://127.0.0.1:1', clock: systemClock, telemetry })
  const { openKafkaChannel } = await import(join(root, 'libs/channels/kafka/src/index.ts'))
  await using kafka = await openKafkaChannel({ brokers: '127.0.0.1:1', clock: systemClock, telemetry })
  return table(
    [
      'driver',
      'accepted events survive',
      'a repeated key is known for',
      'largest event',
      'several processes',
      'replay by time',
    ],
    [driverRow(embedded), driverRow(nats, NATS_NOTES), driverRow(kafka, KAFKA_NOTES)],
  )
}

function driverRow({ name, capabilities }, { durable: more = '', largest = '' } = {}) {
  const { durable, dedupWindowMs, maxEventBytes, shared, readFromTime } = capabilities
  return [
    name,
    `${typeof durable === 'string' ? DURABLE[durable] : `the loss of ${durable.replicas - 1} machines`}${more}`,
    `${dedupWindowMs / 60_000} min`,
    largest || `${maxEventBytes / 2 ** 20} MiB`,
    shared ? 'yes' : 'no',
    readFromTime ? 'yes' : 'no',
  ]
}

/** What the server's configuration decides. */
const NATS_NOTES = {
  durable: '; power loss with `sync_interval: always`; lost machines with replicas',
  largest: "the server's `max_payload` (1 MiB) less 16 KiB",
}

const KAFKA_NOTES = { durable: '; power loss where brokers flush each batch; lost machines with replicas' }

const DURABLE = { process: 'kill -9 (`process`)', disk: 'power loss (`disk`: fsync before the 202)' }

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}
