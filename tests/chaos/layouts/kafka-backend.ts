import { openKafkaChannel } from '@sluice/channel-kafka'
import { systemClock } from '@sluice/clock'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { type KafkaCluster, type KafkaServer, type Provision, startKafka, startKafkaCluster } from '@sluice/testkit'
import { type Backend, LEASE_MS } from './backend.ts'

let runs = 0

export async function kafkaBackend(provision: Provision): Promise<Backend> {
  const kafka = (await startKafka(provision)) as KafkaServer
  return backendOf('apart-kafka', { ...kafka, servers: [kafka], replicas: 1 })
}

/** Three brokers, of which one at a time is hit: two copies are written before anything is accepted. */
export async function kafkaClusterBackend(provision: Provision): Promise<Backend> {
  const cluster = (await startKafkaCluster(provision)) as KafkaCluster
  return backendOf('apart-kafka-three', { ...cluster, replicas: cluster.servers.length })
}

interface Kafka extends AsyncDisposable {
  readonly brokers: string
  readonly servers: readonly KafkaServer[]
  readonly replicas: number
}

function backendOf(name: string, { brokers, servers, replicas, ...kafka }: Kafka): Backend {
  const prefix = `chaos-${process.pid}-${Date.now()}-${runs++}`
  return {
    name,
    env: {
      ...{ CHANNEL_DRIVER: 'kafka', KAFKA_BROKERS: brokers, KAFKA_REPLICAS: String(replicas) },
      ...{ KAFKA_PREFIX: prefix, KAFKA_LEASE_MS: String(LEASE_MS) },
    },
    servers: servers.filter(({ isOurs }) => isOurs).map((server, n) => partOf(server, `kafka-${n + 1}`)),
    open: () =>
      openKafkaChannel({
        ...{ brokers, prefix, replicas, leaseMs: LEASE_MS },
        ...{ clock: systemClock, telemetry: createTestTelemetry() },
      }),
    [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose](),
  }
}

function partOf(server: KafkaServer, name: string): Backend['servers'][number] {
  return {
    name,
    kill: server.kill,
    start: server.start,
    async startDoomed() {
      await server.start()
      await server.kill('SIGKILL')
    },
    signal: (signal: 'SIGSTOP' | 'SIGCONT') => (signal === 'SIGSTOP' ? void server.pause() : server.resume()),
  }
}
