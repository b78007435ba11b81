import { connect } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { answerOf, EXAMPLES, ROW, SECRET, sign, startBench } from '../test/bench.ts'

const HOUR_MS = 3_600_000
const REQUESTS = 'source_github_requests_total'

describe('a webhook of GitHub', () => {
  test('SRC-13: every one of the 329 recorded payloads is stored as one event, its body byte for byte', async () => {
    await using bench = await startBench()
    for (const [n, { event, payload }] of EXAMPLES.entries()) {
      // Not as JSON.stringify writes it: what is between the tokens is GitHub's, and goes on
      const body = JSON.stringify({ n, ...payload }, null, n % 3)
      const headers = { 'x-github-event': event, 'x-github-delivery': `d-${n}` }
      expect([event, (await bench.post(body, headers)).status]).toEqual([event, 202])
      const stored = bench.ingress.stored.at(-1)
      expect(Buffer.from(stored?.data ?? []).toString()).toBe(body)
      expect(stored?.attributes.get('id')).toBe(`d-${n}`)
      expect(stored?.attributes.get('type')).toBe(`dev.knative.source.github.${event}`)
      expect(stored?.attributes.get('source')).toBe('https://github.com/Codertocat/Hello-World')
    }
    expect(bench.ingress.stored).toHaveLength(329)
    expect(bench.telemetry.read(REQUESTS, { outcome: 'stored', namespace: 'default', name: 'hooks' })).toBe(329)
  })

  test('SRC-14: without its signature, with another one or a cut one, it is 400 and nothing is stored', async () => {
    await using bench = await startBench()
    const body = '{"a":"é"}'
    const wrong = [
      '',
      'sha256=',
      sign(body, 'another secret'),
      sign(`${body} `),
      sign(body).slice(0, -1),
      sign(body).toUpperCase(),
      `${sign(body)}0`,
      sign(body).replace('sha256=', 'sha1='),
      'sha256=\u00e9'.repeat(30),
    ]
    for (const signature of wrong)
      expect([signature, await answerOf(bench.post(body, { 'x-hub-signature-256': signature }))]).toEqual([
        signature,
        expect.objectContaining({ status: 400, code: 'SIGNATURE_INVALID' }),
      ])
    // A body that was cut on its way is not the one that was signed
    const cut = await answerOf(bench.post(body.slice(0, 5), { 'x-hub-signature-256': sign(body) }))
    expect(cut).toMatchObject({ status: 400 })
    expect(bench.ingress.requests).toHaveLength(0)
    expect((await bench.post(body)).status).toBe(202)
    expect(bench.telemetry.read(REQUESTS, { outcome: 'SIGNATURE_INVALID' })).toBe(wrong.length + 1)
  })

  test('with SHA-1 alone it is taken only where that is asked for', async () => {
    const body = '{"a":1}'
    const only = async (allowSha1: boolean, headers: Record<string, string>) => {
      await using bench = await startBench({ allowSha1 })
      const response = fetch(new URL(ROW.path, bench.url), {
        method: 'POST',
        body,
        headers: {
          ...{ 'content-type': 'application/json', 'x-github-event': 'push', 'x-github-delivery': 'd' },
          ...headers,
        },
      })
      return (await answerOf(response)).status
    }
    const sha1 = { 'x-hub-signature': sign(body, SECRET, 'sha1') }
    expect(await only(false, sha1)).toBe(400)
    expect(await only(true, sha1)).toBe(202)
    expect(await only(true, { ...sha1, 'x-hub-signature-256': sign(body, 'another') })).toBe(400)
    expect(await only(true, {})).toBe(400)
  })

  test('a redelivery is the same event again; the same body under another id is 409 for a day', async () => {
    await using bench = await startBench()
    const body = '{"zen":"Design for failure."}'
    expect((await bench.post(body)).status).toBe(202)
    expect((await bench.post(body)).status).toBe(202)
    expect(bench.ingress.stored.map(({ attributes }) => attributes.get('id'))).toEqual(['d-1', 'd-1'])
    const replayed = { 'x-github-delivery': 'd-2' }
    expect(await answerOf(bench.post(body, replayed))).toMatchObject({ status: 409, code: 'DELIVERY_REPLAYED' })
    await bench.clock.advance(23 * HOUR_MS)
    expect(await answerOf(bench.post(body, replayed))).toMatchObject({ status: 409 })
    await bench.clock.advance(2 * HOUR_MS)
    expect((await bench.post(body, replayed)).status).toBe(202)
    expect(bench.ingress.stored).toHaveLength(3)
    expect(bench.telemetry.read(REQUESTS, { outcome: 'DELIVERY_REPLAYED' })).toBe(2)
  })

  test('a copy is known in another replica, and in this one while the control plane is away', async () => {
    await using bench = await startBench()
    await using other = await bench.start()
    await bench.desk.put({ ...ROW, hash: 'h2' })
    const there = await other.receiver.listen('127.0.0.1', 0)
    const post = (base: string, body: string, id: string) =>
      fetch(new URL(ROW.path, base), {
        method: 'POST',
        body,
        headers: {
          ...{ 'content-type': 'application/json', 'x-github-event': 'push', 'x-github-delivery': id },
          'x-hub-signature-256': sign(body),
        },
      })
    expect((await post(bench.url, '{"n":1}', 'a')).status).toBe(202)
    expect((await post(there, '{"n":1}', 'b')).status).toBe(409)
    bench.desk.isAway = true
    expect((await post(there, '{"n":2}', 'c')).status).toBe(202)
    expect((await post(there, '{"n":2}', 'd')).status).toBe(409)
  })

  test('SRC-14: an event that nobody asked for is 202 and goes nowhere, but only if it is signed', async () => {
    await using bench = await startBench({ eventTypes: ['push', 'issues'] })
    expect((await bench.post('{}', { 'x-github-event': 'ping' })).status).toBe(202)
    expect(await answerOf(bench.post('{}', { 'x-github-event': 'ping', 'x-hub-signature-256': 'no' }))).toMatchObject({
      status: 400,
    })
    expect(bench.ingress.requests).toHaveLength(0)
    expect((await bench.post('{"n":1}', { 'x-github-event': 'issues' })).status).toBe(202)
    expect(bench.ingress.stored).toHaveLength(1)
    expect(bench.telemetry.read(REQUESTS, { outcome: 'ignored' })).toBe(1)
  })

  test('SRC-14: what is no request of a webhook is told why', async () => {
    await using bench = await startBench({}, { maxBodyBytes: 1_000 })
    const told = (body: string | Buffer, headers: Record<string, string> = {}, path?: string) =>
      answerOf(bench.post(body, headers, path))
    expect(await told('{}', { 'x-github-event': '' })).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/x-github-event/),
    })
    expect(await told('{}', { 'x-github-event': '../etc' })).toMatchObject({ status: 400 })
    expect(await told('{}', { 'x-github-delivery': '' })).toMatchObject({ status: 400 })
    expect(await told('{"a":')).toMatchObject({ status: 400, code: 'REQUEST_MALFORMED' })
    expect(await told('[]')).toMatchObject({ status: 400 })
    expect(await told('')).toMatchObject({ status: 400 })
    expect(await told(Buffer.from([0x7b, 0xff, 0x7d]))).toMatchObject({ status: 400 })
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(await told('payload=%7B%7D', form)).toMatchObject({ status: 415, code: 'CONTENT_TYPE_UNSUPPORTED' })
    expect(await told('{}', { 'content-encoding': 'gzip' })).toMatchObject({ status: 415 })
    expect(await told(`{"a":"${'x'.repeat(2_000)}"}`)).toMatchObject({
      status: 413,
      detail: expect.stringMatching(/MAX_EVENT_BYTES/),
    })
    expect(await told('{}', {}, '/sources/default/githubsource/other')).toMatchObject({ status: 404 })
    expect(await told('{}', {}, '/sources/default/githubsource/hooks/')).toMatchObject({ status: 404 })
    expect(await told('{}', {}, '/elsewhere')).toMatchObject({ status: 404 })
    expect(await told('{}', {}, `/sources/default/githubsource/${'n'.repeat(253)}`)).toMatchObject({ status: 404 })
    expect(await told('{}', {}, '/sources/default/githubsource/%zz')).toMatchObject({ status: 400 })
    const got = await answerOf(fetch(new URL(ROW.path, bench.url)))
    expect(got).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' })
    expect(bench.ingress.requests).toHaveLength(0)
    expect(bench.telemetry.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('one that ends in the middle of its body leaves nothing behind', async () => {
    await using bench = await startBench()
    const { hostname, port } = new URL(bench.url)
    const socket = connect(Number(port), hostname)
    socket.write(
      `POST ${ROW.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":`,
    )
    socket.end()
    await new Promise((resolve) => socket.once('close', resolve).resume())
    await bench.sources.drain()
    expect(bench.ingress.requests).toHaveLength(0)
  })

  test('SRC-16: is 202 only once it is stored: 503 with the time to wait while the ingress is full, 400 for what it never takes', async () => {
    await using bench = await startBench()
    bench.ingress.respond = () => ({ status: 429, retryAfter: '7' })
    const busy = await bench.post('{"n":1}')
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '7'])
    bench.ingress.respond = () => 'unreachable'
    expect((await bench.post('{"n":1}')).status).toBe(503)
    bench.ingress.respond = () => ({ status: 413, body: '{"detail":"too large"}' })
    expect(await answerOf(bench.post('{"n":1}'))).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/too large/),
    })
    bench.ingress.respond = () => 202
    expect((await bench.post('{"n":1}')).status).toBe(202)
    expect(bench.ingress.stored).toHaveLength(1)
  })
})

describe('the secret of a webhook', () => {
  test('a new one is taken at once, the former for an hour', async () => {
    await using bench = await startBench()
    bench.desk.secrets.set('default/github/secret', 'a new one')
    await bench.desk.put({ ...ROW, hash: 'h2' })
    const with_ = async (secret: string, n: number) => {
      const body = JSON.stringify({ n })
      const headers = { 'x-hub-signature-256': sign(body, secret), 'x-github-delivery': `d-${n}` }
      return (await bench.post(body, headers)).status
    }
    expect([await with_('a new one', 1), await with_(SECRET, 2), await with_('neither', 3)]).toEqual([202, 202, 400])
    await bench.clock.advance(HOUR_MS + 1)
    expect([await with_('a new one', 4), await with_(SECRET, 5)]).toEqual([202, 400])
  })

  test('while it can not be had a request is 503, and an empty one signs nothing', async () => {
    await using bench = await startBench({
      uid: 'u2',
      secrets: { secretToken: { namespace: 'a', name: 'b', key: 'c' } },
    })
    expect(await answerOf(bench.post('{}'))).toMatchObject({
      status: 503,
      detail: expect.stringMatching(/key c of Secret a\/b/),
    })
    bench.desk.secrets.set('a/b/c', '')
    await bench.clock.advance(60_000)
    expect((await bench.post('{}', { 'x-hub-signature-256': sign('{}', '') })).status).toBe(400)
  })

  test('is in no line of the log', async () => {
    await using bench = await startBench()
    await bench.post('{"n":1}')
    await bench.post('{"n":2}', { 'x-hub-signature-256': 'wrong' })
    bench.ingress.respond = () => 'unreachable'
    await bench.post('{"n":3}')
    expect(JSON.stringify(bench.telemetry.lines)).not.toContain(SECRET)
  })
})
