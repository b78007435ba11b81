import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, expect, jest, test } from '@jest/globals'
import {
  provisionNats,
  type Service,
  ServicesApart,
  type SinkRequest,
  startNats,
  startSink,
  startTcpProxy,
  until,
} from '@sluice/testkit'
import { missingTicks, secondOf, ticking } from './ticks.ts'

// It starts several processes, and a lease has to run out
jest.setTimeout(90_000)

const provisioned = await provisionNats()
process.stdout.write(`${provisioned.report}\n`)
const server = await startNats(provisioned)
afterAll(async () => server?.[Symbol.asyncDispose]())
const onNats = server === undefined ? test.skip : test

const NAMES = ['a', 'b', 'c', 'd']

onNats(
  'two source-cron: no tick is lost with one killed, the ingress away and the sink refusing, and what comes twice is the same event',
  async () => {
    const taken: SinkRequest[] = []
    let isAway = false
    await using sink = await startSink({
      respond(request) {
        if (!isAway) taken.push(request)
        return isAway ? 503 : 204
      },
    })
    const of = (name: string) => taken.filter(({ headers }) => headers['ce-source']?.toString().endsWith(`/${name}`))
    const portOf = (url: string) => Number(new URL(url).port)
    const to = { host: '127.0.0.1', port: 1 }
    await using line = await startTcpProxy(to)
    await using apart = new ServicesApart({
      env: {
        INGRESS_URL: `http://127.0.0.1:${line.port}`,
        CHANNEL_DRIVER: 'nats',
        NATS_URL: server?.url ?? '',
        NATS_PREFIX: `ticks-${process.pid}`,
      },
      manifests: Object.fromEntries(NAMES.map((name) => [`${name}.yaml`, ticking(name, sink.url)])),
      readyMs: 30_000,
    })
    const controller = await apart.controller()
    const [ingress, , killed, other] = await Promise.all([
      apart.service('ingress', 'ingress', controller.url),
      apart.service('filter-dispatcher', 'fd', controller.url),
      apart.service('source-cron', 'one', controller.url),
      apart.service('source-cron', 'two', controller.url),
    ])
    to.port = portOf(ingress.url)
    await apart.allReady(controller)
    await until('two ticks of each', async () => NAMES.every((name) => of(name).length >= 2))
    expect((await other.readyz()).status).toBe(200)

    isAway = true
    await Promise.all([killed.kill('SIGKILL'), ingress.kill('SIGKILL')])
    const killedAt = Date.now() / 1_000
    to.port = portOf((await apart.service('ingress', 'ingress', controller.url)).url)
    isAway = false
    const isPast = (name: string) => of(name).some((each) => secondOf(each) > killedAt + 12)
    await until('ticks of after the lease', async () => NAMES.every(isPast), 40_000)
    await until('every tick', async () => NAMES.every((name) => missingTicks(of(name)).length === 0), 20_000)
    const byId = Map.groupBy(taken, ({ id }) => id)
    for (const same of byId.values())
      expect(
        new Set(same.map(({ headers, body }) => `${headers['ce-source']} ${headers['ce-time']} ${body}`)).size,
      ).toBe(1)

    await controller.kill('SIGKILL')
    const awayAt = Date.now() / 1_000
    const goesOn = (name: string) => of(name).some((each) => secondOf(each) > awayAt + 2)
    await until('ticks without a controller', async () => NAMES.every(goesOn))
    expect((await other.readyz()).body.warnings?.map(({ name }) => name)).toEqual(['contract'])
    await other.kill('SIGTERM')
    expect(await other.running.exit).toEqual({ code: 0, signal: null })
  },
)

const OBJECTS = `
apiVersion: sources.knative.dev/v1
kind: ApiServerSource
metadata: { name: objects, namespace: shop }
spec:
  resources: [{ apiVersion: v1, kind: Namespace }]
  filters: [{ suffix: { type: .add } }]
  sink: { uri: http://127.0.0.1:9/ }
`

onNats(
  'two source-apiserver beside a controller whose API they read: one tells, and the other goes on where it left',
  async () => {
    await using ingress = await startSink({ respond: () => 202 })
    const told = () => ingress.requests.map(({ headers }) => headers['ce-name'])
    await using apart = new ServicesApart({
      env: {
        ...{ INGRESS_URL: ingress.url.replace(/\/$/, ''), CHANNEL_DRIVER: 'nats' },
        ...{ NATS_URL: server?.url ?? '', NATS_PREFIX: `objects-${process.pid}` },
      },
      manifests: { 'objects.yaml': OBJECTS },
      readyMs: 30_000,
    })
    const controller = await apart.controller()
    const replicas = await Promise.all(
      ['one', 'two'].map((name) => apart.service('source-apiserver', name, controller.url)),
    )
    const make = (name: string) =>
      apart.write(`${name}.yaml`, `{ apiVersion: v1, kind: Namespace, metadata: { name: ${name} } }`)
    // What is there before it begins is not told
    let made = 0
    for (; told().length === 0; await wait(300)) make(`a-${made++}`)
    const [holder, other] = replicas as [Service, Service]
    await holder.kill('SIGTERM')
    make('b')
    await until('b', async () => told().includes('b'))
    await apart.service('source-apiserver', 'one', controller.url)
    await other.kill('SIGTERM')
    make('c')
    await until('c', async () => told().includes('c'))
    expect(told().slice(-3)).toEqual([`a-${made - 1}`, 'b', 'c'])
  },
)
