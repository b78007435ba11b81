import { openNatsDriver } from '@sluice/channel-nats'
import { systemClock } from '@sluice/clock'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { type NatsServer, type Provision, startNats } from '@sluice/testkit'
import { type Backend, LEASE_MS } from './backend.ts'

let runs = 0

export async function natsBackend(provision: Provision): Promise<Backend> {
  const nats = (await startNats(provision)) as NatsServer
  // One before 2.10 that goes down may bring back more than its last moments: it is left alone
  const isOld = /\(v2\.9\./.test(provision.report)
  const prefix = `chaos-${process.pid}-${Date.now()}-${runs++}`
  const server = {
    name: 'nats-server',
    kill: nats.kill,
    start: nats.start,
    async startDoomed() {
      await nats.start()
      await nats.kill('SIGKILL')
    },
    signal: (signal: 'SIGSTOP' | 'SIGCONT') => nats.send(signal),
  }
  return {
    name: 'apart',
    env: { CHANNEL_DRIVER: 'nats', NATS_URL: nats.url, NATS_PREFIX: prefix, NATS_LEASE_MS: String(LEASE_MS) },
    servers: nats.isOurs && !isOld ? [server] : [],
    open: () =>
      openNatsDriver({
        ...{ url: nats.url, prefix, leaseMs: LEASE_MS },
        ...{ clock: systemClock, telemetry: createTestTelemetry() },
      }),
    [Symbol.asyncDispose]: () => nats[Symbol.asyncDispose](),
  }
}
