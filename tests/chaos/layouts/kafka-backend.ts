import { openKafkaChannel } from '@sluice/channel-kafka'
import { systemClock } from '@sluice/clock'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { type KafkaServer, type Provision, startKafka } from '@sluice/testkit'
import { type Backend, LEASE_MS } from './backend.ts'

let runs = 0

export async function kafkaBackend(provision: Provision): Promise<Backend> {
  const kafka = (await startKafka(provision)) as KafkaServer
  const prefix = `chaos-${process.pid}-${Date.now()}-${runs++}`
  const server = {
    name: 'kafka',
    kill: kafka.kill,
    start: kafka.start,
    async startDoomed() {
      await kafka.start()
      await kafka.kill('SIGKILL')
    },
    signal: (signal: 'SIGSTOP' | 'SIGCONT') => (signal === 'SIGSTOP' ? void kafka.pause() : kafka.resume()),
  }
  return {
    name: 'apart-kafka',
    env: {
      ...{ CHANNEL_DRIVER: 'kafka', KAFKA_BROKERS: kafka.brokers },
      ...{ KAFKA_PREFIX: prefix, KAFKA_LEASE_MS: String(LEASE_MS) },
    },
    server: kafka.isOurs ? server : undefined,
    open: () =>
      openKafkaChannel({
        ...{ brokers: kafka.brokers, prefix, leaseMs: LEASE_MS },
        ...{ clock: systemClock, telemetry: createTestTelemetry() },
      }),
    [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose](),
  }
}
