import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, expect, jest, test } from '@jest/globals'
import {
  provisionKafka,
  provisionNats,
  type Service,
  ServicesApart,
  type SourceApp,
  startKafka,
  startNats,
  startSink,
  startTcpProxy,
  until,
} from '@sluice/testkit'
import { install } from './installation.ts'
import { Arrivals, createTopic, manifests, Traffic } from './source-outages/traffic.ts'
import { missingTicks, ticking } from './ticks.ts'

/** How long the sink is away. */
const AWAY_MS = Number(process.env.OUTAGE_MS ?? 60_000)
const BACK_MS = 100_000
const READY_MS = 60_000
const isAsked = process.env.SLUICE_TESTS === 'all'
jest.setTimeout(AWAY_MS + BACK_MS + 3 * READY_MS)

const name = 'processes are killed while nobody takes events, and each kind of source loses nothing'
if (!isAsked) test.skip(`${name} (needs SLUICE_TESTS=all)`, () => undefined)

const servers = isAsked
  ? { nats: await startNats(await provisionNats()), kafka: await startKafka(await provisionKafka()) }
  : undefined
const brokers = servers?.kafka?.brokers ?? ''
if (brokers !== '') await createTopic(brokers)
afterAll(async () => {
  await servers?.nats?.[Symbol.asyncDispose]()
  await servers?.kafka?.[Symbol.asyncDispose]()
})

if (isAsked)
  test(`${name}: npm start, killed every eight seconds`, async () => {
    const arrivals = new Arrivals()
    await using sink = await startSink(arrivals)
    await using sluice = await install({ manifests: manifests(sink.url, brokers), readyTimeoutMs: READY_MS })
    await using traffic = new Traffic()
    traffic.start({ receivers: () => [sluice.ingressUrl], write: sluice.write, brokers })
    await begun(traffic, arrivals)
    arrivals.isAway = true
    for (const end = performance.now() + AWAY_MS; performance.now() < end; ) {
      await wait(8_000)
      sluice.running.kill('SIGKILL')
      await sluice.running.exit
      await sluice.restart()
    }
    await traffic.stop()
    arrivals.isAway = false
    await allThere(traffic, arrivals)
    expect(await parkedOf(`http://127.0.0.1:${sluice.env.CONTROL_PORT}`)).toBe(0)
  })

if (isAsked)
  test('a source whose own log is full stops, says so in its status, and loses no tick once its sink is back', async () => {
    const arrivals = new Arrivals()
    arrivals.isAway = true
    await using sink = await startSink(arrivals)
    const yaml = ticking('tick', sink.url).replace('{"hello":"world"}', `{"hello":"${'x'.repeat(60_000)}"}`)
    // A quarter of it may wait: four ticks
    const env = { STORE_MAX_BYTES: '1Mi' }
    await using sluice = await install({ manifests: { 'tick.yaml': yaml }, env, readyTimeoutMs: READY_MS })
    const path = '/apis/sources.knative.dev/v1/namespaces/shop/pingsources/tick'
    const stored = async () => {
      const { text } = await sluice.get(`http://127.0.0.1:${sluice.env.CONTROL_PORT}${path}`)
      const { status } = JSON.parse(text) as { status?: { conditions?: readonly Record<string, string>[] } }
      return status?.conditions?.find(({ type }) => type === 'EventsStored')
    }
    await until('the source to say that it waits', async () => (await stored())?.status === 'False', READY_MS)
    expect(await stored()).toMatchObject({ message: expect.stringContaining('backlog') })
    await wait(5_000)
    arrivals.isAway = false
    const backAt = Date.now()
    const isPast = () => arrivals.taken.some(({ headers }) => Date.parse(String(headers['ce-time'])) > backAt)
    await until('ticks of now', async () => isPast() && missingTicks(arrivals.taken).length === 0, BACK_MS)
    expect((await stored())?.status).toBe('True')
  })

if (servers?.nats !== undefined)
  test.each(['sink', 'ingress'] as const)(
    `${name}: services apart, two of each source, killed in turn, the %s is away`,
    async (what) => {
      const arrivals = new Arrivals()
      await using sink = await startSink(arrivals)
      const to = { host: '127.0.0.1', port: 1 }
      await using line = await startTcpProxy(to)
      const place = { INGRESS_URL: `http://127.0.0.1:${line.port}` }
      const env = {
        ...place,
        CHANNEL_DRIVER: 'nats',
        NATS_URL: servers?.nats?.url ?? '',
        NATS_PREFIX: `outage-${process.pid}`,
      }
      await using apart = new ServicesApart({ env, manifests: manifests(sink.url, brokers), readyMs: READY_MS })
      let controller = await apart.controller()
      const [port, controlPort] = [controller.url, controller.controlUrl].map((url) => new URL(url).port)
      const apps = ['source-cron', 'source-github', 'source-apiserver', ...(brokers === '' ? [] : ['source-kafka'])]
      const all = new Map<string, Service>()
      const start = async (replica: string) => {
        const app = replica.replace(/\/.*/, '') as SourceApp
        const service = await apart.service(app, replica, controller.url)
        all.set(replica, service)
        if (replica === 'ingress') to.port = Number(new URL(service.url).port)
      }
      const away = (isAway: boolean) => {
        if (what === 'sink') arrivals.isAway = isAway
        else to.port = isAway ? 1 : Number(new URL(all.get('ingress')?.url ?? '').port)
      }
      const names = ['ingress', 'filter-dispatcher', ...apps.flatMap((each) => [`${each}/1`, `${each}/2`])]
      for (const each of names) await start(each)
      const killed = what === 'sink' ? names : names.filter((each) => each !== 'ingress')
      await apart.allReady(controller)
      await using traffic = new Traffic()
      const receivers = () => ['source-github/1', 'source-github/2'].map((each) => all.get(each)?.url ?? '')
      traffic.start({ receivers, write: (file, yaml) => apart.write(file, yaml), brokers })
      await begun(traffic, arrivals)
      away(true)
      const end = performance.now() + AWAY_MS
      for (let n = 0; performance.now() < end; n++) {
        const each = killed[n % killed.length] ?? ''
        await wait(3_000)
        await all.get(each)?.kill('SIGKILL')
        if (n % 4 === 3) {
          await controller.kill('SIGKILL')
          controller = await apart.controller(port, controlPort)
        }
        await start(each)
      }
      away(false)
      await traffic.stop()
      await allThere(traffic, arrivals)
      expect(await parkedOf(controller.controlUrl)).toBe(0)
    },
  )

async function begun(traffic: Traffic, arrivals: Arrivals): Promise<void> {
  const sources = ['/tick', '/hub', 'octocat', 'http', ...(brokers === '' ? [] : ['kafkasources'])]
  const silent = () => sources.filter((each) => arrivals.of(each).length === 0)
  await until(
    () => `events of ${silent()}; ${traffic.hooks.length} hooks`,
    async () => silent().length === 0,
    READY_MS,
  )
}

async function allThere(traffic: Traffic, arrivals: Arrivals): Promise<void> {
  const backAt = performance.now()
  const reached = Date.now() / 1_000
  const isPast = (source: string) =>
    arrivals.of(source).some(({ headers }) => Date.parse(String(headers['ce-time'])) / 1_000 > reached)
  await until(
    () => `all; missing: ${traffic.missing(arrivals)}`,
    async () => isPast('/tick') && isPast('/hub') && traffic.missing(arrivals) === '',
    BACK_MS,
  )
  process.stdout.write(
    `${traffic.hooks.length} webhooks, ${traffic.objects.length} objects, ${traffic.records} records, ${arrivals.taken.length} ` +
      `requests taken; all there after ${Math.round(performance.now() - backAt)} ms\n`,
  )
}

async function parkedOf(control: string): Promise<number> {
  const names = ['pingsource:tick', 'githubsource:hooks', 'apiserversource:objects', 'kafkasource:records', 'hub']
  const counts = names.map(async (each) => {
    const { parked = 0 } = (await (await fetch(`${control}/parked/shop/${each}`)).json()) as { parked?: number }
    return parked
  })
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}
