// A channel with its services apart: an ingress, two dispatchers, a NATS server, a contract in a file; no filter, no controller.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { posting, provisionNats, type Service, ServicesApart, startNats, startSink } from '@sluice/testkit'
import { ingressOf, logOfKind, rowsOf, subscriptionOf } from './data-plane.ts'
import { postUntilAccepted } from './post-until-accepted.ts'

const EVENTS = 400

const provisioned = await provisionNats()
process.stdout.write(`${provisioned.report}\n`)
const server = await startNats(provisioned)
afterAll(async () => server?.[Symbol.asyncDispose]())
const onNats = server === undefined ? test.skip : test

onNats(
  `every Subscription of a channel gets every event, although a dispatcher is killed (${provisioned.report})`,
  async () => {
    await using stack = new AsyncDisposableStack()
    const folder = mkdtempSync(join(tmpdir(), 'sluice-channels-'))
    stack.defer(() => rmSync(folder, { recursive: true, force: true }))
    const [a, b] = [
      stack.use(await startSink()),
      stack.use(await startSink({ respond: (_, n) => (n % 7 ? 204 : 503) })),
    ]
    const log = logOfKind('channel', 'orders', { lanes: 8 })
    const spec = { retry: 5 }
    const rows = rowsOf([subscriptionOf(log, 'a', a.url, { spec }), subscriptionOf(log, 'b', b.url, { spec })])
    const contract = join(folder, 'contract.json')
    writeFileSync(contract, JSON.stringify({ logs: [log], ingresses: [ingressOf(log)], ...rows }))

    const env = { CHANNEL_DRIVER: 'nats', NATS_URL: server?.url ?? '', NATS_PREFIX: 'channels', NATS_LEASE_MS: '1000' }
    const services = stack.use(new ServicesApart({ env, manifests: {}, folder }))
    const ingress = await services.service('ingress', 'i1', contract)
    const dispatchers: Service[] = []
    for (const name of ['d1', 'd2']) dispatchers.push(await services.service('dispatcher', name, contract))
    const url = ingress.url.replace(/\/$/, '')
    const ids = Array.from({ length: EVENTS }, (_, n) => `e${n}`)
    for (const [n, id] of ids.entries()) {
      await postUntilAccepted([url], posting(id), ingressOf(log).path)
      if (n === EVENTS / 2) await dispatchers[0]?.kill('SIGKILL')
    }
    for (const sink of [a, b]) {
      const seen = () => new Set(sink.requests.map(({ id }) => id))
      await sink.until('every event', () => sink.count >= EVENTS && ids.every((id) => seen().has(id)), 30_000)
    }
    expect(a.count).toBeLessThan(EVENTS * 1.5)
    expect((await dispatchers[1]?.readyz())?.body.ready).toBe(true)
  },
  60_000,
)
