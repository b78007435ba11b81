import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { systemClock } from '@sluice/clock'
import { CERTIFICATE, KEY, settle, startSink, VirtualClock } from '@sluice/testkit'
import type { Answer } from './answer.ts'
import { type Endpoint, endpointOf } from './endpoint.ts'
import { Sender } from './sender.ts'

const CAP = 4_096
const ROW = { namespace: 'ns', spec: { timeoutMs: 5_000 } }
let stack: AsyncDisposableStack
let sender: Sender

beforeEach(() => {
  stack = new AsyncDisposableStack()
  sender = stack.use(new Sender({ clock: systemClock, maxReplyBytes: CAP }))
})
afterEach(() => stack[Symbol.asyncDispose]())

function endpoint(url: string, timeoutMs = 5_000): Endpoint {
  return endpointOf({ url, internal: false }, { ...ROW, spec: { timeoutMs } }, 'subscriber')
}

function post(url: string, { timeoutMs = 5_000, wantsReply = true, body = 'data' } = {}): Promise<Answer> {
  const target = endpoint(url, timeoutMs)
  return sender.post(target, { headers: [...target.headers, 'ce-id', '1'], body: Buffer.from(body), wantsReply })
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** Answers every connection's first bytes with these. */
async function serveRaw(...writes: string[]): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      for (const bytes of writes) socket.write(bytes, 'latin1')
      socket.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** Connections by number, and what each answers to its requests in order; nothing said: 204. */
async function serveByConnection(answers: (connection: number, request: number, socket: Socket) => void) {
  const counts: number[] = []
  const server = createTcpServer((socket) => {
    const connection = counts.push(0)
    socket.on('error', () => {})
    socket.on('data', () => answers(connection, ++(counts[connection - 1] as number), socket))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, counts }
}
const NO_CONTENT = 'HTTP/1.1 204 No Content\r\n\r\n'

const EVENT = { 'ce-specversion': '1.0', 'ce-id': 'r', 'ce-source': '/r', 'ce-type': 'r' }

describe('a request', () => {
  test('DLV-05, DLV-08, DLV-09, DLV-15 is a POST with the headers of its endpoint and the bytes of its event', async () => {
    const sink = stack.use(await startSink())
    await post(`${sink.url}/p?q=1`, { body: 'äöü' })
    const [{ method, path, headers, body }] = (await sink.received(1)) as [(typeof sink.requests)[number]]
    expect([method, path, body.toString()]).toEqual(['POST', '/p?q=1', 'äöü'])
    expect(headers).toMatchObject({ prefer: 'reply', 'kn-namespace': 'ns', 'ce-id': '1', 'content-length': '6' })
  })

  test('without data has a body of no bytes', async () => {
    const sink = stack.use(await startSink())
    await sender.post(endpoint(sink.url), { headers: [], body: undefined, wantsReply: false })
    const [request] = await sink.received(1)
    expect(request?.headers['content-length']).toBe('0')
  })

  test('uses a kept connection again, also after an answer nobody wanted', async () => {
    const sink = stack.use(await startSink({ respond: () => ({ status: 200, body: 'x'.repeat(100_000) }) }))
    for (let i = 0; i < 20; i += 1) await post(sink.url)
    // Two: the pool frees a connection a moment after its answer.
    expect(new Set(sink.requests.map(({ from }) => from)).size).toBeLessThanOrEqual(2)
  })

  test('does not take a proxy from the environment', async () => {
    const saved = { ...process.env }
    stack.defer(() => {
      process.env = saved
    })
    for (const name of ['http_proxy', 'HTTP_PROXY', 'NODE_USE_ENV_PROXY']) process.env[name] = 'http://127.0.0.1:1'
    const sink = stack.use(await startSink())
    expect(await post(sink.url)).toMatchObject({ kind: 'response', status: 204 })
  })
})

describe('a kept connection', () => {
  const kept = (second: (socket: Socket) => void) =>
    serveByConnection((connection, request, socket) => {
      if (connection === 1 && request === 2) second(socket)
      else socket.write(NO_CONTENT)
    })

  /** The pool frees a connection a moment after its answer. */
  const postTwice = async (url: string) => {
    const first = await post(url)
    await settle()
    return [first, await post(url)]
  }

  test('that the subscriber closed without a byte of an answer is replaced once, by a fresh one', async () => {
    const { url, counts } = await kept((socket) => socket.end())
    expect(await postTwice(url)).toMatchObject([{ status: 204 }, { status: 204 }])
    expect(counts).toEqual([2, 1])
  })

  test('is replaced once only', async () => {
    const { url, counts } = await serveByConnection((connection, request, socket) => {
      if (connection === 1 && request === 1) socket.write(NO_CONTENT)
      else socket.end()
    })
    expect(await postTwice(url)).toMatchObject([{ status: 204 }, { kind: 'unreachable' }])
    expect(counts).toEqual([2, 1])
  })

  const failures: [string, (socket: Socket) => void][] = [
    ['closed in the middle of an answer', (socket) => socket.end('HTTP/1.1 2')],
    ['reset', (socket) => socket.resetAndDestroy()],
  ]
  test.each(failures)('RSP-09 that is %s is a failure', async (_, second) => {
    const { url, counts } = await kept(second)
    expect(await postTwice(url)).toMatchObject([{ status: 204 }, { kind: 'unreachable' }])
    expect(counts).toEqual([2])
  })

  test('RSP-09 that is new and closed without an answer is a failure', async () => {
    const { url, counts } = await serveByConnection((_, __, socket) => socket.end())
    expect(await post(url)).toMatchObject({ kind: 'unreachable' })
    expect(counts).toEqual([1])
  })
})

describe('an answer', () => {
  test.each([200, 201, 202, 204, 301, 302, 304, 307, 308, 400, 404, 408, 409, 429, 500, 503, 599])(
    'RSP-02 is what it is (%i); a redirect is not followed',
    async (status) => {
      const other = stack.use(await startSink())
      const sink = stack.use(await startSink({ respond: () => ({ status, headers: { location: other.url } }) }))
      expect(await post(sink.url)).toMatchObject({ kind: 'response', status, bodyBytes: 0 })
      expect([sink.count, other.count]).toEqual([1, 0])
    },
  )

  test('with a CloudEvent is kept whole, its headers one character per byte', async () => {
    const url = await serveRaw(
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\nce-specversion: 1.0\r\nCE-Name: \xc3\xa4\r\n\r\n',
      'hello',
    )
    const answer = await post(url)
    expect(answer).toMatchObject({ kind: 'response', isCloudEvent: true, isCut: false, body: Buffer.from('hello') })
    const headers = answer.kind === 'response' ? answer.headers : []
    expect(headers.slice(2)).toEqual(['ce-specversion', '1.0', 'CE-Name', '\xc3\xa4'])
  })

  test('that nobody wants is counted, not kept', async () => {
    const sink = stack.use(
      await startSink({ respond: () => ({ status: 200, headers: EVENT, body: 'x'.repeat(50_000) }) }),
    )
    expect(await post(sink.url, { wantsReply: false })).toMatchObject({ body: Buffer.alloc(0), bodyBytes: 50_000 })
  })

  test('RSP-14 in a 202 is not kept either', async () => {
    const sink = stack.use(await startSink({ respond: () => ({ status: 202, headers: EVENT, body: 'x' }) }))
    expect(await post(sink.url)).toMatchObject({ status: 202, headers: [], body: Buffer.alloc(0) })
  })

  test('of an error keeps its first 1,024 bytes', async () => {
    const sink = stack.use(await startSink({ respond: () => ({ status: 422, body: 'x'.repeat(100_000) }) }))
    const answer = await post(sink.url)
    expect(answer).toMatchObject({ status: 422, body: Buffer.from('x'.repeat(1_024)), bodyBytes: 100_000 })
  })

  test('longer than a reply may be is cut, and its connection closed', async () => {
    let closed = false
    const url = await serve((_, response) => {
      response.on('close', () => {
        closed = true
      })
      response.writeHead(200, EVENT)
      const more = () => void (response.destroyed || response.write('x'.repeat(1_000), more))
      more()
    })
    expect(await post(url)).toMatchObject({ kind: 'response', isCut: true })
    for (let i = 0; i < 100 && !closed; i += 1) await settle()
    expect(closed).toBe(true)
  })

  test('without end that nobody wants is a success once a mebibyte went by', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      const more = () => void (response.destroyed || response.write('x'.repeat(60_000), more))
      more()
    })
    expect(await post(url)).toMatchObject({ kind: 'response', status: 200, isCloudEvent: false, isCut: true })
  })

  test('after informational ones is the final one', async () => {
    const url = await serveRaw('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', 'HTTP/1.1 204 No Content\r\n\r\n')
    expect(await post(url)).toMatchObject({ kind: 'response', status: 204 })
  })

  test('RSP-02 that switches protocols is told apart', async () => {
    const url = await serveRaw('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n')
    expect(await post(url)).toMatchObject({ kind: 'switched' })
  })
})

describe('RSP-09 no answer', () => {
  const broken: [string, string[]][] = [
    ['that is not HTTP', ['SSH-2.0-OpenSSH\r\n']],
    ['whose body breaks off', ['HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf']],
    ['whose chunks break off', ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhe']],
    ['without an end', ['HTTP/1.1 200 OK\r\nx: ']],
    ['of headers without end', [`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(200_000)}`]],
  ]
  test.each(broken)('%s is unreachable', async (_, writes) => {
    expect(await post(await serveRaw(...writes))).toEqual({ kind: 'unreachable', problem: expect.stringMatching(/./) })
  })

  test('from a port nobody listens on is unreachable and says so', async () => {
    const sink = await startSink()
    await sink[Symbol.asyncDispose]()
    expect(await post(sink.url)).toEqual({ kind: 'unreachable', problem: expect.stringContaining('ECONNREFUSED') })
  })

  test('from a connection that is reset is unreachable', async () => {
    const sink = stack.use(await startSink({ respond: () => 'reset' }))
    expect(await post(sink.url)).toMatchObject({ kind: 'unreachable' })
  })

  test('from a name that does not resolve is unreachable', async () => {
    expect(await post('http://no-such-host.invalid/')).toMatchObject({ kind: 'unreachable' })
  })

  test('from a server whose certificate nobody vouches for is unreachable and says so', async () => {
    let asked = 0
    const server = createTlsServer({ key: KEY, cert: CERTIFICATE }, () => {
      asked += 1
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    stack.defer(() => void server.close())
    const answer = await post(`https://localhost:${(server.address() as AddressInfo).port}/`)
    expect(answer).toEqual({ kind: 'unreachable', problem: expect.stringMatching(/certificate/) })
    expect(asked).toBe(0)
  })

  test('from a server that a target vouches for is for that target alone', async () => {
    const server = createTlsServer({ key: KEY, cert: CERTIFICATE }, (_, response) => response.writeHead(204).end())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    stack.defer(() => void server.close())
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const trusting = (caCerts: string) => {
      const target = endpointOf({ url, internal: false, caCerts }, ROW, 'subscriber')
      sender.adopt(target)
      stack.defer(() => sender.forget(target))
      return sender.post(target, { headers: [], body: undefined, wantsReply: false })
    }
    expect(await trusting(`# ours\n${CERTIFICATE}`)).toMatchObject({ status: 204 })
    expect(await post(url)).toMatchObject({ kind: 'unreachable', problem: expect.stringMatching(/certificate/) })
    for (const broken of ['nothing', CERTIFICATE.replace('MIIB', 'AAAA')]) {
      const problem = expect.stringMatching(/^the CA certificates of this address can not be read: /)
      expect(await trusting(broken)).toEqual({ kind: 'unreachable', problem })
    }
    expect(await trusting(CERTIFICATE)).toMatchObject({ status: 204 })
  })

  test('from a server without TLS on an HTTPS address is unreachable', async () => {
    const sink = stack.use(await startSink())
    expect(await post(sink.url.replace('http:', 'https:'))).toMatchObject({ kind: 'unreachable' })
  })

  test.each(['ftp://x/', 'nothing', ''])('from %p, which is not an HTTP address, is unreachable', async (url) => {
    expect(await post(url)).toEqual({ kind: 'unreachable', problem: 'not an HTTP or HTTPS address' })
  })

  test('RTY-15 in time is a timeout, for the headers', async () => {
    const sink = stack.use(await startSink({ respond: () => 'hang' }))
    expect(await post(sink.url, { timeoutMs: 30 })).toEqual({
      kind: 'timeout',
      problem: 'no complete answer within 30 ms',
    })
  })

  test('in time is a timeout, for a body that trickles', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200)
      response.write('x')
    })
    expect(await post(url, { timeoutMs: 30 })).toMatchObject({ kind: 'timeout' })
  })

  test('while the connection is still being made is a timeout, and the late connection sends nothing', async () => {
    let sent = 0
    const server = createTcpServer((socket) => {
      stack.defer(() => void socket.destroy())
      socket.on('error', () => {})
      socket.on('data', () => void sent++)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    stack.defer(() => void server.close())
    // TLS that is never answered.
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
    expect(await post(url, { timeoutMs: 30 })).toMatchObject({ kind: 'timeout' })
    expect(sent).toBeLessThanOrEqual(1)
  })

  test('in time is a timeout of the clock it was given', async () => {
    const clock = new VirtualClock()
    const patient = stack.use(new Sender({ clock, maxReplyBytes: CAP }))
    const sink = stack.use(await startSink({ respond: () => 'hang' }))
    const target = endpoint(sink.url, 30_000)
    const answer = patient.post(target, { headers: [], body: undefined, wantsReply: false })
    await sink.received(1)
    await clock.advance(30_000)
    expect(await answer).toMatchObject({ kind: 'timeout' })
  })
})

test('aborting ends what runs and refuses what comes', async () => {
  const sink = stack.use(await startSink({ respond: () => 'hang' }))
  const running = post(sink.url)
  await sink.received(1)
  sender.abort()
  expect(await running).toEqual({ kind: 'aborted' })
  expect(await post(sink.url)).toEqual({ kind: 'aborted' })
  expect(sink.count).toBe(1)
})

test('the last endpoint of an address takes its connections with it, once their requests are done', async () => {
  const url = await serve((_, response) => void setImmediate(() => response.end()))
  const target = endpoint(url)
  sender.adopt(target)
  sender.adopt(target)
  const running = post(url)
  sender.forget(target)
  sender.forget(target)
  expect(await running).toMatchObject({ kind: 'response', status: 200 })
  expect(await post(url)).toMatchObject({ kind: 'response', status: 200 })
})

describe('an endpoint', () => {
  const prepare = (url: string) => endpointOf({ url, internal: false }, ROW, 'subscriber')

  test('DLV-20 without a path is asked at /', () => {
    expect(prepare('http://host')).toMatchObject({ url: 'http://host/', origin: 'http://host', path: '/' })
    expect(prepare('http://host?a=b')).toMatchObject({ url: 'http://host/?a=b', path: '/?a=b' })
  })

  test('keeps credentials and fragments out of what is told', () => {
    const { url, headers } = prepare('http://me:p%40ss@host/x#frag')
    expect(url).toBe('http://host/x')
    expect(headers.slice(-2)).toEqual(['authorization', `Basic ${Buffer.from('me:p@ss').toString('base64')}`])
  })

  test('with credentials that do not decode is no HTTP address', () => {
    expect(prepare('http://%ff:x@host/').origin).toBeUndefined()
  })

  test('DLV-07 prefers a reply only as a subscriber', () => {
    const target = { url: 'http://sink/', internal: false }
    expect(endpointOf(target, ROW, 'dead-letter-sink').headers).toEqual(['kn-namespace', 'ns'])
  })
})
