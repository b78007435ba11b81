import { describe, expect, test } from '@jest/globals'
import { posting, postMany } from './load.ts'
import { judge } from './oracle.ts'
import { startSink } from './sink.ts'

const ids = (n: number) => Array.from({ length: n }, (_, index) => `e${index}`)
const events = (n: number) => ids(n).map((id) => posting(id))

describe('load client', () => {
  test('an event is about as large as asked and valid in binary mode', () => {
    const { headers, body } = posting('e1', { subject: 'here' })
    expect(Buffer.byteLength(body)).toBe(1024)
    expect(JSON.parse(String(body))).toMatchObject({ id: 'e1' })
    expect(headers).toMatchObject({ 'ce-specversion': '1.0', 'ce-id': 'e1', 'ce-subject': 'here' })
  })

  test('posts every event once, over no more connections than told', async () => {
    await using sink = await startSink({ respond: () => 202 })
    const result = await postMany({ url: `${sink.url}/default/default`, events: events(200), connections: 8 })
    expect(judge({ sent: ids(200), received: sink.requests.map(({ id }) => id) })).toMatchObject({
      missing: [],
      repeats: 0,
    })
    expect(result).toMatchObject({ refused: [], gaveUp: [], unanswered: [], unconnected: 0 })
    expect(new Set(result.accepted).size).toBe(200)
    expect(new Set(sink.requests.map(({ from }) => from)).size).toBeLessThanOrEqual(8)
    expect(sink.requests[0]?.path).toBe('/default/default')
  })

  test('posts again under the same id what broke, 429 and 503, and counts what may have been stored', async () => {
    await using sink = await startSink({
      respond: ({ n }) => (n === 1 ? 'reset' : n === 2 ? 503 : n === 3 ? 429 : 202),
    })
    const statuses: (number | undefined)[] = []
    const onRequest = ({ status }: { status: number | undefined }) => void statuses.push(status)
    const again = { pauseMs: 1 }
    const result = await postMany({ url: sink.url, events: events(5), connections: 1, again, onRequest })
    expect(statuses).toEqual([undefined, 503, 429, 202, 202, 202, 202, 202])
    expect(sink.requests.map(({ id }) => id)).toEqual(['e0', 'e0', 'e0', 'e0', 'e1', 'e2', 'e3', 'e4'])
    expect(result.accepted).toEqual(ids(5))
    expect(result).toMatchObject({ unanswered: ['e0'], failed: ['e0'] })
  })

  test('tells a refusal from an acceptance and from silence', async () => {
    await using sink = await startSink({ respond: ({ id }) => (id === 'e0' ? 400 : id === 'e1' ? 'reset' : 202) })
    const result = await postMany({ url: sink.url, events: events(3), connections: 1 })
    expect(result).toMatchObject({ accepted: ['e2'], refused: [{ id: 'e0', status: 400 }], gaveUp: ['e1'] })
  })

  test('goes to the next address when a request broke, and stays there', async () => {
    await using broken = await startSink({ respond: () => 'reset' })
    await using sink = await startSink({ respond: () => 202 })
    const url = { urls: [sink.url, broken.url], at: 1 }
    const result = await postMany({ url, events: events(3), connections: 1, again: { pauseMs: 1 } })
    expect([result.accepted, result.unanswered]).toEqual([ids(3), ['e0']])
    expect([broken.count, sink.count]).toEqual([1, 3])
  })

  test('gives up when its time is over, or told to', async () => {
    await using sink = await startSink({ respond: () => 'hang' })
    const result = await postMany({ url: sink.url, events: events(3), connections: 3, again: {}, timeoutMs: 50 })
    expect(result.gaveUp.toSorted()).toEqual(ids(3))
    const told = await postMany({ url: sink.url, events: events(1), connections: 1, signal: AbortSignal.abort() })
    expect(told.gaveUp).toEqual(ids(1))
  })
})
