import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { posting, type Sink, type SinkRequest, startSink } from '@sluice/testkit'
import { request } from 'undici'
import { type Installation, install } from '../e2e/installation.ts'
import { broker, trigger } from '../e2e/manifests.ts'

// One process for all: no case waits for another's events, since each asks for its own ids
let sluice: Installation
let all: Sink
let replying: Sink
let replied: Sink
const REPLY = 'r'.repeat(36 * 1024)

const replyTo = ({ headers, id }: SinkRequest) => {
  if (headers['ce-type'] === 'echo' && id.startsWith('again-')) return 204
  const type = headers['ce-type'] === 'echo' ? 'echo' : 'big.reply'
  const event = { 'ce-specversion': '1.0', 'ce-id': `again-${id}`, 'ce-source': '/replying', 'ce-type': type }
  return { status: 200, headers: { ...event, 'content-type': 'text/plain' }, body: REPLY }
}

beforeAll(async () => {
  ;[all, replying, replied] = await Promise.all([startSink(), startSink({ respond: replyTo }), startSink()])
  sluice = await install({
    manifests: {
      'all.yaml':
        broker() +
        trigger('all', { uri: all.url }) +
        trigger('asked', { uri: replying.url, attributes: { type: 'big.ask' } }) +
        trigger('echo', { uri: replying.url, attributes: { type: 'echo' } }) +
        trigger('replied', { uri: replied.url, attributes: { type: 'big.reply' } }),
    },
  })
})
afterAll(async () => {
  await sluice[Symbol.asyncDispose]()
  await Promise.all([all, replying, replied].map((sink) => sink[Symbol.asyncDispose]()))
})

const event = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/c', 'ce-type': 't' }
type Headers = Readonly<Record<string, string>>
const without = (name: string): Headers =>
  Object.fromEntries(Object.entries(event).filter(([each]) => each !== name)) as Headers
const binary = (headers: Headers, body = '{}') =>
  sluice.post({ headers: { 'content-type': 'application/json', ...headers }, body })
const structured = (body: string) => sluice.post({ headers: { 'content-type': 'application/cloudevents+json' }, body })
const ask = async (method: 'GET' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS') => {
  const { statusCode, headers, body } = await request(`${sluice.ingressUrl}/default/default`, { method })
  return { status: statusCode, headers, text: await body.text() }
}
const arrived = (id: string, at: Sink = all) => at.find(`event ${id}`, (each) => each.id === id)

describe('what a broker takes', () => {
  test('ING-01 ING-07 ING-08 an event of version 1.0: 202, and nothing that could be an event', async () => {
    const { status, headers, text } = await binary(event)
    expect([status, text, Object.keys(headers).filter((name) => name.startsWith('ce-'))]).toEqual([202, '', []])
  })

  test('ING-02 DLV-03 an event of version 0.3, which is delivered as one', async () => {
    expect((await binary({ ...event, 'ce-specversion': '0.3', 'ce-id': 'old' })).status).toBe(202)
    expect((await arrived('old')).headers['ce-specversion']).toBe('0.3')
  })

  test.each(['application/vnd.apache.thrift.binary', 'application/xml', 'application/json'])(
    'ING-05 a binary event with data of type %s',
    async (type) => {
      expect((await binary({ ...event, 'content-type': type })).status).toBe(202)
    },
  )

  test('ING-06 a structured event with an object as data', async () => {
    const body = JSON.stringify({ specversion: '1.0', id: 's', source: '/c', type: 't', data: { n: 1 } })
    expect((await structured(body)).status).toBe(202)
    expect(JSON.parse(String((await arrived('s')).body))).toEqual({ n: 1 })
  })

  test('ING-28 the same source and id twice', async () => {
    for (const _ of [1, 2]) expect((await binary({ ...event, 'ce-id': 'twice' })).status).toBe(202)
    await all.until('both', () => all.requests.filter(({ id }) => id === 'twice').length === 2)
  })

  test('ING-30 an event of 64 KiB, which is passed on', async () => {
    const { id, headers, body } = posting('large', {}, 64 * 1024)
    expect((await sluice.post({ headers, body })).status).toBe(202)
    expect(String((await arrived(id)).body)).toBe(body)
  })

  test('ING-31 36 KiB of text, which arrive once and as they were', async () => {
    const body = 'ü☃'.repeat(36 * 1024).slice(0, 18 * 1024)
    expect((await binary({ ...event, 'ce-id': 'text', 'content-type': 'text/plain' }, body)).status).toBe(202)
    expect(String((await arrived('text')).body)).toBe(body)
    await binary({ ...event, 'ce-id': 'text-end' })
    await arrived('text-end')
    expect(all.requests.filter(({ id }) => id === 'text')).toHaveLength(1)
  })
})

describe('what a broker refuses', () => {
  test.each(['19.0', '9000.1', ''])('ING-03 ING-04 specversion "%s", whatever the body is', async (version) => {
    const headers = { ...event, 'ce-specversion': version }
    expect((await binary(headers)).status).toBe(400)
    expect((await binary(headers, '{"garbage')).status).toBe(400)
  })

  test.each(['ce-specversion', 'ce-type', 'ce-source', 'ce-id'])(
    'ING-09 ING-10 a binary event without %s',
    async (name) => {
      const { status, text } = await binary(without(name))
      expect([status, JSON.parse(text).detail]).toEqual([400, expect.stringContaining(name)])
    },
  )

  test.each(['not an event', '"text"', '[]', '{}', '{"specversion":"1.0","id":"","source":"/c","type":"t"}'])(
    'ING-11 ING-12 a structured request with body %s',
    async (body) => {
      expect((await structured(body)).status).toBe(400)
    },
  )

  test('ING-13 GET', async () => {
    expect((await ask('GET')).status).toBe(405)
  })

  test.each(['PUT', 'PATCH', 'DELETE'] as const)('ING-14 %s', async (method) => {
    const { status, headers } = await ask(method)
    expect([status, headers.allow]).toEqual([405, 'POST, OPTIONS'])
  })

  test('ING-15 ING-16 nothing of OPTIONS, which says what may be sent', async () => {
    const { status, headers } = await ask('OPTIONS')
    const { allow, 'webhook-allowed-origin': origin, 'webhook-allowed-rate': rate } = headers
    expect([status, allow, origin, rate]).toEqual([200, 'POST, OPTIONS', '*', '*'])
  })

  test.each([
    ['ING-17 nothing of one slash after its path', '/default/default/', 202],
    ['ING-18 the path /', '/', 404],
    ['ING-19 a path of too many segments', '/too/many/segments', 400],
    ['ING-20 the path of no broker', '/default/unknown-broker', 404],
  ])('%s', async (_, path, status) => {
    expect((await sluice.post(posting('path'), path)).status).toBe(status)
  })

  test.each(['0', '1'])('ING-21 an event with %s hops left, which goes nowhere', async (ttl) => {
    const { status, text } = await binary({ ...event, 'ce-id': `spent-${ttl}`, 'ce-knativebrokerttl': ttl })
    expect([status, JSON.parse(text).code]).toEqual([400, 'EVENT_TTL_SPENT'])
    expect(all.requests.some(({ id }) => id === `spent-${ttl}`)).toBe(false)
  })
})

describe('what becomes of it', () => {
  test('ING-22 ING-23 a subscriber sees when it arrived, and no hop count', async () => {
    const before = Date.now()
    await binary({ ...event, 'ce-id': 'hops' })
    const { headers } = await arrived('hops')
    expect(headers['ce-knativebrokerttl']).toBeUndefined()
    const at = String(headers['ce-knativearrivaltime'])
    expect(at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
    expect(Date.parse(at)).toBeGreaterThanOrEqual(before - 1)
  })

  test('ING-24 headers of the list reach the subscriber, others do not', async () => {
    const passed = { 'knative-1': 'a', 'x-request-id': 'b', 'x-b3-traceid': 'c', 'retry-after': '3' }
    await binary({ ...event, ...passed, 'ce-id': 'headers', custom: 'd', authorization: 'Bearer e' })
    const { headers } = await arrived('headers')
    expect(headers).toMatchObject(passed)
    expect([headers.custom, headers.authorization]).toEqual([undefined, undefined])
  })

  test('ING-29 headers that ask for another protocol are ignored', async () => {
    const unknown = { 'accept-language': 'tlh', 'upgrade-insecure-requests': '1', prefer: 'unheard-of' }
    expect((await binary({ ...event, ...unknown })).status).toBe(202)
  })

  test('ING-32 a reply of 36 KB reaches its trigger once', async () => {
    await binary({ ...event, 'ce-id': 'big', 'ce-type': 'big.ask' })
    expect(String((await arrived('again-big', replied)).body)).toBe(REPLY)
    await binary({ ...event, 'ce-id': 'big-end', 'ce-type': 'big.reply' })
    await arrived('big-end', replied)
    expect(replied.requests.filter(({ id }) => id === 'again-big')).toHaveLength(1)
  })

  test('RPL-02 a reply is judged by every trigger, the one that it came from included', async () => {
    await binary({ ...event, 'ce-id': 'e', 'ce-type': 'echo' })
    await arrived('again-e', replying)
    await arrived('again-e')
  })
})
