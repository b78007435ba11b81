import { describe, expect, test } from '@jest/globals'
import { request } from 'undici'
import { startSink } from './sink.ts'

const post = async (url: string, id: string, body: string | Buffer = '') => {
  const { statusCode, headers, body: answer } = await request(url, { method: 'POST', headers: { 'ce-id': id }, body })
  return { statusCode, headers, text: await answer.text() }
}

describe('scripted sink', () => {
  test('answers by script and records who, order, gap, headers and body', async () => {
    await using sink = await startSink({
      respond: (_, n) => (n === 1 ? 503 : { status: 200, headers: { 'x-n': String(n) }, body: 'hello', delayMs: 5 }),
    })
    expect((await post(`${sink.url}/a`, 'one', 'first')).statusCode).toBe(503)
    const second = await post(`${sink.url}/b`, 'two', 'second')
    expect([second.statusCode, second.headers['x-n'], second.text]).toEqual([200, '2', 'hello'])
    const [first, last] = await sink.received(2)
    expect(first).toMatchObject({ n: 1, method: 'POST', path: '/a', id: 'one', gapMs: 0, headers: { 'ce-id': 'one' } })
    expect(first?.body.toString()).toBe('first')
    expect(last?.gapMs).toBe((last?.at ?? 0) - (first?.at ?? 0))
    expect(last?.from).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  test('a reset breaks the connection, a hang is open until the sink is disposed of', async () => {
    const sink = await startSink({ respond: (_, n) => (n === 1 ? 'reset' : 'hang') })
    await expect(post(sink.url, 'one')).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|SOCKET/) })
    const hanging = post(sink.url, 'two').catch((error: { code: string }) => error.code)
    await sink.received(2)
    expect(sink.open).toBe(1)
    await sink[Symbol.asyncDispose]()
    expect(await hanging).toMatch(/ECONNRESET|SOCKET/)
  })

  test('keeps no more requests and bytes than told, and still counts', async () => {
    await using sink = await startSink({ keepRequests: 1, keepBodyBytes: 4 })
    await post(sink.url, 'one', 'abcdefgh')
    await post(sink.url, 'two')
    expect(sink.count).toBe(2)
    expect(sink.requests.map(({ id, body }) => [id, body.toString()])).toEqual([['one', 'abcd']])
  })

  test('says how many came when too few did', async () => {
    await using sink = await startSink()
    await post(sink.url, 'one')
    await expect(sink.received(2, 20)).rejects.toThrow('no 2 requests within 20 ms, 1 requests came')
    await expect(sink.find('two', ({ id }) => id === 'two', 20)).rejects.toThrow('no two within 20 ms')
    expect(await sink.find('one', ({ id }) => id === 'one')).toMatchObject({ n: 1 })
  })
})
