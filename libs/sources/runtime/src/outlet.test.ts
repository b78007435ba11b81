import { describe, expect, test } from '@jest/globals'
import type { Telemetry } from '@sluice/telemetry'
import { settle } from '@sluice/testkit'
import { bench, eventOf, ROW } from '../test/bench.ts'
import { sourceEvents, sourcesTelemetry } from './events.ts'
import { openOutlet } from './outlet.ts'

const HOUR_MS = 3_600_000
const never = new AbortController().signal

function open(changes: Partial<typeof ROW> = {}, tracing: Partial<Pick<Telemetry, 'startSpan'>> = {}) {
  const all = bench()
  const seen: string[] = []
  const watcher = {
    stored: () => void seen.push('stored'),
    refused: (problem: string) => void seen.push(`refused: ${problem}`),
    unavailable: (problem: string) => void seen.push(`unavailable: ${problem}`),
  }
  const row = { ...ROW, ...changes }
  const events = sourceEvents(sourcesTelemetry(all.telemetry), row)
  const outlet = openOutlet({
    ...all.deps,
    ...{ row, events, watcher, timeoutMs: 30_000, telemetry: { startSpan: undefined, ...tracing } },
  })
  return { ...all, outlet, seen }
}

describe('the outlet of a source', () => {
  test('posts in binary mode to its target, with the namespace, the time and the overrides of the row', async () => {
    const { outlet, ingress, clock } = open({ ceOverrides: { Team: 'blue' } })
    expect(await outlet.publish(eventOf('1'), never)).toEqual({ outcome: 'stored' })
    const [request] = ingress.requests
    expect(request?.url).toBe('http://127.0.0.1:8080/shop/default')
    expect(request?.headers).toEqual({
      ...{ 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't', 'ce-team': 'blue' },
      ...{ 'ce-time': new Date(clock.now()).toISOString(), 'content-type': 'application/json', 'kn-namespace': 'shop' },
    })
    expect(request?.event.data?.toString()).toBe('{}')
  })

  test.each([429, 503, 500, 404, 401, 302, 'unreachable' as const])(
    'keeps an event for an hour of %s and posts the very same one then',
    async (answer) => {
      const { outlet, ingress, clock, telemetry, ids } = open()
      ingress.respond = () => answer
      const published = outlet.publish(eventOf('1'), never)
      await clock.advance(HOUR_MS)
      expect(ids()).toEqual([])
      expect(outlet.waitingMs()).toBe(HOUR_MS)
      ingress.respond = () => 202
      await clock.advance(10_000)
      expect(await published).toEqual({ outcome: 'stored' })
      expect(new Set(ingress.requests.map(({ headers }) => JSON.stringify(headers))).size).toBe(1)
      expect(ingress.requests.length).toBeLessThan(400)
      expect(telemetry.read('source_retries_total', { kind: 'PingSource', namespace: 'shop', name: 'ping' })).toBe(
        ingress.requests.length - 1,
      )
      expect(telemetry.read('source_events_total', { outcome: 'stored' })).toBe(1)
      expect(outlet.waitingMs()).toBe(0)
    },
  )

  test.each([400, 413, 415, 431])(
    'an event answered %i is refused for good: counted, logged and told',
    async (status) => {
      const { outlet, ingress, telemetry, seen } = open()
      ingress.respond = () => ({ status, body: JSON.stringify({ detail: 'too large' }) })
      expect(await outlet.publish(eventOf('1'), never)).toEqual({
        ...{ outcome: 'refused', status, problem: `answered ${status}: too large` },
      })
      expect(ingress.requests).toHaveLength(1)
      expect(telemetry.read('source_events_total', { outcome: 'refused' })).toBe(1)
      expect(telemetry.lines.filter(({ level }) => level === 'error')).toMatchObject([{ fields: { id: '1', status } }])
      expect(seen).toEqual([`refused: answered ${status}: too large`])
    },
  )

  test('waits as long as Retry-After asks, a minute at most', async () => {
    const { outlet, ingress, clock } = open()
    ingress.respond = ({ n }) => (n === 1 ? { status: 429, retryAfter: '7' } : { status: 503, retryAfter: '9999' })
    void outlet.publish(eventOf('1'), never)
    await clock.advance(6_999)
    expect(ingress.requests).toHaveLength(1)
    await clock.advance(1)
    expect(ingress.requests).toHaveLength(2)
    await clock.advance(60_000)
    expect(ingress.requests).toHaveLength(3)
  })

  test('an abort ends the waiting and the request under way', async () => {
    for (const answer of [503, 'hang'] as const) {
      const { outlet, ingress } = open()
      const stop = new AbortController()
      ingress.respond = () => answer
      const published = outlet.publish(eventOf('1'), stop.signal)
      await settle()
      stop.abort()
      expect(await published).toEqual({ outcome: 'aborted' })
    }
  })

  test('offers an event once, and says how long to wait', async () => {
    const { outlet, ingress } = open()
    ingress.respond = () => ({ status: 503, retryAfter: '2' })
    expect(await outlet.offer(eventOf('1'), never)).toEqual({
      ...{ outcome: 'unavailable', status: 503, problem: 'answered 503', retryAfterMs: 2_000 },
    })
    expect(ingress.requests).toHaveLength(1)
    ingress.respond = () => 'unreachable'
    expect(await outlet.offer(eventOf('1'), never)).toMatchObject({ outcome: 'unavailable', status: 0 })
    ingress.respond = () => 202
    expect(await outlet.offer(eventOf('1'), never)).toEqual({ outcome: 'stored' })
  })

  test('goes on with the trace that the event came with', async () => {
    const { outlet, ingress } = open()
    await outlet.offer(eventOf('1'), never, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')
    expect(ingress.requests[0]?.headers.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-/)
  })

  test('has a span of its own within that trace, with the status of the answer', async () => {
    const spans: unknown[] = []
    const startSpan: NonNullable<Telemetry['startSpan']> = (name, kind, parent, attributes) => {
      const span = { name, kind, parent, attributes, status: 0, ended: false }
      spans.push(span)
      return {
        traceparent: '00-trace-own-01',
        setStatus(status) {
          span.status = status
        },
        end() {
          span.ended = true
        },
      }
    }
    const { outlet, ingress } = open({}, { startSpan })
    await outlet.offer(eventOf('1'), never, '00-trace-parent-01')
    expect(ingress.requests[0]?.headers.traceparent).toBe('00-trace-own-01')
    const url = 'http://127.0.0.1:8080/shop/default'
    expect(spans).toEqual([
      {
        ...{ name: 'source', kind: 'client', parent: '00-trace-parent-01', attributes: { 'url.full': url } },
        ...{ status: 202, ended: true },
      },
    ])
  })

  test('an attribute that can be none refuses the event, and rejects nothing', async () => {
    const { outlet, ingress, telemetry } = open({ ceOverrides: { 'not-one': 'x' } })
    expect(await outlet.publish(eventOf('1'), never)).toMatchObject({ outcome: 'refused', status: 0 })
    expect(ingress.requests).toHaveLength(0)
    expect(telemetry.read('source_events_total', { outcome: 'refused' })).toBe(1)
  })
})
