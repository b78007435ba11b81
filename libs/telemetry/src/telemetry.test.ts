import { describe, expect, test } from '@jest/globals'
import { EventingError } from '@sluice/errors'
import { createTelemetry } from './create-telemetry.ts'
import { MAX_LABEL_SETS } from './labels.ts'
import { startMetrics } from './metrics.ts'
import { createTestTelemetry } from './testing.ts'

function captured(logLevel: 'debug' | 'info' | 'warn' = 'debug') {
  const lines: string[] = []
  const telemetry = createTelemetry({
    service: 'ingress',
    logLevel,
    logTo: { write: (line) => void lines.push(line) },
  })
  return { telemetry, lines, last: () => JSON.parse(lines.at(-1) ?? '') as Record<string, unknown> }
}

describe('log', () => {
  test('one JSON line with ISO time, level in words, service, fields and a static message', () => {
    const { telemetry, lines, last } = captured()
    telemetry.log.warn({ eventId: '1' }, 'event dead-lettered')
    expect(lines).toEqual([expect.stringMatching(/^\{.*\}\n$/)])
    expect(last()).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      service: 'ingress',
      eventId: '1',
      msg: 'event dead-lettered',
    })
  })

  test('lines below the level are not written', () => {
    const { telemetry, lines } = captured('warn')
    telemetry.log.info({}, 'started')
    expect(lines).toEqual([])
  })

  test('our errors are written with code and cause, without a stack', () => {
    const { telemetry, last } = captured()
    const cause = Object.assign(new Error('no route'), { code: 'ENETUNREACH' })
    const detail = { code: 'SINK_UNREACHABLE', sink: 'http://sink', reason: 'no route' } as const
    telemetry.log.error({ error: new EventingError(detail, 'unreachable', { cause }) }, 'not delivered')
    expect(last().error).toEqual({
      name: 'EventingError',
      message: 'unreachable',
      detail,
      cause: { name: 'Error', message: 'no route', code: 'ENETUNREACH', stack: expect.any(String) },
    })
  })

  test('an error that is its own cause ends', () => {
    const { telemetry, last } = captured()
    const error = new Error('loop')
    error.cause = error
    telemetry.log.error({ error }, 'odd')
    expect(last().msg).toBe('odd')
  })
})

describe('instruments', () => {
  const description = 'what it counts'

  test('a bound counter and one with labels in any order are the same number', () => {
    const t = createTestTelemetry()
    const counter = t.counter('ingress_events_total', { description })
    counter.bind({ broker: 'b', code: 202 }).add(2)
    counter.add(3, { code: 202, broker: 'b' })
    counter.add(1, { code: 400, broker: 'b' })
    expect(t.read('ingress_events_total', { code: 202 })).toBe(5)
    expect(t.read('ingress_events_total')).toBe(6)
  })

  test('a name asked for twice is one instrument', () => {
    const t = createTestTelemetry()
    t.counter('filter_events_total', { description }).add(1)
    t.counter('filter_events_total', { description }).add(1)
    expect(t.read('filter_events_total')).toBe(2)
  })

  test.each(['Events', 'events_count', 'nounderscore', 'ingress_bytes__total'])('%s is no counter name', (name) => {
    expect(() => createTestTelemetry().counter(name, { description })).toThrow(/is not a name for a counter/)
  })

  test('label sets are bounded: the rest is summed, nothing is lost', () => {
    const t = createTestTelemetry()
    const counter = t.counter('odd_things_total', { description })
    for (let id = 0; id < MAX_LABEL_SETS + 100; id++) counter.add(1, { id })
    for (let id = 0; id < MAX_LABEL_SETS + 100; id++) counter.add(1, { id })
    expect(t.read('odd_things_total')).toBe(2 * (MAX_LABEL_SETS + 100))
    expect(t.read('odd_things_total', { otel_metric_overflow: 'true' })).toBe(200)
  })

  test('a gauge is asked at each reading until it is disposed', () => {
    const t = createTestTelemetry()
    let waiting = 3
    const gauge = t.gauge('dispatch_backlog_events', { description }, () => [{ value: waiting }])
    expect(t.read('dispatch_backlog_events')).toBe(3)
    waiting = 4
    expect(t.read('dispatch_backlog_events')).toBe(4)
    gauge[Symbol.dispose]()
    expect(t.read('dispatch_backlog_events')).toBe(0)
  })
})

describe('startMetrics', () => {
  const description = 'what it shows'

  test('Prometheus text with counters, histograms and gauges, made before or after the start', async () => {
    const { telemetry } = captured()
    telemetry.counter('ingress_events_total', { description }).add(7, { code: 202 })
    await using metrics = await startMetrics({ host: '127.0.0.1', port: 0, service: 'ingress', telemetry })
    const latency = telemetry.histogram('kn.eventing.dispatch.duration', { description, unit: 's' })
    for (const seconds of [0.004, 0.005, 0.3, 99, Number.NaN]) latency.record(seconds, { code: 202 })
    telemetry.gauge('dispatch_backlog_events', { description }, () => [{ value: 3, labels: { trigger: 'default/t' } }])

    const response = await fetch(metrics.url)
    const text = await response.text()

    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'ingress_events_total{code="202"} 7',
        '# TYPE kn_eventing_dispatch_duration histogram',
        'kn_eventing_dispatch_duration_count{code="202"} 4',
        'kn_eventing_dispatch_duration_bucket{code="202",le="0.005"} 2',
        'kn_eventing_dispatch_duration_bucket{code="202",le="0.25"} 2',
        'kn_eventing_dispatch_duration_bucket{code="202",le="0.5"} 3',
        'kn_eventing_dispatch_duration_bucket{code="202",le="10"} 3',
        'kn_eventing_dispatch_duration_bucket{code="202",le="+Inf"} 4',
        'dispatch_backlog_events{trigger="default/t"} 3',
      ]),
    )
    expect(text).toMatch(/^target_info\{.*service_name="ingress".*\} 1$/m)
  })

  test('a scrape shows what was added since the one before', async () => {
    const { telemetry } = captured()
    await using metrics = await startMetrics({ host: '127.0.0.1', port: 0, service: 'ingress', telemetry })
    const bound = telemetry.counter('ingress_events_total', { description }).bind({})
    bound.add(1)
    expect(await (await fetch(metrics.url)).text()).toMatch(/^ingress_events_total 1$/m)
    bound.add(41)
    expect(await (await fetch(metrics.url)).text()).toMatch(/^ingress_events_total 42$/m)
  })

  test('other paths are 404 and other methods 405', async () => {
    const { telemetry } = captured()
    await using metrics = await startMetrics({ host: '127.0.0.1', port: 0, service: 'ingress', telemetry })
    expect((await fetch(new URL('/', metrics.url))).status).toBe(404)
    expect((await fetch(metrics.url, { method: 'POST' })).status).toBe(405)
  })

  test('a port in use is PORT_IN_USE', async () => {
    const { telemetry } = captured()
    await using metrics = await startMetrics({ host: '127.0.0.1', port: 0, service: 'ingress', telemetry })
    const port = Number(new URL(metrics.url).port)
    await expect(startMetrics({ host: '127.0.0.1', port, service: 'ingress', telemetry })).rejects.toMatchObject({
      detail: { code: 'PORT_IN_USE', port },
    })
  })
})
