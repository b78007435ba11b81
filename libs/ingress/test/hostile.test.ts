// Clients that are slow, broken or hostile, over sockets of their own. Times are cut so that a timeout takes milliseconds.
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { settle } from '@sluice/testkit'
import { exchange, type Rig, rawPost, startRig, until } from './fakes.ts'

const MAX = 65_536
let rig: Rig
let port: number

beforeAll(async () => {
  const http = {
    headersTimeoutMs: 250,
    requestTimeoutMs: 400,
    keepAliveTimeoutMs: 60,
    checkIntervalMs: 10,
    lingerMs: 60,
  }
  rig = await startRig({ maxEventBytes: MAX, maxInFlightBytes: 3 * MAX, http })
  port = rig.ingress.port
})
afterAll(async () => rig[Symbol.asyncDispose]())
beforeEach(() => {
  rig.driver.stored.length = 0
  rig.driver.beforeStore = () => {}
})

const statuses = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
const problem = (status: number, code: string) =>
  new RegExp(`^HTTP/1\\.1 ${status} .*Connection: close.*application/problem\\+json.*"code":"${code}"`, 's')

describe('slow clients', () => {
  test.each<[string, string[]]>([
    ['that send nothing', []],
    ['that stop within the request line', ['POST /sh']],
    ['that stop within the headers', [rawPost('').slice(0, 60)]],
    ['that stop within the body', [rawPost('x'.repeat(1000)).slice(0, -500)]],
    [
      'that stop within a chunk',
      [rawPost('', { 'Content-Length': '0' }).replace('Content-Length: 0', 'Transfer-Encoding: chunked'), 'a\r\nxx'],
    ],
  ])('%s get 408, and nothing is stored', async (_name, pieces) => {
    expect(await exchange(port, pieces)).toMatch(problem(408, 'REQUEST_TIMEOUT'))
    expect(rig.driver.stored).toEqual([])
  })

  test('a connection that idles after its request is closed without a word', async () => {
    expect(statuses(await exchange(port, [rawPost('x')]))).toEqual([202])
  })

  test('half bodies hold memory only while they last: another event is taken afterwards', async () => {
    const half = rawPost('x'.repeat(60_000)).slice(0, -10)
    const gone = Array.from({ length: 3 }, () => exchange(port, [half]))
    await Promise.all(gone)
    expect(statuses(await exchange(port, [rawPost('y'.repeat(60_000))], /\r\n\r\n/))).toEqual([202])
  })

  test('a client that goes away within its body stores nothing', async () => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(rawPost('x'.repeat(1000)).slice(0, -1))
      socket.end()
    })
    await new Promise((resolve) => socket.resume().on('close', resolve))
    await settle(5)
    expect(rig.driver.stored).toEqual([])
  })
})

describe('broken requests', () => {
  test.each<[string, string, number, string]>([
    ['a line that is no HTTP', 'hello there\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'REQUEST_MALFORMED'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    ['a control character in a header', rawPost('', { 'ce-subject': 'a\x00b' }), 400, 'REQUEST_MALFORMED'],
    ['a header with a space in its name', rawPost('', { 'ce subject': 'a' }), 400, 'REQUEST_MALFORMED'],
    ['two lengths', rawPost('x', { 'content-length': '5' }), 400, 'REQUEST_MALFORMED'],
    ['a length and chunks', rawPost('x', { 'Transfer-Encoding': 'chunked' }), 400, 'REQUEST_MALFORMED'],
    ['a negative length', rawPost('', { 'Content-Length': '-1' }), 400, 'REQUEST_MALFORMED'],
    ['huge headers', rawPost('', { 'x-huge': 'x'.repeat(200_000) }), 431, 'HEADERS_TOO_LARGE'],
    ['many headers', `POST /shop/orders HTTP/1.1\r\n${'a: b\r\n'.repeat(50_000)}\r\n`, 431, 'HEADERS_TOO_LARGE'],
    ['a huge path', `POST /${'x'.repeat(200_000)} HTTP/1.1\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n', 405, 'METHOD_NOT_ALLOWED'],
  ])('%s: closed with a problem, nothing stored', async (_name, request, status, code) => {
    expect(await exchange(port, [request])).toMatch(problem(status, code))
    expect(rig.driver.stored).toEqual([])
  })

  test('a missing Host is refused in HTTP/1.1 and needless in HTTP/1.0', async () => {
    const request = rawPost('').replace('Host: x\r\n', '')
    expect(await exchange(port, [request])).toMatch(/^HTTP\/1\.1 400 .*REQUEST_MALFORMED/s)
    expect(statuses(await exchange(port, [request.replace('HTTP/1.1', 'HTTP/1.0')]))).toEqual([202])
  })

  test.each([
    ['a Host given twice', rawPost('x', { host: 'y' })],
    ['HTTP/2 in the request line', rawPost('x').replace('HTTP/1.1', 'HTTP/2.0')],
  ])('%s is refused, and the connection closed', async (_name, request) => {
    expect(await exchange(port, [request])).toMatch(/^HTTP\/1\.1 400 .*Connection: close.*REQUEST_MALFORMED/s)
    expect(rig.driver.stored).toEqual([])
  })

  const CHUNKED = rawPost('').replace('Content-Length: 0', 'Transfer-Encoding: chunked')
  test.each<[string, string[], number[]]>([
    ['a transfer coding that leaves no length', [CHUNKED.replace('chunked', 'gzip'), 'x'], [415]],
    ['a broken chunk after a refusal', [CHUNKED.replace('/shop/orders', '/a/b/c'), 'zz\r\n'], [400]],
    ['a broken chunk after a preflight', [CHUNKED.replace('POST', 'OPTIONS'), 'zz\r\n'], [200]],
    ['a broken chunk under another method', [CHUNKED.replace('POST', 'PUT'), 'zz\r\n'], [405]],
    ['a body that stops after a refusal', [rawPost('xx').replace('/shop/orders', '/a/b/c').slice(0, -1)], [400]],
    [
      'a broken chunk behind another request',
      [rawPost('x'), CHUNKED.replace('/shop/orders', '/a/b/c'), 'zz'],
      [202, 400],
    ],
    ['garbage behind a whole refused request', [rawPost('x').replace('/shop/orders', '/a/b/c'), 'zz\r\n'], [400, 400]],
  ])('%s: one answer per request, then the connection ends', async (_name, pieces, expected) => {
    expect(statuses(await exchange(port, pieces))).toEqual(expected)
  })

  test('a transfer coding beside chunked is refused by name', async () => {
    const request = rawPost('').replace('Content-Length: 0', 'Transfer-Encoding: gzip, chunked')
    expect(await exchange(port, [request, '0\r\n\r\n'])).toMatch(/415 .*gzip, chunked/s)
  })
})

describe('large bodies', () => {
  test('an announced length over the bound is refused before a byte of it came', async () => {
    const request = rawPost('', { 'Content-Length': String(MAX + 1) })
    expect(await exchange(port, [request])).toMatch(/^HTTP\/1\.1 413 .*Connection: close.*EVENT_TOO_LARGE/s)
  })

  test('a client that keeps sending still gets the whole answer', async () => {
    const answer = await exchange(port, [rawPost('x'.repeat(40 * MAX))])
    expect(answer).toMatch(/^HTTP\/1\.1 413 .*\}$/s)
    expect(rig.driver.stored).toEqual([])
  })

  test('chunks without end are cut at the bound', async () => {
    const head = rawPost('').replace('Content-Length: 0', 'Transfer-Encoding: chunked')
    const chunk = `${(MAX / 2).toString(16)}\r\n${'x'.repeat(MAX / 2)}\r\n`
    expect(await exchange(port, [head, chunk, chunk, chunk])).toMatch(/^HTTP\/1\.1 413 .*EVENT_TOO_LARGE/s)
  })

  test('Expect: 100-continue is honoured, and answered without it when the headers are enough to refuse', async () => {
    const [head, body] = rawPost('hello', { Expect: '100-continue' }).split('\r\n\r\n') as [string, string]
    expect(statuses(await exchange(port, [`${head}\r\n\r\n`, body], /202/))).toEqual([100, 202])
    expect(rig.driver.stored.map(({ entry }) => String(entry.event.data))).toEqual(['hello'])
    const tooLarge = rawPost('', { Expect: '100-continue', 'Content-Length': String(MAX + 1) })
    expect(statuses(await exchange(port, [tooLarge]))).toEqual([413])
  })

  test('bodies that wait for the channel count: beyond the memory bound 429 with Retry-After', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let asked = 0
    rig.driver.beforeStore = () => {
      asked += 1
      return promise
    }
    const body = 'x'.repeat(60_000)
    const waiting = Array.from({ length: 3 }, () => exchange(port, [rawPost(body)], /\r\n\r\n/))
    await until(() => asked === 3)
    const answer = await exchange(port, [rawPost(body)], /\}$/)
    expect(answer).toMatch(/^HTTP\/1\.1 429 .*Retry-After: 1.*MEMORY_FULL/s)
    resolve()
    expect((await Promise.all(waiting)).map(statuses)).toEqual([[202], [202], [202]])
    rig.driver.beforeStore = () => {}
    expect(statuses(await exchange(port, [rawPost(body)], /\r\n\r\n/))).toEqual([202])
  })
})

describe('pipelining', () => {
  test('requests of one connection are answered in their order, whichever is stored first', async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let asked = 0
    rig.driver.beforeStore = () => gates[asked++]?.promise
    const answer = exchange(port, [rawPost('1') + rawPost('2') + rawPost('3', { 'ce-id': '' })], /EVENT_INVALID/)
    await until(() => asked === 2)
    gates[1]?.resolve()
    await settle(5)
    gates[0]?.resolve()
    expect(statuses(await answer)).toEqual([202, 202, 400])
    expect(rig.driver.stored.map(({ entry }) => String(entry.event.data))).toEqual(['2', '1'])
  })

  test('garbage after a request that waits for the channel is answered after it', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    rig.driver.beforeStore = () => promise
    const refused = () => rig.telemetry.read('ingress_requests_refused_total', { code: 'REQUEST_MALFORMED' })
    const before = refused()
    const answer = exchange(port, [`${rawPost('1')}garbage\r\n\r\n`])
    await until(() => refused() > before)
    resolve()
    expect(statuses(await answer)).toEqual([202, 400])
    expect(rig.driver.stored).toHaveLength(1)
  })
})

test('what comes after a request that closes the connection is not answered', async () => {
  const answer = await exchange(port, [`${rawPost('x', { Connection: 'close' })}more`])
  expect(statuses(answer)).toEqual([202])
})

test('a client that says it sends no more still gets its answers', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let asked = 0
  rig.driver.beforeStore = () => {
    asked += 1
    return promise
  }
  let answer = ''
  const socket = connect(port, '127.0.0.1', () => socket.end(rawPost('1') + rawPost('2')))
  const closed = new Promise((done) => socket.on('data', (text) => (answer += text)).on('close', done))
  await until(() => asked === 2)
  await settle(5)
  resolve()
  await closed
  expect(statuses(answer)).toEqual([202, 202])
})

test('the target of a request may be absolute', async () => {
  const request = rawPost('x').replace('POST /', 'POST http://anywhere:80/')
  expect(statuses(await exchange(port, [request], /\r\n\r\n/))).toEqual([202])
})

test('ING-29 an upgrade to HTTP/2 is ignored', async () => {
  const upgrade = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }
  expect(statuses(await exchange(port, [rawPost('x', upgrade)], /\r\n\r\n/))).toEqual([202])
})

test('500 silent connections do not keep an event out', async () => {
  const silent = Array.from({ length: 500 }, () => exchange(port, []))
  expect(statuses(await exchange(port, [rawPost('x')], /\r\n\r\n/))).toEqual([202])
  for (const answer of await Promise.all(silent)) expect(statuses(answer)).toEqual([408])
})
