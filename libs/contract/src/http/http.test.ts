import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { systemClock } from '@sluice/clock'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { CERTIFICATE, KEY } from '@sluice/testkit'
import { request } from 'undici'
import { FakeRole, rows } from '../../test/apart.ts'
import { contractCopy } from '../contract-copy.ts'
import { createContractStore } from '../store.ts'
import { createContractService, httpSource, type ServeContractDeps, serveContract, serverEvents } from './index.ts'
import { linesOf } from './lines.ts'
import { readMessage } from './protocol.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-contract-http-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function serve(options: Partial<ServeContractDeps> = {}) {
  const telemetry = createTestTelemetry()
  const clock = systemClock
  const events = serverEvents(telemetry)
  const store = await createContractStore({ clock, telemetry })
  store.watch('channels', () => {})
  const service = createContractService({ store, clock, events, telemetry, expected: ['filter'], settleMs: 0 })
  const server = await serveContract({ service, host: '127.0.0.1', port: 0, clock, events, ...options })
  const port = Number(new URL(server.url).port)
  const stop = async () => {
    service[Symbol.dispose]()
    await server[Symbol.asyncDispose]()
  }
  return { store, service, telemetry, url: server.url, port, [Symbol.asyncDispose]: stop }
}

function follow(url: string, options: { token?: string; ca?: string } = {}) {
  const telemetry = createTestTelemetry()
  const copyPath = join(folder, 'contract.filter.json')
  return httpSource({ url, copyPath, roles: ['filter'], replica: 'f1', clock: systemClock, telemetry, ...options })
}

/** Asks often, for at most 4 s. */
async function until(holds: () => boolean | undefined): Promise<void> {
  for (let look = 0; look < 800 && holds() !== true; look += 1) await new Promise((next) => setTimeout(next, 5))
  expect(holds()).toBe(true)
}

const hello = { roles: ['filter'], replica: 'f', instance: 'i', epoch: 0, revision: 0 }
const known = { logs: {}, ingresses: {}, routes: {}, deliveries: {} }
const post = (url: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
  request(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

describe('over HTTP', () => {
  test('a reader follows edits, acknowledges them, keeps its copy, and comes back to a server that was restarted', async () => {
    let server = await serve()
    const first = await server.store.publish(rows(['a']))
    await using follower = await follow(server.url)
    const role = new FakeRole()
    follower.watch('filter', role.apply)
    expect(await server.service.contract.whenAcknowledged(first, AbortSignal.timeout(4_000))).toBe(true)
    const second = await server.store.publish(rows(['a', 'b']))
    expect(await server.service.contract.whenAcknowledged(second, AbortSignal.timeout(4_000))).toBe(true)
    expect(role.rows().logs.map(({ name }) => name)).toEqual(['a', 'b'])
    const { value: kept } = await contractCopy(join(folder, 'contract.filter.json')).load()
    expect(kept).toEqual(server.store.contract())

    const { port } = server
    await server[Symbol.asyncDispose]()
    await until(() => follower.warning() !== undefined)
    expect([follower.ready(), follower.warning()]).toEqual([undefined, expect.stringContaining('stays in force')])
    server = await serve({ port }) // without a copy, so it counts from a later millisecond
    const third = await server.store.publish(rows(['c']))
    expect(await server.service.contract.whenAcknowledged(third, AbortSignal.timeout(4_000))).toBe(true)
    expect(role.rows().logs.map(({ name }) => name)).toEqual(['c'])
    await server[Symbol.asyncDispose]()
  })

  test('a question goes down the watch, and its answer comes by a request of the reader', async () => {
    await using server = await serve({ token: 't' })
    await server.store.publish(rows(['a']))
    await using follower = await follow(server.url, { token: 't' })
    follower.answer('weather', async (about) => ({ about }))
    await until(() => follower.ready() === undefined)
    const { answers, unanswered } = await server.service.ask('weather', { town: 'ü' })
    expect([answers.map(({ answer }) => answer), unanswered]).toEqual([[{ about: { town: 'ü' } }], []])
  })

  test('the snapshot is the document', async () => {
    await using server = await serve()
    await server.store.publish(rows(['a']))
    const { body } = await request(`${server.url}/contract/v1/snapshot`)
    expect(await body.json()).toEqual(server.store.contract())
  })

  test('a reader that holds most gets the difference, then heartbeats keep the line', async () => {
    await using server = await serve()
    await server.store.publish(rows(['a', 'b']))
    const [a] = server.store.contract().logs
    const held = { ...known, logs: { a: a?.hash, gone: 'x' } }
    const { statusCode, headers, body } = await post(server.url, '/contract/v1/watch', { ...hello, known: held })
    expect([statusCode, headers['content-type']]).toEqual([200, 'application/x-ndjson'])
    const lines = linesOf(body, 1e6)
    const message = readMessage(JSON.parse((await lines.next()).value as string))
    expect(message).toMatchObject({ put: { logs: [{ name: 'b' }] }, removed: { logs: ['gone'] } })
    await body.destroy()
  })

  test('a large contract passes whole, in a difference as in a file', async () => {
    await using server = await serve()
    const many = Array.from({ length: 1_000 }, (_, n) => `trigger-${n}`)
    const revision = await server.store.publish(rows(many))
    await using follower = await follow(server.url)
    const role = new FakeRole()
    follower.watch('filter', role.apply)
    expect(await server.service.contract.whenAcknowledged(revision, AbortSignal.timeout(4_000))).toBe(true)
    expect(role.held.routes.size).toBe(1_000)
  })
})

describe('what is refused', () => {
  const refused = async (answer: ReturnType<typeof post>) => {
    const { statusCode, body } = await answer
    const { code, detail } = (await body.json()) as { code: string; detail: string }
    return [statusCode, code, detail] as const
  }

  test('another protocol is refused by name, with the one that is spoken', async () => {
    await using server = await serve()
    expect(await refused(post(server.url, '/contract/v2/watch', {}))).toEqual([
      400,
      'CONTRACT_PROTOCOL_UNSUPPORTED',
      'protocol 2 is not spoken here: this server speaks 1',
    ])
  })

  test('what is no request of the protocol: every problem, no stack, and nothing takes effect', async () => {
    await using server = await serve()
    const [status, code, detail] = await refused(
      post(server.url, '/contract/v1/watch', { ...hello, known: {}, extra: 1 }),
    )
    expect([status, code]).toEqual([400, 'CONTRACT_REQUEST_INVALID'])
    expect(detail).toMatch(/known\.logs: .*; .*extra/)
    expect(detail).not.toMatch(/\n\s+at /)
    expect((await refused(post(server.url, '/contract/v1/watch', '{"roles":')))[0]).toBe(400)
    expect((await refused(post(server.url, '/contract/v1/acknowledge', { instance: 'x', epoch: -1 })))[0]).toBe(400)
    expect((await refused(post(server.url, '/contract/v1/acknowledge', { instance: 'x', epoch: 1 })))[0]).toBe(410)
    expect((await refused(post(server.url, '/contract/v1/answer', { instance: 'x', id: '1', answer: {} })))[0]).toBe(
      410,
    )
    expect((await refused(post(server.url, '/contract/v1/answer', { instance: 'x' })))[0]).toBe(400)
    expect((await refused(post(server.url, '/elsewhere', {})))[0]).toBe(404)
    expect((await refused(post(server.url, '/contract/v1/watch', `"${'x'.repeat(33 * 2 ** 20)}"`)))[0]).toBe(413)
    expect(server.service.replicas()).toEqual([])
  })

  test('on loopback without a token: a foreign Host, and anything from a page in a browser', async () => {
    await using server = await serve()
    const path = '/contract/v1/acknowledge'
    const codes = await Promise.all(
      [{ host: 'evil.example' }, { origin: 'http://evil.example' }, { origin: server.url }].map(async (headers) =>
        (await refused(post(server.url, path, {}, headers as never))).slice(0, 2),
      ),
    )
    expect(codes).toEqual(codes.map(() => [403, 'CONTRACT_FORBIDDEN']))
  })

  test('with a token: every request without it, one of another length included; a reader with it follows', async () => {
    await using server = await serve({ token: 'open sesame' })
    const path = '/contract/v1/snapshot'
    for (const authorization of ['', 'Bearer ', 'Bearer open', 'Bearer open sesam3', 'Basic open sesame']) {
      const { statusCode, headers, body } = await request(server.url + path, { headers: { authorization } })
      expect([authorization, statusCode, headers['www-authenticate']]).toEqual([authorization, 401, 'Bearer'])
      await body.dump()
    }
    await server.store.publish(rows(['a']))
    await using wrong = await follow(server.url, { token: 'other' })
    await until(() => wrong.ready()?.includes('the bearer token is missing or wrong'))
    await using follower = await follow(server.url, { token: 'open sesame' })
    await until(() => follower.ready() === undefined)
    const said = JSON.stringify(server.telemetry.lines)
    expect(said).not.toMatch(/sesame|other/)
  })

  test('a reader says what is wrong with a server that is none', async () => {
    await using server = await serve()
    await using lost = await follow(`${server.url}/prefix`)
    await until(() => lost.ready()?.includes('there is nothing at this path'))
    await using nobody = await follow('http://127.0.0.1:9')
    await until(() => nobody.ready()?.includes('ECONNREFUSED'))
  })

  test('a copy that can not be read is set aside, and the server fills in', async () => {
    await using server = await serve()
    await server.store.publish(rows(['a']))
    writeFileSync(join(folder, 'contract.filter.json'), '{"epoch":1,')
    await using follower = await follow(server.url)
    await until(() => follower.ready() === undefined)
    expect(readFileSync(join(folder, 'contract.filter.json.unreadable'), 'utf8')).toBe('{"epoch":1,')
  })
})

describe('TLS', () => {
  test('a reader follows who it was told to trust, and says why it follows nobody else', async () => {
    await using server = await serve({ tls: { cert: CERTIFICATE, key: KEY }, token: 't' })
    expect(server.url).toMatch(/^https:/)
    await server.store.publish(rows(['a']))
    await using stranger = await follow(server.url, { token: 't' })
    await until(() => stranger.ready()?.includes('self-signed certificate'))
    await using follower = await follow(server.url, { token: 't', ca: CERTIFICATE })
    await until(() => follower.ready() === undefined)
  })

  test('a certificate that is none is a problem of the configuration', async () => {
    await expect(serve({ tls: { cert: 'nonsense', key: KEY } })).rejects.toThrow("certificate or its key can't be used")
  })
})

test('a reader that takes nothing is cut after 10 s, while the others go on', async () => {
  const waits: number[] = []
  const clock = {
    ...systemClock,
    after(delayMs: number, callback: () => void) {
      waits.push(delayMs)
      return systemClock.after(delayMs / 10, callback)
    },
  }
  await using server = await serve({ clock })
  // More than the two kernels keep for a connection
  const names = Array.from({ length: 500 }, (_, n) => `trigger-${n}`)
  const revision = await server.store.publish(rows(names, 'k'.repeat(40_000)))
  const body = JSON.stringify({ ...hello, known })
  const socket = connect(server.port, '127.0.0.1').pause()
  socket.on('error', () => {})
  const head = 'host: 127.0.0.1\r\ncontent-type: application/json'
  socket.write(`POST /contract/v1/watch HTTP/1.1\r\n${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  await using follower = await follow(server.url)
  const role = new FakeRole()
  follower.watch('filter', role.apply)
  await until(() => role.revision === revision)
  await until(() => server.telemetry.lines.some(({ message }) => message.includes('cut off')))
  expect(waits).toContain(10_000)
  socket.destroy()
}, 15_000)
