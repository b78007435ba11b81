// One request per line: what is sent, what must come back. 405 before 404, 404 for a path before 400 for a body.
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { binary, type Rig, startRig } from './fakes.ts'

const MAX = 65_536

interface Case {
  method?: string
  path?: string
  headers?: Record<string, string | string[]>
  body?: string | Buffer
  status: number
  code?: string
  stored?: number
}

const JSON_TYPE = { 'content-type': 'application/cloudevents+json' }
const BATCH_TYPE = { 'content-type': 'application/cloudevents-batch+json' }
const EVENT = { specversion: '1.0', id: 'id-1', source: '/shop', type: 'order.created' }
const structured = (changes: object, extra: object = JSON_TYPE): Case => ({
  headers: { ...extra } as Record<string, string>,
  body: JSON.stringify({ ...EVENT, ...changes }),
  status: 202,
})
const without = (name: string): Case => {
  const { [name]: _, ...headers } = binary()
  return { headers, status: 400, code: 'EVENT_INVALID' }
}
const refused = (status: number, code: string) => ({ status, code, stored: 0 })
const withTtl = (ttl: string) => ({ headers: binary({ 'ce-knativebrokerttl': ttl }) })

const CASES: Record<string, Case> = {
  // accepted
  'binary without data': { headers: binary(), status: 202, stored: 1 },
  'binary with JSON data': { headers: binary({ 'content-type': 'application/json' }), body: '{"a":1}', status: 202 },
  'binary with XML data': { headers: binary({ 'content-type': 'text/xml' }), body: '<a/>', status: 202 },
  'binary with thrift data': {
    headers: binary({ 'content-type': 'application/vnd.apache.thrift.binary' }),
    status: 202,
  },
  'binary with bytes that are no text': { headers: binary(), body: Buffer.from([0, 255, 128]), status: 202 },
  'binary, version 0.3': { headers: binary({ 'ce-specversion': '0.3' }), status: 202 },
  'binary, header names in capitals': {
    headers: { 'CE-SpecVersion': '1.0', 'CE-ID': '1', 'CE-Source': '/', 'CE-Type': 't' },
    status: 202,
  },
  'binary, a percent-encoded value': { headers: binary({ 'ce-subject': 'caf%C3%A9%20au%20lait' }), status: 202 },
  'binary, a raw space in a value': { headers: binary({ 'ce-subject': 'a b' }), status: 202 },
  'binary, an extension named constructor': { headers: binary({ 'ce-constructor': 'x' }), status: 202 },
  'binary of 64 KiB': { headers: binary(), body: Buffer.alloc(64_000, 1), status: 202 },
  'binary whose attributes make up 64 KiB': { headers: binary({ 'ce-subject': 'x'.repeat(65_000) }), status: 202 },
  'binary with 3,000 extensions': {
    headers: binary(Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`ce-x${i}`, 'y']))),
    status: 202,
  },
  structured: structured({ data: { a: 1 } }),
  'structured with null data': structured({ data: null }),
  'structured with data_base64': structured({ data_base64: 'AAEC' }),
  'structured, 0.3': structured({ specversion: '0.3' }),
  'structured, content type in capitals with charset': structured(
    {},
    { 'content-type': 'Application/CloudEvents+JSON; Charset=UTF-8' },
  ),
  'structured, base64 of nearly the largest event': structured({
    data_base64: Buffer.alloc(65_000).toString('base64'),
  }),
  'batch of two': {
    headers: BATCH_TYPE,
    body: JSON.stringify([EVENT, { ...EVENT, id: 'id-2' }]),
    status: 202,
    stored: 2,
  },
  'batch of none': { headers: BATCH_TYPE, body: '[]', status: 202, stored: 0 },
  'batch larger than the largest event': {
    headers: BATCH_TYPE,
    body: JSON.stringify(Array.from({ length: 4 }, () => ({ ...EVENT, data: 'x'.repeat(60_000) }))),
    status: 202,
    stored: 4,
  },
  'one trailing slash': { path: '/shop/orders/', headers: binary(), status: 202 },
  'an Upgrade that is not taken': { headers: binary({ upgrade: 'websocket', connection: 'Upgrade' }), status: 202 },
  'Content-Encoding identity': { headers: binary({ 'content-encoding': 'identity' }), status: 202 },
  'Accept of something else': { headers: binary({ accept: 'image/png' }), status: 202 },
  'TTL 2': { ...withTtl('2'), status: 202 },
  'TTL that is no number': { ...withTtl('many'), status: 202 },
  'TTL 300': { ...withTtl('300'), status: 202 },

  // options, methods, paths
  'OPTIONS on a broker': { method: 'OPTIONS', status: 200 },
  'OPTIONS on any path': { method: 'OPTIONS', path: '/a/b/c/d', status: 200 },
  'OPTIONS with a body': { method: 'OPTIONS', headers: { 'content-length': '1' }, body: 'x', status: 200 },
  GET: { method: 'GET', ...refused(405, 'METHOD_NOT_ALLOWED') },
  HEAD: { method: 'HEAD', ...refused(405, '') },
  'PUT of a valid event': { method: 'PUT', headers: binary(), ...refused(405, 'METHOD_NOT_ALLOWED') },
  PATCH: { method: 'PATCH', ...refused(405, 'METHOD_NOT_ALLOWED') },
  DELETE: { method: 'DELETE', ...refused(405, 'METHOD_NOT_ALLOWED') },
  'a method of WebDAV': { method: 'PROPFIND', ...refused(405, 'METHOD_NOT_ALLOWED') },
  'GET on /': { method: 'GET', path: '/', ...refused(405, 'METHOD_NOT_ALLOWED') },
  'GET on an unknown broker': { method: 'GET', path: '/shop/nobody', ...refused(405, 'METHOD_NOT_ALLOWED') },
  'POST to /': { path: '/', headers: binary(), ...refused(404, 'BROKER_UNKNOWN') },
  'one segment': { path: '/shop', headers: binary(), ...refused(400, 'PATH_INVALID') },
  'three segments': { path: '/shop/orders/more', headers: binary(), ...refused(400, 'PATH_INVALID') },
  'two trailing slashes': { path: '/shop/orders//', headers: binary(), ...refused(400, 'PATH_INVALID') },
  'only slashes': { path: '//', headers: binary(), ...refused(400, 'PATH_INVALID') },
  'an unknown broker': { path: '/shop/nobody', headers: binary(), ...refused(404, 'BROKER_UNKNOWN') },
  'an unknown namespace': { path: '/nowhere/orders', headers: binary(), ...refused(404, 'BROKER_UNKNOWN') },
  'a broker in other case': { path: '/shop/Orders', headers: binary(), ...refused(404, 'BROKER_UNKNOWN') },
  'a query string': { path: '/shop/orders?a=b', headers: binary(), ...refused(404, 'BROKER_UNKNOWN') },
  'a percent-encoded path': { path: '/shop/%6Frders', headers: binary(), ...refused(404, 'BROKER_UNKNOWN') },
  'a path that is wrongly encoded': { path: '/shop/%zz', headers: binary(), ...refused(404, 'BROKER_UNKNOWN') },
  'a path out of the root': { path: '/../etc/passwd', headers: binary(), ...refused(400, 'PATH_INVALID') },
  'a very long path': { path: `/shop/${'x'.repeat(10_000)}`, headers: binary(), ...refused(404, 'BROKER_UNKNOWN') },
  'a prototype as broker': { path: '/__proto__/constructor', headers: binary(), ...refused(404, 'BROKER_UNKNOWN') },

  // not an event
  'no event at all': { ...refused(400, 'EVENT_INVALID') },
  'a form': {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'a=b',
    ...refused(400, 'EVENT_INVALID'),
  },
  'an invalid event to an unknown broker': { path: '/shop/nobody', ...refused(400, 'EVENT_INVALID') },
  'binary without specversion': without('ce-specversion'),
  'binary without id': without('ce-id'),
  'binary without source': without('ce-source'),
  'binary without type': without('ce-type'),
  'binary with an empty id': { headers: binary({ 'ce-id': '' }), ...refused(400, 'EVENT_INVALID') },
  'binary, version 19.0': { headers: binary({ 'ce-specversion': '19.0' }), ...refused(400, 'EVENT_INVALID') },
  'binary, a garbled time': { headers: binary({ 'ce-time': 'yesterday' }), ...refused(400, 'EVENT_INVALID') },
  'binary, an extension with a dash': { headers: binary({ 'ce-foo-bar': 'x' }), ...refused(400, 'EVENT_INVALID') },
  'binary, bytes that are not UTF-8': { headers: binary({ 'ce-subject': '%C0%A0' }), ...refused(400, 'EVENT_INVALID') },
  'binary, a header twice': { headers: { ...binary(), 'ce-subject': ['a', 'b'] }, ...refused(400, 'EVENT_INVALID') },
  'structured, not JSON': { headers: JSON_TYPE, body: 'not an event', ...refused(400, 'EVENT_INVALID') },
  'structured, empty body': { headers: JSON_TYPE, ...refused(400, 'EVENT_INVALID') },
  'structured, an array': { headers: JSON_TYPE, body: '[]', ...refused(400, 'EVENT_INVALID') },
  'structured, version 9000.1': { ...structured({ specversion: '9000.1' }), ...refused(400, 'EVENT_INVALID') },
  'structured, nested 100,000 deep': {
    headers: JSON_TYPE,
    body: '['.repeat(100_000),
    ...refused(400, 'EVENT_INVALID'),
  },
  'structured, data and data_base64': {
    ...structured({ data: 1, data_base64: 'AA==' }),
    ...refused(400, 'EVENT_INVALID'),
  },
  'structured in an unknown format': {
    ...structured({}, { 'content-type': 'application/cloudevents+xml' }),
    ...refused(400, 'EVENT_INVALID'),
  },
  'batch with one invalid event': {
    headers: BATCH_TYPE,
    body: JSON.stringify([EVENT, { ...EVENT, id: '' }]),
    ...refused(400, 'EVENT_INVALID'),
  },
  'batch that is an object': { headers: BATCH_TYPE, body: JSON.stringify(EVENT), ...refused(400, 'EVENT_INVALID') },
  'batch with one spent event': {
    headers: BATCH_TYPE,
    body: JSON.stringify([EVENT, { ...EVENT, knativebrokerttl: 1 }]),
    ...refused(400, 'EVENT_TTL_SPENT'),
  },
  'batch with one large event': {
    headers: BATCH_TYPE,
    body: JSON.stringify([EVENT, { ...EVENT, data: 'x'.repeat(MAX) }]),
    ...refused(413, 'EVENT_TOO_LARGE'),
  },
  'TTL 1': { ...withTtl('1'), ...refused(400, 'EVENT_TTL_SPENT') },
  'TTL 0': { ...withTtl('0'), ...refused(400, 'EVENT_TTL_SPENT') },
  'TTL -5': { ...withTtl('-5'), ...refused(400, 'EVENT_TTL_SPENT') },

  // size and coding
  'binary over the bound': { headers: binary(), body: Buffer.alloc(MAX + 1), ...refused(413, 'EVENT_TOO_LARGE') },
  'binary over the bound with its attributes': {
    headers: binary(),
    body: Buffer.alloc(MAX),
    ...refused(413, 'EVENT_TOO_LARGE'),
  },
  'binary chunked over the bound': {
    headers: binary({ 'transfer-encoding': 'chunked' }),
    body: Buffer.alloc(MAX + 1),
    ...refused(413, 'EVENT_TOO_LARGE'),
  },
  'structured over the bound': { ...structured({ data: 'x'.repeat(MAX) }), ...refused(413, 'EVENT_TOO_LARGE') },
  'a body of several times the bound': {
    headers: binary(),
    body: Buffer.alloc(20 * MAX),
    ...refused(413, 'EVENT_TOO_LARGE'),
  },
  'a large body to an unknown broker': {
    path: '/shop/nobody',
    headers: binary(),
    body: Buffer.alloc(2 * MAX),
    ...refused(413, 'EVENT_TOO_LARGE'),
  },
  gzip: { headers: binary({ 'content-encoding': 'gzip' }), body: 'x', ...refused(415, 'CONTENT_ENCODING_UNSUPPORTED') },
  'an unknown expectation': { headers: binary({ expect: 'a-miracle' }), ...refused(417, 'EXPECTATION_UNSUPPORTED') },
}

let rig: Rig
beforeAll(async () => {
  rig = await startRig({ maxEventBytes: MAX, http: { lingerMs: 200 } })
})
afterAll(async () => rig[Symbol.asyncDispose]())

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

function send({ method = 'POST', path = '/shop/orders', headers = {}, body }: Case): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ port: rig.ingress.port, host: '127.0.0.1', method, path, headers, agent: false }, (got) => {
      const chunks: Buffer[] = []
      got.on('data', (chunk: Buffer) => chunks.push(chunk))
      got.on('end', () =>
        resolve({ status: got.statusCode ?? 0, headers: got.headers, body: Buffer.concat(chunks).toString() }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describe('every request gets its answer', () => {
  test.each(Object.entries(CASES))('%s', async (_name, expected) => {
    const before = rig.driver.stored.length
    const { status, headers, body } = await send(expected)
    expect({ status, body }).toEqual({ status: expected.status, body: expect.anything() })
    expect(headers.allow).toBe('POST, OPTIONS')
    if (expected.stored !== undefined) expect(rig.driver.stored.length - before).toBe(expected.stored)
    if (status < 300) {
      expect(body).toBe('')
      if (expected.method === 'OPTIONS') {
        expect([headers['webhook-allowed-origin'], headers['webhook-allowed-rate']]).toEqual(['*', '*'])
      }
      return
    }
    expect(headers['content-type']).toBe('application/problem+json')
    if (expected.method === 'HEAD') return
    const problem = JSON.parse(body)
    expect(problem).toEqual({
      type: 'about:blank',
      title: expect.any(String),
      status,
      detail: expect.any(String),
      code: expected.code,
    })
    expect(body).not.toMatch(/node:|\.[jt]s:\d|\\n +at /)
  })
})
