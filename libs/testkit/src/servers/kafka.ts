import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.ts'
import { freePorts } from './free-ports.ts'
import { findJava, kafkaJars, STORE } from './kafka-jars.ts'
import { type Program, startProgram } from './program.ts'
import { type Provision, provision, type Way } from './provision.ts'
import { stopped } from './stopped.ts'
import { newStoreFolder } from './store-folder.ts'

const IMAGE = 'confluentinc/cp-kafka:7.9.1'
const IMAGE_PORT = 9093
const CONTAINER_MS = 2 * 60_000
/** A JVM on a machine that is busy otherwise. */
const READY_MS = 60_000
/** It says a lot, and is only asked whether it has started. */
const LOG = ['defaultLogLevel=warn', 'log.kafka.server.KafkaRaftServer=info']
const JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xms128m', '-Xmx512m']

export interface KafkaServer extends AsyncDisposable {
  /** `host:port`, separated by commas. */
  readonly brokers: string
  readonly host: string
  readonly port: number
  /** False for a server that others use: what needs a restart is skipped. */
  readonly isOurs: boolean
  kill(signal: NodeJS.Signals): Promise<void>
  /** It is there and does not answer, from when this resolves until `resume`. */
  pause(): Promise<void>
  resume(): void
  /** After `kill`, on the same port with what it had stored. */
  start(): Promise<void>
}

/** Which Kafka the tests of this machine can use; fetched once per machine where there is none. */
export function provisionKafka(env: NodeJS.ProcessEnv = process.env): Promise<Provision> {
  return provision('Kafka', [external(env), container(), kafkaJars(env)])
}

function external({ KAFKA_BROKERS = '' }: NodeJS.ProcessEnv): Way {
  return {
    advice: 'set KAFKA_BROKERS to the host:port of some',
    find: async () =>
      KAFKA_BROKERS === ''
        ? { found: undefined, note: 'it is not set' }
        : { found: { kind: 'running', url: KAFKA_BROKERS }, note: 'the one that KAFKA_BROKERS names' },
  }
}

function container(): Way {
  return {
    advice: `run a container engine that has or can pull the image ${IMAGE}`,
    async find() {
      const engine = await runCommand('docker', ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 5_000 })
      if (!engine.isDone) return { found: undefined, note: 'no engine answers' }
      return startContainer()
    },
  }
}

/** The package is big and rarely needed: loaded only when an engine answered. */
async function startContainer(): Promise<Awaited<ReturnType<Way['find']>>> {
  const { KafkaContainer } = await import('@testcontainers/kafka')
  const started = await new KafkaContainer(IMAGE).withKraft().withStartupTimeout(CONTAINER_MS).start()
  const url = `${started.getHost()}:${started.getMappedPort(IMAGE_PORT)}`
  return {
    found: { kind: 'running', url, stop: async () => void (await started.stop()) },
    note: `a container of ${IMAGE}`,
  }
}

/**
 * One KRaft node of its own on a free port, empty; `config` is more lines of its properties, `listeners` more of those, as
 * `NAME://host:port`. Undefined where none can be had.
 */
export async function startKafka(
  { found }: Provision,
  config = '',
  listeners: readonly string[] = [],
): Promise<KafkaServer | undefined> {
  if (found === undefined) return undefined
  if (found.kind === 'running') return shared(found.url, found.stop)
  const [port, controllerPort] = (await freePorts(2)) as [number, number]
  return startNode(found.path, {
    ...{ id: 1, port, controllerPort, voters: `1@127.0.0.1:${controllerPort}`, copies: 1, config, listeners },
  })
}

export interface KafkaNode {
  readonly id: number
  readonly port: number
  readonly controllerPort: number
  /** Every node that votes, as Kafka takes them. */
  readonly voters: string
  /** Of what the server keeps for itself. */
  readonly copies: number
  readonly config: string
  readonly listeners: readonly string[]
}

/** Of a cluster that may be of one; `program` is where the jars are. Resolves once it is started, which takes most of the voters. */
export async function startNode(program: string, node: KafkaNode): Promise<KafkaServer> {
  const { id, port } = node
  const folder = newStoreFolder()
  const store = join(folder, 'store')
  cpSync(join(program, STORE), store, { recursive: true })
  // Formatted as node 1; one without an id of its own for its folder gets one
  const meta = join(store, 'meta.properties')
  if (id !== 1) {
    const formatted = readFileSync(meta, 'utf8')
    writeFileSync(meta, formatted.replace('node.id=1', `node.id=${id}`).replace(/^directory\.id=.*\n/m, ''))
  }
  const file = join(folder, 'server.properties')
  writeFileSync(file, propertiesOf(node, store))
  const java = findJava() ?? 'java'
  const args = [
    ...JVM,
    ...LOG.map((each) => `-Dorg.slf4j.simpleLogger.${each}`),
    '-cp',
    join(program, 'jars', '*'),
    'kafka.Kafka',
    file,
  ]
  const launch = () => startProgram(java, args, /Kafka Server started/, READY_MS)
  let running: Program = await launch()
  return {
    brokers: `127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    isOurs: true,
    kill: (signal) => running.kill(signal),
    async pause() {
      process.kill(running.pid, 'SIGSTOP')
      await stopped(running.pid)
    },
    resume: () => void process.kill(running.pid, 'SIGCONT'),
    async start() {
      running = await launch()
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function nothing(): Promise<void> {}

function shared(brokers: string, stop: () => Promise<void> = nothing): KafkaServer {
  const [first = ''] = brokers.split(',')
  const { hostname: host, port } = new URL(`kafka://${first}`)
  const same = {
    brokers,
    host,
    port: Number(port || 9092),
    isOurs: false,
    pause: nothing,
    resume() {},
    kill: nothing,
    start: nothing,
  }
  return { ...same, [Symbol.asyncDispose]: stop }
}

/**
 * Broker and controller in one; what the server keeps for itself needs no copies and few partitions. One that was killed
 * takes up its work only once its session before has ended, 9 s unless told. Files of topics that are removed go soon, as
 * hundreds of them are.
 */
function propertiesOf(
  { id, port, controllerPort, voters, copies, config, listeners }: KafkaNode,
  store: string,
): string {
  const others = listeners.map((each) => `,${each}`).join('')
  return `process.roles=broker,controller
node.id=${id}
controller.quorum.voters=${voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${others}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}${others}
log.dirs=${store}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=${copies}
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor=${copies}
transaction.state.log.min.isr=${Math.min(2, copies)}
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.segment.delete.delay.ms=1000
${config}
`
}
