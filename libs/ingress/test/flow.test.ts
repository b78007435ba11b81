// What ends up in the channel, and what the ingress does when the channel, the contract or the process is in the way.
import { describe, expect, test } from '@jest/globals'
import { laneKeyOf } from '@sluice/channel'
import { systemClock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { startIngress } from '../src/index.ts'
import { deliveryRow, exchange, fakeContract, fakeDriver, INGRESS, LOG, rawPost, startRig, until } from './fakes.ts'

const FIRST_ANSWER = /HTTP\/1\.1 [2-5]\d\d [^\n]*\n.*\r\n\r\n/s
const post = (port: number, extra: Record<string, string> = {}, body = 'x') =>
  exchange(port, [rawPost(body, { Connection: 'close', ...extra })])
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
const unavailable = () =>
  new EventingError({ code: 'CHANNEL_UNAVAILABLE', driver: 'fake', reason: 'full' }, 'disk full')

describe('what is stored', () => {
  test('the event as it came, and the two attributes of admission', async () => {
    await using rig = await startRig()
    const headers = {
      'content-type': 'application/json',
      'ce-time': '2026-01-01T00:00:00.000000001+02:00',
      'ce-n': '007',
    }
    expect(statusOf(await post(rig.ingress.port, headers, '{ "a": 1 }'))).toBe(202)
    const { channel, entry } = rig.driver.stored[0] as (typeof rig.driver.stored)[number]
    expect(channel).toBe(LOG.channel)
    expect(Object.fromEntries(entry.event.attributes)).toEqual({
      ...{ specversion: '1.0', id: 'id-1', source: '/shop', type: 'order.created', n: '007' },
      ...{ time: '2026-01-01T00:00:00.000000001+02:00', datacontenttype: 'application/json' },
      knativebrokerttl: 255,
      knativearrivaltime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    })
    expect(String(entry.event.data)).toBe('{ "a": 1 }')
  })

  test('headers of the allow-list and the trace context, nothing else', async () => {
    await using rig = await startRig()
    const kept = {
      ...{
        'x-request-id': 'r',
        'retry-after': '3',
        'knative-1': 'k',
        'x-b3-traceid': 'b',
        tracestate: 's',
        baggage: 'g',
      },
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    }
    const dropped = {
      authorization: 'Bearer s',
      cookie: 'c',
      custom: 'c',
      prefer: 'reply',
      'kn-namespace': 'n',
      'x-b4': 'x',
      te: 'trailers',
    }
    await post(rig.ingress.port, { ...kept, ...dropped, 'Knative-2': 'K' })
    expect(rig.driver.stored[0]?.entry.headers).toEqual({ ...kept, 'knative-2': 'K' })
    await post(rig.ingress.port, dropped)
    expect(rig.driver.stored[1]?.entry.headers).toBeUndefined()
  })

  test('the revision that was programmed, and the lane of the order key or else of source and id', async () => {
    await using rig = await startRig()
    await post(rig.ingress.port)
    await rig.contract.put({ deliveries: [deliveryRow('a', 1)] })
    await post(rig.ingress.port, { 'ce-partitionkey': 'customer-1' })
    await rig.contract.put({ logs: [{ ...LOG, orderKey: 'subject' }] })
    await post(rig.ingress.port, { 'ce-partitionkey': 'customer-1', 'ce-subject': 's' })
    expect(rig.driver.stored.map(({ entry: { stamp, laneKey } }) => ({ stamp, laneKey }))).toEqual([
      { stamp: 7, laneKey: '/shop id-1' },
      { stamp: 8, laneKey: 'customer-1' },
      { stamp: 9, laneKey: 's' },
    ])
    // The dispatcher keys replies so: both must agree on the lane of a key
    const orderKeys = [LOG.orderKey, LOG.orderKey, 'subject']
    expect(rig.driver.stored.map(({ entry }) => entry.laneKey)).toEqual(
      rig.driver.stored.map(({ entry }, n) => laneKeyOf(entry.event, orderKeys[n] ?? '')),
    )
  })

  test('202 is not said before the channel holds the event', async () => {
    await using rig = await startRig()
    const { promise, resolve } = Promise.withResolvers<void>()
    let asked = false
    let answered = false
    rig.driver.beforeStore = () => {
      asked = true
      return promise
    }
    const answer = post(rig.ingress.port).then((text) => {
      answered = true
      return text
    })
    await until(() => asked)
    await until(() => answered).then(() => expect(answered).toBe(false))
    resolve()
    expect(await answer).toMatch(/^HTTP\/1\.1 202 .*\r\n\r\n$/s)
  })

  test('the span of a request is the parent of what follows', async () => {
    const spans: unknown[] = []
    const driver = fakeDriver()
    const rig = await startRig({ driver })
    const telemetry = {
      ...rig.telemetry,
      startSpan: (name: string, kind: string, parent: string | undefined) => ({
        traceparent: '00-own',
        setStatus: (status: number) => void spans.push({ name, kind, parent, status }),
        end: () => void spans.push('end'),
      }),
    }
    await rig.ingress[Symbol.asyncDispose]()
    await using traced = await startRig({ driver, telemetry })
    await post(traced.ingress.port, { traceparent: '00-theirs' })
    await post(traced.ingress.port, { 'ce-id': '' })
    expect(driver.stored[0]?.entry.headers).toEqual({ traceparent: '00-own' })
    const name = 'POST /{namespace}/{broker}'
    expect(spans).toEqual([
      { name, kind: 'server', parent: '00-theirs', status: 202 },
      'end',
      { name, kind: 'server', parent: undefined, status: 400 },
      'end',
    ])
  })

  test('accepted and refused requests are counted, and neither data nor header values are logged', async () => {
    await using rig = await startRig()
    await post(rig.ingress.port, { authorization: 'secret-1' }, 'secret-2')
    await post(rig.ingress.port, { 'ce-id': '', authorization: 'secret-1' }, 'secret-2')
    rig.driver.beforeStore = () => Promise.reject(new TypeError('a bug'))
    expect(await post(rig.ingress.port, { authorization: 'secret-1' }, 'secret-2')).not.toMatch(/bug/)
    const { telemetry } = rig
    expect(telemetry.read('ingress_events_accepted_total', { namespace: 'shop', broker: 'orders' })).toBe(1)
    expect(telemetry.read('ingress_requests_refused_total', { code: 'EVENT_INVALID' })).toBe(1)
    expect(telemetry.read('ingress_requests_refused_total', { code: 'INTERNAL' })).toBe(1)
    expect(telemetry.read('kn.eventing.dispatch.duration')).toBe(1)
    expect(telemetry.lines.map(({ message }) => message)).toEqual(['request failed'])
    expect(JSON.stringify(telemetry.lines)).not.toMatch(/secret/)
  })
})

describe('ING-26 when the channel is in the way', () => {
  test.each<[string, () => unknown, number, string]>([
    ['can take nothing now', unavailable, 503, 'CHANNEL_UNAVAILABLE'],
    ['is closed', () => new EventingError({ code: 'CHANNEL_CLOSED', driver: 'fake' }, 'closed'), 503, 'CHANNEL_CLOSED'],
    [
      'takes no event of that size',
      () => new EventingError({ code: 'CHANNEL_EVENT_TOO_LARGE', driver: 'fake', bytes: 2, maxBytes: 1 }, 'too large'),
      413,
      'CHANNEL_EVENT_TOO_LARGE',
    ],
    ['fails for a reason of ours', () => new RangeError('bug'), 500, 'INTERNAL'],
  ])('one that %s', async (_name, error, status, code) => {
    await using rig = await startRig()
    rig.driver.beforeStore = () => Promise.reject(error())
    const answer = await post(rig.ingress.port)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*"code":"${code}"`, 's'))
    expect(/Retry-After: 1\r/.test(answer)).toBe(status === 503)
  })

  test("one that says why it can't is quoted: a producer reads that the disk is full", async () => {
    await using rig = await startRig()
    const full = { code: 'CHANNEL_UNAVAILABLE', driver: 'fake', reason: 'disk full' } as const
    rig.driver.beforeStore = () => Promise.reject(new EventingError(full, 'no space left'))
    expect(await post(rig.ingress.port)).toMatch(/503 .*can't take events now \(disk full\); try again/s)
  })

  test('one that does not answer in time is 503, and what it holds goes on counting as memory', async () => {
    await using rig = await startRig({ storeTimeoutMs: 50, maxEventBytes: 65_536, maxInFlightBytes: 131_072 })
    const { promise, resolve } = Promise.withResolvers<void>()
    rig.driver.beforeStore = () => promise
    const body = 'x'.repeat(60_000)
    expect(await post(rig.ingress.port, {}, body)).toMatch(/503 .*within 50 ms.*/s)
    expect(await post(rig.ingress.port, {}, body)).toMatch(/503 .*within 50 ms.*/s)
    expect(await post(rig.ingress.port, {}, body)).toMatch(/429 .*MEMORY_FULL/s)
    resolve()
    rig.driver.beforeStore = () => {}
    await until(() => rig.driver.stored.length === 2)
    expect(statusOf(await post(rig.ingress.port, {}, body))).toBe(202)
  })

  test('a full backlog is 429 with Retry-After and the trigger in its words', async () => {
    await using rig = await startRig({ backlogIntervalMs: 1 })
    await rig.contract.put({ deliveries: [deliveryRow('slow', 10)] })
    rig.driver.bytes.set(LOG.queues, 10).set(`${LOG.queues}/slow`, 10)
    await post(rig.ingress.port)
    await until(() => rig.telemetry.lines.length > 0)
    expect(await post(rig.ingress.port)).toMatch(/429 .*Retry-After: 1\r.*trigger shop\/slow.*BACKLOG_FULL/s)
    rig.driver.bytes.clear()
    await until(() => rig.telemetry.lines.length > 1)
    expect(statusOf(await post(rig.ingress.port))).toBe(202)
  })
})

describe('what the contract programs', () => {
  test('without a contract nobody is told that a broker is unknown: 503, and not ready', async () => {
    const contract = fakeContract()
    const base = { host: '127.0.0.1', port: 0, replica: 'a', clock: systemClock, driver: fakeDriver() }
    await using ingress = await startIngress({ ...base, contract, telemetry: createTestTelemetry() })
    expect(ingress.ready()).toBe('no contract yet')
    expect(statusOf(await post(ingress.port))).toBe(503)
    await contract.put({})
    expect(ingress.ready()).toBeUndefined()
    expect(statusOf(await post(ingress.port))).toBe(404)
  })

  test('a revision is acknowledged after its channels exist; ready from then on', async () => {
    await using rig = await startRig()
    expect(rig.driver.created).toEqual([LOG.channel, LOG.queues])
    expect(rig.ingress.ready()).toBeUndefined()
    expect(rig.ingress.url).toBe(`http://127.0.0.1:${rig.ingress.port}`)
  })

  test('ING-25 a log that can not be made: its broker is 503, the others work, the revision is not acknowledged', async () => {
    await using rig = await startRig()
    const bad = { ...LOG, uid: 'log-2', name: 'bad', channel: 'bad.log', queues: 'bad.queues' }
    const badIngress = { ...INGRESS, uid: 'ingress-2', name: 'bad', path: '/shop/bad', log: bad.uid }
    rig.driver.beforeCreate = (channel) => {
      if (channel === bad.channel) throw unavailable()
    }
    await expect(rig.contract.put({ logs: [bad], ingresses: [badIngress] })).rejects.toMatchObject({
      detail: { code: 'CHANNEL_UNAVAILABLE' },
    })
    const toBad = rawPost('x', { Connection: 'close' }).replace('/shop/orders', '/shop/bad')
    expect(await exchange(rig.ingress.port, [toBad])).toMatch(/503 .*Retry-After: 1/s)
    expect(statusOf(await post(rig.ingress.port))).toBe(202)
    expect(rig.driver.stored.map(({ entry }) => entry.stamp)).toEqual([7])
    rig.driver.beforeCreate = () => {}
    await rig.contract.put({ logs: [bad], ingresses: [badIngress] })
    expect(statusOf(await exchange(rig.ingress.port, [toBad]))).toBe(202)
  })

  test('a removed broker is 404, a moved one is found at its new path only', async () => {
    await using rig = await startRig()
    await rig.contract.put({ ingresses: [{ ...INGRESS, path: '/shop/moved' }] })
    expect(statusOf(await post(rig.ingress.port))).toBe(404)
    const moved = rawPost('x', { Connection: 'close' }).replace('/shop/orders', '/shop/moved')
    expect(statusOf(await exchange(rig.ingress.port, [moved]))).toBe(202)
    await rig.contract.put({}, { ingresses: [INGRESS.uid], logs: [LOG.uid] })
    expect(statusOf(await exchange(rig.ingress.port, [moved]))).toBe(404)
  })

  test('a path of more segments is found when it is programmed', async () => {
    await using rig = await startRig()
    const path = '/channels/shop/inmemorychannel/c'
    await rig.contract.put({ ingresses: [{ ...INGRESS, uid: 'channel', path }] })
    const request = rawPost('x', { Connection: 'close' }).replace('/shop/orders', path)
    expect(statusOf(await exchange(rig.ingress.port, [request]))).toBe(202)
  })
})

describe('the end', () => {
  test('draining: what runs is answered, what comes gets 503 and the connection closed', async () => {
    await using rig = await startRig()
    const { promise, resolve } = Promise.withResolvers<void>()
    let asked = false
    rig.driver.beforeStore = () => {
      asked = true
      return promise
    }
    const running = exchange(rig.ingress.port, [rawPost('x')], FIRST_ANSWER)
    await until(() => asked)
    let drained = false
    const drain = rig.ingress.drain().then(() => {
      drained = true
    })
    expect(rig.ingress.ready()).toBe('draining')
    expect(await exchange(rig.ingress.port, [rawPost('y')])).toMatch(
      /503 .*Retry-After: 1.*Connection: close.*DRAINING/s,
    )
    expect(drained).toBe(false)
    resolve()
    await drain
    expect(await running).toMatch(/^HTTP\/1\.1 202 .*Connection: close/s)
    expect(rig.driver.stored).toHaveLength(1)
  })

  test('disposing closes the port and cuts what still runs', async () => {
    const rig = await startRig({ http: { lingerMs: 20 } })
    rig.driver.beforeStore = () => new Promise(() => {})
    const stuck = exchange(rig.ingress.port, [rawPost('x')])
    const idle = exchange(rig.ingress.port, [])
    await until(() => rig.driver.asked.length > 0)
    await rig.ingress[Symbol.asyncDispose]()
    expect(await Promise.all([stuck, idle])).toEqual(['', ''])
    await expect(exchange(rig.ingress.port, [])).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('a port in use is refused by name', async () => {
    await using rig = await startRig()
    const { port } = rig.ingress
    await expect(startRig({ port })).rejects.toMatchObject({ detail: { code: 'PORT_IN_USE', host: '127.0.0.1', port } })
  })

  test('bounds that can not hold are refused, all at once', async () => {
    await expect(startRig({ maxEventBytes: 1000, maxInFlightBytes: 1000 })).rejects.toMatchObject({
      detail: { code: 'CONFIG_INVALID', problems: [expect.any(String), expect.any(String)] },
    })
  })

  test("a driver's smaller bound holds and is said", async () => {
    await using rig = await startRig({ driver: fakeDriver(100_000) })
    expect(statusOf(await post(rig.ingress.port, {}, 'x'.repeat(100_000)))).toBe(413)
    expect(rig.telemetry.lines).toMatchObject([{ level: 'warn', fields: { driver: 'fake', maxEventBytes: 100_000 } }])
  })
})
