import { afterAll, describe, expect, jest, test } from '@jest/globals'
import {
  judge,
  posting,
  provisionNats,
  type Service,
  ServicesApart,
  startNats,
  startSink,
  startTcpProxy,
  until,
} from '@sluice/testkit'
import { request } from 'undici'
import { install } from './installation.ts'
import { broker, quickRetries, trigger } from './manifests.ts'
import { postUntilAccepted } from './post-until-accepted.ts'

// Each test starts several processes
jest.setTimeout(60_000)

const provisioned = await provisionNats()
process.stdout.write(`${provisioned.report}\n`)
const server = await startNats(provisioned)
afterAll(async () => server?.[Symbol.asyncDispose]())
const onNats = server === undefined ? test.skip : test

/** Of a replica that was killed, and a while for a busy machine. */
const LANES_MOVE_MS = 15_000

let installations = 0
/** Each has a part of the server of its own. */
const env = () => ({
  CHANNEL_DRIVER: 'nats',
  NATS_URL: server?.url ?? '',
  NATS_PREFIX: `apart-${process.pid}-${installations++}`,
  NATS_LEASE_MS: '1s',
})

const isReady = async ({ readyz }: Service) => (await readyz()).status === 200

interface ContractState {
  readonly revision: number
  readonly replicas: readonly { replica: string; acknowledged?: number }[]
}
async function contractOf({ controlUrl }: Service): Promise<ContractState> {
  return (await (await request(`${controlUrl}/contract`)).body.json()) as ContractState
}

interface Told {
  readonly records: readonly { what: string; outcome?: string }[]
  readonly unanswered?: readonly object[]
}
async function journalOf({ controlUrl }: Service, id: string): Promise<Told> {
  return (await (await request(`${controlUrl}/journal/default/default?id=${id}`)).body.json()) as Told
}

/** The job that a control port was asked for, once it has ended well. */
async function jobAt({ controlUrl }: { readonly controlUrl: string }, path: string, body: object): Promise<object> {
  const ask = async (url: string, options: object) => {
    const answer = await request(url, options)
    return { status: answer.statusCode, ...((await answer.body.json()) as { state: string; id: string }) }
  }
  let job = await ask(`${controlUrl}${path}`, { method: 'POST', body: JSON.stringify(body) })
  await until('the job to end', async () => {
    if (job.state === 'running') job = await ask(`${controlUrl}/jobs/default/${job.id}`, {})
    return job.state !== 'running'
  })
  expect([job.status, job.state, job]).toEqual([200, 'done', job])
  return job
}
const AN_HOUR_AGO = { time: new Date(Date.now() - 3_600_000).toISOString() }

describe('services apart, over NATS', () => {
  onNats(
    'two of each: every event arrives once, Ready is true once all have acknowledged, and one port tells, redrives and replays',
    async () => {
      await using sink = await startSink()
      const other = trigger('other', { uri: sink.url, attributes: { type: 'x' } })
      await using apart = new ServicesApart({
        env: env(),
        manifests: { 'all.yaml': broker() + trigger('one', { uri: sink.url }) + other },
      })
      const controller = await apart.controller()
      const start = (app: 'ingress' | 'filter' | 'dispatcher') =>
        Promise.all([1, 2].map((n) => apart.service(app, `${app}-${n}`, controller.url)))
      const [ingresses, filters, dispatchers] = await Promise.all([
        start('ingress'),
        start('filter'),
        start('dispatcher'),
      ])
      for (const each of [...ingresses, ...filters, ...dispatchers]) await until('readiness', () => isReady(each))
      const sent = Array.from({ length: 300 }, (_, n) => `e${n}`)
      const urls = ingresses.map(({ url }) => url)
      await Promise.all(sent.map((id, n) => postUntilAccepted([urls[n % 2] ?? ''], posting(id))))
      const received = () => sink.requests.map(({ id }) => id)
      await sink.until('everything', () => judge({ sent, received: received() }).missing.length === 0)
      expect(judge({ sent, received: received() })).toMatchObject({ missing: [], repeats: 0, surplus: [] })
      await apart.allReady(controller)
      const { replicas, revision } = await contractOf(controller)
      expect(replicas.map(({ replica, acknowledged }) => [replica, acknowledged]).toSorted()).toEqual(
        ['dispatcher', 'filter', 'ingress'].flatMap((app) => [1, 2].map((n) => [`${app}-${n}`, revision])),
      )

      const told = await journalOf(controller, 'e7')
      expect(told.records.map(({ what, outcome }) => outcome ?? what)).toEqual(['accepted', 'judged', 'delivered'])
      expect(told).toMatchObject({ unmatched: [{ name: 'other', reason: expect.stringContaining('asks for "x"') }] })
      expect(told.unanswered).toBeUndefined()

      await using strict = await startSink({ respond: (_, n) => (n <= 5 ? 422 : 204) })
      apart.write('strict.yaml', trigger('strict', { uri: strict.url, attributes: { type: 'paid' } }))
      await until('the new trigger', async () => {
        const { replicas, revision: now } = await contractOf(controller)
        return now > revision && replicas.every(({ acknowledged }) => acknowledged === now)
      })
      const paid = Array.from({ length: 5 }, (_, n) => posting(`paid-${n}`, { type: 'paid' }))
      const load = Array.from({ length: 200 }, (_, n) => posting(`load-${n}`))
      await Promise.all(paid.map((each) => postUntilAccepted(urls, each)))
      const parked = async () => {
        const answer = await request(`${controller.controlUrl}/parked/default/default?trigger=strict`)
        return ((await answer.body.json()) as { parked: number }).parked
      }
      await until('all to be parked', async () => (await parked()) === 5)
      const [loaded, redriven, replayed] = await Promise.all([
        Promise.all(load.map((each, n) => postUntilAccepted([urls[n % 2] ?? ''], each))),
        jobAt(controller, '/parked/default/default/redrive', { filters: [{ cesql: "type = 'paid'" }], rate: 1_000 }),
        jobAt(controller, '/replay/default/default/strict', { from: AN_HOUR_AGO, rate: 1_000, id: 'r1' }),
      ])
      expect([loaded.length, redriven, replayed]).toMatchObject([200, { done: 5 }, { matched: 5, done: 5 }])
      await strict.received(15)
      const again = strict.requests.slice(5).map(({ id, headers }) => `${id} ${headers['ce-sluicereplay'] ?? ''}`)
      expect(again.toSorted()).toEqual(paid.flatMap(({ id }) => [`${id} `, `${id} r1`]).toSorted())
      expect(await parked()).toBe(0)
      const expected = [...sent, ...paid.map(({ id }) => id), ...load.map(({ id }) => id)]
      await sink.until('the load', () => judge({ sent: expected, received: received() }).missing.length === 0)
      expect(judge({ sent: expected, received: received() })).toMatchObject({ missing: [], repeats: 0, surplus: [] })

      ingresses[0]?.running.kill('SIGSTOP')
      expect((await journalOf(controller, 'e7')).unanswered).toEqual([
        { replica: 'ingress-1', roles: ['ingress'], reason: 'no answer within 2000 ms' },
      ])
    },
  )

  onNats('the controller explains events, whether or not a filter runs', async () => {
    const manifests = broker() + trigger('one', { uri: 'http://127.0.0.1:1/', attributes: { type: 'x' } })
    await using apart = new ServicesApart({ env: env(), manifests: { 'all.yaml': manifests } })
    const { controlUrl } = await apart.controller()
    const { headers } = posting('1')
    const answer = await request(`${controlUrl}/explain/default/default`, { method: 'POST', headers })
    expect(await answer.body.json()).toMatchObject({
      triggers: [{ name: 'one', matches: false, reason: expect.stringContaining('asks for "x"') }],
    })
  })

  onNats('DLV-17 a filter that is cut off from newer triggers waits with their events, and drops none', async () => {
    await using sink = await startSink()
    const old = trigger('old', { uri: `${sink.url}/old` })
    await using apart = new ServicesApart({ env: env(), manifests: { 'all.yaml': broker() + old } })
    const controller = await apart.controller()
    const line = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(controller.url).port) })
    await using _line = line
    const [ingress, filter, dispatcher] = await Promise.all([
      apart.service('ingress', 'ingress', controller.url),
      apart.service('filter', 'filter', `http://127.0.0.1:${line.port}`),
      apart.service('dispatcher', 'dispatcher', controller.url),
    ])
    for (const each of [ingress, filter, dispatcher]) await until('readiness', () => isReady(each))
    await postUntilAccepted([ingress.url], posting('before'))
    await sink.received(1)

    line.cut()
    const { revision } = await contractOf(controller)
    apart.write('new.yaml', trigger('new', { uri: `${sink.url}/new` }))
    await until('the others to follow', async () => {
      const { replicas } = await contractOf(controller)
      return replicas.every(({ replica, acknowledged = 0 }) => replica === 'filter' || acknowledged > revision)
    })
    await postUntilAccepted([ingress.url], posting('after'))
    await until('the filter to say that it waits', async () => /waits/.test(filter.running.stderr()))
    expect(sink.requests.map(({ id }) => id)).toEqual(['before'])
    const { status, body } = await filter.readyz()
    expect([status, body.warnings]).toEqual([200, [expect.objectContaining({ name: 'contract' })]])

    line.mend()
    await sink.find('the event at the new trigger', ({ path, id }) => path === '/new' && id === 'after')
    await sink.find('the event at the old trigger', ({ path, id }) => path === '/old' && id === 'after')
    expect(sink.requests).toHaveLength(3)
  })

  onNats('services start and run while the controller is down, and follow it again when it is back', async () => {
    await using sink = await startSink()
    await using apart = new ServicesApart({
      env: env(),
      manifests: { 'all.yaml': broker() + trigger('one', { uri: `${sink.url}/one` }) },
    })
    const controller = await apart.controller()
    const start = (app: 'ingress' | 'filter' | 'dispatcher') => apart.service(app, app, controller.url)
    const first = await Promise.all([start('ingress'), start('filter'), start('dispatcher')])
    for (const each of first) await until('readiness', () => isReady(each))
    await controller.kill('SIGKILL')
    for (const each of first) await each.kill('SIGKILL')

    const [ingress, filter, dispatcher] = await Promise.all([start('ingress'), start('filter'), start('dispatcher')])
    for (const each of [ingress, filter, dispatcher]) await until('readiness', () => isReady(each))
    await postUntilAccepted([ingress.url], posting('alone'))
    await sink.received(1, LANES_MOVE_MS)

    apart.write('two.yaml', trigger('two', { uri: `${sink.url}/two` }))
    await apart.controller(new URL(controller.url).port)
    for (const each of [ingress, filter, dispatcher])
      await until('the controller', async () => (await each.readyz()).body.warnings === undefined)
    await until('the new trigger', async () => {
      await postUntilAccepted([ingress.url], posting('together'))
      return sink.requests.some(({ path, id }) => path === '/two' && id === 'together')
    })
  })

  onNats('replicas are killed, added and taken away under load: nothing accepted is lost', async () => {
    await using sink = await startSink()
    const manifests = broker() + trigger('one', { uri: sink.url, delivery: quickRetries(100) })
    await using apart = new ServicesApart({ env: env(), manifests: { 'all.yaml': manifests } })
    const controller = await apart.controller()
    const ingress = await apart.service('ingress', 'ingress', controller.url)
    const replicas = new Map<string, Service>()
    const start = async (app: 'filter' | 'dispatcher', n: number) =>
      replicas.set(`${app}-${n}`, await apart.service(app, `${app}-${n}`, controller.url))
    await Promise.all([start('filter', 1), start('filter', 2), start('dispatcher', 1), start('dispatcher', 2)])
    const sent: string[] = []
    let isOver = false
    const load = (async () => {
      for (let n = 0; !isOver && n < 3_000; n += 20) {
        const ids = Array.from({ length: 20 }, (_, i) => `e${n + i}`)
        sent.push(...ids)
        await Promise.all(ids.map((id) => postUntilAccepted([ingress.url], posting(id))))
      }
    })()
    const received = () => sink.requests.map(({ id }) => id)
    await sink.received(100)
    for (const name of ['filter-1', 'dispatcher-1']) await replicas.get(name)?.kill('SIGKILL')
    await start('dispatcher', 3)
    await sink.received(300, LANES_MOVE_MS)
    await replicas.get('dispatcher-2')?.kill('SIGTERM')
    await start('filter', 1)
    await sink.received(600, LANES_MOVE_MS)
    isOver = true
    await load
    const missing = () => judge({ sent, received: received() }).missing
    await until('everything', async () => missing().length === 0, 40_000)
    expect(judge({ sent, received: received() })).toMatchObject({ missing: [], surplus: [] })
  })

  onNats(
    'filter and dispatcher in one process deliver and replay; a deleted broker leaves nothing behind',
    async () => {
      await using sink = await startSink()
      await using apart = new ServicesApart({
        env: env(),
        manifests: { 'all.yaml': broker() + trigger('one', { uri: sink.url }) },
      })
      const controller = await apart.controller()
      const [ingress, both] = await Promise.all([
        apart.service('ingress', 'ingress', controller.url),
        apart.service('filter-dispatcher', 'both', controller.url),
      ])
      for (const each of [ingress, both]) await until('readiness', () => isReady(each))
      const sent = Array.from({ length: 50 }, (_, n) => `e${n}`)
      await Promise.all(sent.map((id) => postUntilAccepted([ingress.url], posting(id))))
      await sink.received(50)
      const window = { from: AN_HOUR_AGO, rate: 1_000, id: 'once-more' }
      expect(await jobAt(both, '/replay/default/default/one', window)).toMatchObject({ done: 50 })
      await sink.received(100)
      const replayed = sink.requests.slice(50).map(({ id, headers }) => `${id} ${headers['ce-sluicereplay']}`)
      expect(replayed.toSorted()).toEqual(sent.map((id) => `${id} once-more`).toSorted())
      apart.write('all.yaml', broker('other'))
      await until(
        () => `the removal: ${controller.running.stderr()}`,
        async () => /its channels removed/.test(controller.running.stderr()),
        20_000,
      )
    },
  )

  onNats('every role in one process: what was accepted outlives kill -9, and is delivered after it', async () => {
    let isDown = true
    await using sink = await startSink({ respond: () => (isDown ? 503 : 204) })
    const manifests = { 'all.yaml': broker() + trigger('one', { uri: sink.url, delivery: quickRetries(1_000) }) }
    await using sluice = await install({ manifests, env: env() })
    expect((await sluice.post(posting('kept'))).status).toBe(202)
    await sink.received(2)
    sluice.running.kill('SIGKILL')
    await sluice.running.exit
    isDown = false
    const before = sink.requests.length
    await sluice.restart()
    await sink.received(before + 1, LANES_MOVE_MS)
    expect(sink.requests.every(({ id }) => id === 'kept')).toBe(true)
    const { body } = await request(`${sluice.running.urls.control}/readyz`)
    expect(await body.json()).toMatchObject({ ready: true, durable: 'process' })
    const controlUrl = (sluice.running.urls.control ?? '').replace(/\/$/, '')
    expect(await jobAt({ controlUrl }, '/replay/default/default/one', { from: AN_HOUR_AGO })).toMatchObject({ done: 1 })
    await sink.find('the replayed event', ({ headers }) => headers['ce-sluicereplay'] !== undefined)
  })
})
