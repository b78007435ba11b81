import { afterAll, describe, test } from '@jest/globals'
import type { ChannelDriver } from '@sluice/channel'
import { channelConformance } from '@sluice/channel/conformance'
import { provisionKafka, ShiftedClock, startKafka, startTcpProxy, type TcpProxy } from '@sluice/testkit'
import { CLIENTS, DEFAULT_CLIENT, openKafkaChannel } from '../src/index.ts'
import { silentTelemetry } from './silent.ts'

const LEASE_MS = 1_000
/** Cases move their clock by years; one broker's is left behind. */
const CONFIG = `log.message.timestamp.after.max.ms=9223372036854775807
# One that was killed comes back once its session has ended
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200`

/** Of four whose broker is killed and started, a JVM each time, the two whose like runs for a queue, or over the other backends. */
const ON_DEMAND = [
  'of a log whose server restarts at a third',
  'in which nothing comes back that was tried several times',
]

/** Every case begins so. */
const ALL = ['']

const provisioned = await provisionKafka()
process.stdout.write(`${provisioned.report}\n`)
const server = await startKafka(provisioned, CONFIG)

if (server === undefined) {
  describe('channel kafka', () => test.skip(`passes the whole suite (${provisioned.report})`, () => undefined))
} else {
  afterAll(async () => server[Symbol.asyncDispose]())
  for (const client of CLIENTS) {
    const isDefault = client === DEFAULT_CLIENT
    let clock = new ShiftedClock()
    const ways = new Map<ChannelDriver, TcpProxy>()
    const proxies: TcpProxy[] = []

    channelConformance(isDefault ? 'kafka' : `kafka by ${client}`, {
      async open() {
        const proxy = await startTcpProxy(server)
        proxies.push(proxy)
        const driver = await openKafkaChannel({
          ...{ brokers: server.brokers, clock, telemetry: silentTelemetry, leaseMs: LEASE_MS, client },
          // The cluster tells where it is, and there the proxy is not
          reach: () => ({ host: '127.0.0.1', port: proxy.port }),
        })
        ways.set(driver, proxy)
        return driver
      },
      fresh: async () => {
        clock = new ShiftedClock()
      },
      persists: true,
      patienceMs: 50_000,
      // A server that restarts under load takes its time, and there are four of each kind
      manyEvents: 2_000,
      onDemand: isDefault ? ON_DEMAND : ALL,
      // For the server a process that is killed is a connection that breaks.
      crash: async (driver) => ways.get(driver)?.cut(),
      async cut(driver) {
        ways.get(driver)?.cut()
        return async () => ways.get(driver)?.mend()
      },
      ...(server.isOurs
        ? {
            async restartServer() {
              await server.kill('SIGKILL')
              await server.start()
            },
          }
        : {}),
      elapse: (ms) => clock.shift(ms),
      now: () => clock.now(),
      async cleanUp() {
        ways.clear()
        for (const proxy of proxies.splice(0)) await proxy[Symbol.asyncDispose]()
      },
    })
  }
}
