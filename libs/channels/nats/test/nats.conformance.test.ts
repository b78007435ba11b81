import { afterAll, describe, test } from '@jest/globals'
import type { ChannelDriver } from '@sluice/channel'
import { channelConformance } from '@sluice/channel/conformance'
import { provisionNats, ShiftedClock, startNats, startTcpProxy, type TcpProxy } from '@sluice/testkit'
import { openNatsDriver } from '../src/index.ts'
import { silentTelemetry } from './silent.ts'

const LEASE_MS = 1_000

const provisioned = await provisionNats()
process.stdout.write(`${provisioned.report}\n`)
const server = await startNats(provisioned)

if (server === undefined) {
  describe('channel nats', () => test.skip(`passes the whole suite (${provisioned.report})`, () => undefined))
} else {
  afterAll(async () => server[Symbol.asyncDispose]())
  let clock = new ShiftedClock()
  const ways = new Map<ChannelDriver, TcpProxy>()
  const proxies: TcpProxy[] = []

  channelConformance('nats', {
    async open() {
      const proxy = await startTcpProxy(server)
      proxies.push(proxy)
      const url = `nats://127.0.0.1:${proxy.port}`
      const driver = await openNatsDriver({ url, clock, telemetry: silentTelemetry, leaseMs: LEASE_MS })
      ways.set(driver, proxy)
      return driver
    },
    fresh: async () => {
      clock = new ShiftedClock()
    },
    persists: true,
    // A server that restarts under load takes its time on a machine that is busy otherwise
    patienceMs: 20_000,
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
