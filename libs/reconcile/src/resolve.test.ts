import { describe, expect, test } from '@jest/globals'
import type { Contract, DeliveryRow, LogRow, Rows } from '@sluice/contract'
import { formatProblem, joinManifests, parseManifest } from '@sluice/resources'
import { failing, triggersNotInForce } from './conditions.ts'
import { withFormerTriggers } from './former-triggers.ts'
import { type Resolved, resolve } from './resolve.ts'
import { assignUids, type StoredObject } from './uids.ts'

const EMPTY: Contract = { epoch: 1, revision: 0, logs: [], ingresses: [], routes: [], deliveries: [] }
const WEEK_MS = 7 * 86_400_000
const RETENTION = { maxAgeMs: 86_400_000, maxBytes: 2 ** 30 }

/** Folders in a row, each seen by a reconciler that remembers what went before. */
function history(ingressUrl?: string, at = { now: 0 }) {
  let former = EMPTY
  let stored: readonly StoredObject[] = []
  let made = 0
  return (...texts: string[]) => {
    const parsed = joinManifests(texts.map((text, i) => parseManifest(`${i}.yaml`, new TextEncoder().encode(text))))
    expect(parsed.problems.map(formatProblem)).toEqual([])
    const uids = assignUids(parsed.resources, stored, former, () => `uid-${++made}`)
    const resolved = resolve({
      resources: parsed.resources,
      uids,
      former,
      services: { 'default/event-display': 'http://127.0.0.1:9000/' },
      ingressBase: 'http://127.0.0.1:8080',
      ingressUrl,
      backlogMaxBytes: 1000,
      retention: RETENTION,
      now: at.now,
      parkedRetentionMs: WEEK_MS,
    })
    stored = uids.objects
    former = { ...resolved.rows, epoch: 1, revision: former.revision + 1 }
    return resolved
  }
}

const broker = (name = 'default', rest = '') => `
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: {name: ${name}}
${rest}`

const trigger = (name: string, rest = 'subscriber: {uri: "http://sink/"}', brokerName = 'default') => `
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {name: ${name}}
spec:
  broker: ${brokerName}
  ${rest}`

const service = (name: string, url: string) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, annotations: {sluice.dev/url: "${url}"}}`

const reasons = (resolved: Resolved) =>
  resolved.statuses.map((status) => [
    `${status.kind} ${status.name}`,
    status.isProgrammed,
    failing(status).map((condition) => condition.reason),
  ])
const since = (rows: Rows) => rows.routes.map((route) => [route.name, route.since])

describe('rows', () => {
  test('RTY-01 the quickstart becomes one row of each kind, with every default filled in: ten retries', () => {
    const { rows } = history()(
      broker(),
      trigger('display', 'subscriber: {ref: {apiVersion: v1, kind: Service, name: event-display}}'),
    )
    expect(rows).toEqual({
      logs: [
        {
          uid: 'uid-1',
          kind: 'broker',
          hash: '',
          namespace: 'default',
          name: 'default',
          channel: 'log/default/default/uid-1',
          queues: 'queues/default/default/uid-1',
          lanes: 8,
          orderKey: 'partitionkey',
          retention: RETENTION,
        },
      ],
      ingresses: [
        { uid: 'uid-1', hash: '', namespace: 'default', name: 'default', path: '/default/default', log: 'uid-1' },
      ],
      routes: [
        {
          uid: 'uid-2',
          hash: '',
          namespace: 'default',
          name: 'display',
          log: 'uid-1',
          filter: {},
          delivery: 'uid-2',
          since: 0,
        },
      ],
      deliveries: [
        {
          uid: 'uid-2',
          hash: '',
          namespace: 'default',
          name: 'display',
          channel: 'queues/default/default/uid-1',
          subscriber: { url: 'http://127.0.0.1:9000/', internal: false },
          replyLog: 'uid-1',
          spec: { retry: 10, backoffPolicy: 'exponential', backoffDelayMs: 200, timeoutMs: 30_000 },
          maxInFlight: 256,
          backlogMaxBytes: 1000,
          strictReplies: false,
        },
      ],
    })
  })

  test.each([
    [
      'own spec',
      'delivery: {retry: 1, backoffPolicy: linear, backoffDelay: PT1S, timeout: PT5S}',
      [1, 'linear', 1000, 5000],
    ],
    ['own spec that says nothing of retry', 'delivery: {timeout: PT5S}', [0, 'exponential', 200, 5000]],
    ['own retry alone', 'delivery: {retry: 2}', [2, 'exponential', 200, 30_000]],
    ['own empty spec', 'delivery: {}', [0, 'exponential', 200, 30_000]],
    ["the Broker's spec", '', [7, 'exponential', 200, 9000]],
  ])(
    'RTY-03, RTY-04, RTY-05, RTY-08 a Trigger delivers by %s, never by a mixture but for the dead letter sink',
    (_, own, expected) => {
      const { rows } = history()(
        broker('default', 'spec: {delivery: {retry: 7, timeout: PT9S, deadLetterSink: {uri: "http://dead/"}}}'),
        trigger('t', `subscriber: {uri: "http://sink/"}\n  ${own}`),
      )
      const [delivery] = rows.deliveries
      expect(Object.values(delivery?.spec ?? {})).toEqual(expected)
      expect(delivery?.deadLetterSink?.url).toBe('http://dead/')
    },
  )

  test('every field of a delivery spec is in its row, whoever it is inherited from', () => {
    const spec =
      'delivery: {retry: 3, backoffPolicy: linear, backoffDelay: PT0.005S, timeout: PT1M0.25S, retryAfterMax: PT1H, backoffMax: PT2S, format: json}'
    const { rows } = history()(
      broker('default', `spec: {${spec}}`),
      trigger('a', 'subscriber: {uri: "http://sink/"}'),
      trigger('b', 'subscriber: {uri: "http://sink/"}\n  delivery: {retryAfterMax: PT0S}'),
    )
    expect(rows.deliveries.map((row) => row.spec)).toEqual([
      {
        ...{ retry: 3, backoffPolicy: 'linear', backoffDelayMs: 5, timeoutMs: 60_250, retryAfterMaxMs: 3_600_000 },
        ...{ backoffMaxMs: 2_000, format: 'json' },
      },
      { retry: 0, backoffPolicy: 'exponential', backoffDelayMs: 200, timeoutMs: 30_000, retryAfterMaxMs: 0 },
    ])
  })

  test.each([
    ['sluice.dev/order: none', undefined],
    ['sluice.dev/order: key', 'key'],
    ['sluice.dev/order: lane', 'lane'],
    ['kafka.eventing.knative.dev/delivery.order: ordered', 'key'],
    ['kafka.eventing.knative.dev/delivery.order: unordered', undefined],
    ['kafka.eventing.knative.dev/delivery.order: ordered, sluice.dev/order: lane', 'lane'],
  ])('a Trigger annotated %s keeps the order by %s', (annotations, order) => {
    const { rows } = history()(broker(), trigger('t').replace('{name: t}', `{name: t, annotations: {${annotations}}}`))
    expect(rows.deliveries[0]?.order).toBe(order)
  })

  test.each([
    ['sluice.dev/rate: "2.5"', { ratePerSecond: 2.5 }],
    ['sluice.dev/suspend: "true"', { suspend: true }],
    ['sluice.dev/suspend: "false"', {}],
    ['sluice.dev/dedup-window: PT10M', { dedupWindowMs: 600_000 }],
  ])('a Trigger annotated %s has that in its row, and nothing else', (annotations, expected) => {
    const { rows } = history()(broker(), trigger('t').replace('{name: t}', `{name: t, annotations: {${annotations}}}`))
    const { order, suspend, ratePerSecond, dedupWindowMs } = rows.deliveries[0] as DeliveryRow
    expect({ order, suspend, ratePerSecond, dedupWindowMs }).toEqual(expected)
  })

  test("RTY-06, RTY-07 a Trigger's own dead letter sink and backlog win over its Broker's, and the Broker's over the default", () => {
    const annotated = (size: string) => `metadata: {name: default, annotations: {sluice.dev/backlog-max: ${size}}}`
    const { rows } = history()(
      broker('default', 'spec: {delivery: {deadLetterSink: {uri: "http://theirs/"}}}').replace(
        'metadata: {name: default}',
        annotated('1Ki'),
      ),
      trigger('a', 'subscriber: {uri: "http://sink/"}\n  delivery: {deadLetterSink: {uri: "http://own/"}}').replace(
        '{name: a}',
        '{name: a, annotations: {sluice.dev/backlog-max: 1M}}',
      ),
      trigger('b'),
    )
    expect(rows.deliveries.map((row) => [row.name, row.deadLetterSink?.url, row.backlogMaxBytes])).toEqual([
      ['a', 'http://own/', 1_000_000],
      ['b', 'http://theirs/', 1024],
    ])
  })

  test.each([
    ['{ref: {apiVersion: v1, kind: Service, name: s}}', 'http://s.test/base/', false],
    ['{ref: {apiVersion: v1, kind: Service, name: s}, uri: /update}', 'http://s.test/update', false],
    ['{ref: {apiVersion: v1, kind: Service, name: s}, uri: "update?x=1"}', 'http://s.test/base/update?x=1', false],
    [
      '{ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default}}',
      'http://127.0.0.1:8080/default/default',
      true,
    ],
    ['{uri: "http://localhost:8080/default/other"}', 'http://localhost:8080/default/other', true],
    ['{uri: "http://127.0.0.1:8081/default/other"}', 'http://127.0.0.1:8081/default/other', false],
    ['{uri: "https://127.0.0.1:8080/default/other"}', 'https://127.0.0.1:8080/default/other', false],
  ])('subscriber %s is resolved to %s, internal: %s', (subscriber, url, internal) => {
    const { rows } = history()(broker(), service('s', 'http://s.test/base/'), trigger('t', `subscriber: ${subscriber}`))
    expect(rows.deliveries[0]?.subscriber).toEqual({ url, internal })
  })

  test('the address that others use is internal too, and a Broker is still reached without a detour over it', () => {
    const { rows } = history('https://events.example')(
      broker(),
      trigger('a', 'subscriber: {uri: "https://events.example/default/other"}'),
      trigger('b', 'subscriber: {ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default}}'),
      trigger('c', 'subscriber: {uri: "http://events.example/default/other"}'),
    )
    expect(rows.deliveries.map(({ subscriber }) => subscriber)).toEqual([
      { url: 'https://events.example/default/other', internal: true },
      { url: 'http://127.0.0.1:8080/default/default', internal: true },
      { url: 'http://events.example/default/other', internal: false },
    ])
  })

  test('a Service of the folder comes before a built-in of the same name', () => {
    const { rows } = history()(
      broker(),
      service('event-display', 'http://mine/'),
      trigger('t', 'subscriber: {ref: {apiVersion: v1, kind: Service, name: event-display}}'),
    )
    expect(rows.deliveries[0]?.subscriber.url).toBe('http://mine/')
  })
})

describe('what is missing', () => {
  test('a Trigger before its Broker is not programmed, and is as soon as the Broker appears, with the same uid', () => {
    const next = history()
    const before = next(trigger('t'))
    expect(reasons(before)).toEqual([['Trigger t', false, ['BrokerDoesNotExist']]])
    expect(before.rows).toEqual({ logs: [], ingresses: [], routes: [], deliveries: [] })
    const after = next(trigger('t'), broker())
    expect(reasons(after)).toEqual([
      ['Broker default', true, []],
      ['Trigger t', true, []],
    ])
    expect(after.rows.routes[0]?.uid).toBe(before.statuses[0]?.uid)
    expect(since(after.rows)).toEqual([['t', 0]])
  })

  test.each([
    ['a Service', 'subscriber: {ref: {apiVersion: v1, kind: Service, name: gone}}', 'SubscriberNotFound'],
    [
      'a Service elsewhere',
      'subscriber: {ref: {apiVersion: v1, kind: Service, name: event-display, namespace: other}}',
      'SubscriberNotFound',
    ],
    [
      'a Broker',
      'subscriber: {ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: gone}}',
      'SubscriberNotFound',
    ],
    [
      'a dead letter sink',
      'subscriber: {uri: "http://sink/"}\n  delivery: {deadLetterSink: {ref: {apiVersion: v1, kind: Service, name: gone}}}',
      'DeadLetterSinkNotFound',
    ],
  ])('a Trigger that names %s that is not there says so and leaves the others alone', (_, rest, reason) => {
    const resolved = history()(broker(), trigger('bad', rest), trigger('good'))
    expect(reasons(resolved)).toEqual([
      ['Broker default', true, []],
      ['Trigger bad', false, [reason]],
      ['Trigger good', true, []],
    ])
    expect(resolved.rows.deliveries.map((row) => row.name)).toEqual(['good'])
  })

  test('an edit that cannot be resolved keeps the last good rows, and says so', () => {
    const next = history()
    const good = next(broker(), trigger('t'))
    const edited = next(broker(), trigger('t', 'subscriber: {ref: {apiVersion: v1, kind: Service, name: gone}}'))
    expect(edited.rows).toEqual(good.rows)
    expect(reasons(edited)).toEqual([
      ['Broker default', true, []],
      ['Trigger t', true, ['SubscriberNotFound']],
    ])
  })

  test('a Broker whose dead letter sink is missing takes no events until it appears', () => {
    const next = history()
    const spec = 'spec: {delivery: {deadLetterSink: {ref: {apiVersion: v1, kind: Service, name: dead}}}}'
    const before = next(broker('default', spec), trigger('t'))
    expect(reasons(before)).toEqual([
      ['Broker default', false, ['NoAddress', 'DeadLetterSinkNotFound']],
      ['Trigger t', false, ['BrokerNotReady', 'DeadLetterSinkNotFound']],
    ])
    expect(before.rows.ingresses).toEqual([])
    const after = next(broker('default', spec), trigger('t'), service('dead', 'http://dead/'))
    expect(after.rows.deliveries[0]?.deadLetterSink).toEqual({ url: 'http://dead/', internal: false })
    const again = next(broker('default', spec), trigger('t'))
    expect(again.rows).toEqual(after.rows)
  })
})

describe('identity', () => {
  test('rows of unchanged objects stay the same while others come, change and go', () => {
    const next = history()
    const [first] = [next(broker(), trigger('a'), trigger('b'))]
    const second = next(broker(), trigger('a'), trigger('b', 'subscriber: {uri: "http://other/"}'), trigger('c'))
    expect(second.rows.logs).toEqual(first.rows.logs)
    expect(second.rows.routes.slice(0, 2)).toEqual(first.rows.routes)
    expect(second.rows.deliveries[0]).toEqual(first.rows.deliveries[0])
    expect(second.rows.deliveries[1]?.uid).toBe(first.rows.deliveries[1]?.uid)
    const third = next(broker(), trigger('a'))
    expect(third.rows.deliveries).toEqual([first.rows.deliveries[0]])
  })

  test('a new Trigger on an existing log takes events from the next revision on; older ones keep their beginning', () => {
    const next = history()
    expect(since(next(broker(), trigger('a')).rows)).toEqual([['a', 0]])
    const expected = [
      ['a', 0],
      ['b', 2],
    ]
    expect(since(next(broker(), trigger('a'), trigger('b')).rows)).toEqual(expected)
    expect(since(next(broker(), trigger('a'), trigger('b')).rows)).toEqual(expected)
  })

  test('BRK-10: a Broker deleted and made again is another one, with another log and other queues', () => {
    const next = history()
    const first = next(broker(), trigger('t'))
    expect(next(trigger('t')).rows.logs).toEqual([])
    const again = next(broker(), trigger('t'))
    expect(again.rows.logs[0]?.channel).not.toBe(first.rows.logs[0]?.channel)
    expect(again.rows.logs[0]?.queues).not.toBe(first.rows.logs[0]?.queues)
    expect(again.rows.routes[0]).toMatchObject({
      uid: first.rows.routes[0]?.uid,
      log: again.rows.logs[0]?.uid,
      since: 0,
    })
  })

  test('a Trigger deleted and made again, or moved to another Broker, is another one', () => {
    const next = history()
    const uid = (rows: Rows) => rows.routes[0]?.uid
    const first = next(broker(), broker('other'), trigger('t'))
    next(broker(), broker('other'))
    const again = next(broker(), broker('other'), trigger('t'))
    const moved = next(broker(), broker('other'), trigger('t', undefined, 'other'))
    expect(new Set([uid(first.rows), uid(again.rows), uid(moved.rows)]).size).toBe(3)
    expect(since(again.rows)).toEqual([['t', 3]])
    expect(since(moved.rows)).toEqual([['t', 4]])
  })

  test('a log remembers Triggers that were deleted or moved away, by queue and name, while their events can be parked', () => {
    const at = { now: 1_000 }
    const next = history(undefined, at)
    const former = (resolved: Resolved) => resolved.rows.logs.map(({ name, formerTriggers }) => [name, formerTriggers])
    const first = next(broker(), broker('other'), trigger('a'), trigger('b'))
    expect(former(first)).toEqual([
      ['default', undefined],
      ['other', undefined],
    ])
    const [a, b] = first.rows.deliveries.map(({ uid }) => uid)
    const goneA = { queue: a, name: 'a', goneAt: 1_000 }
    const goneB = { queue: b, name: 'b', goneAt: 2_000 }
    expect(former(next(broker(), broker('other'), trigger('b')))[0]).toEqual(['default', [goneA]])
    at.now = 2_000
    expect(former(next(broker(), broker('other'), trigger('a'), trigger('b', undefined, 'other')))).toEqual([
      ['default', [goneA, goneB]],
      ['other', undefined],
    ])
    at.now = 1_000 + WEEK_MS + 86_400_000
    expect(former(next(broker(), broker('other'), trigger('a')))[0]).toEqual(['default', [goneB]])
  })

  test('a log remembers 1,000 of them, the longest gone forgotten first', () => {
    const { logs, deliveries } = history()(broker(), trigger('newest')).rows
    const formerTriggers = Array.from({ length: 1_000 }, (_, i) => ({ queue: `q${i}`, name: `n${i}`, goneAt: 0 }))
    const [log] = logs.map((row) => ({ ...row, formerTriggers }))
    const former = { logs: [log as LogRow], deliveries }
    const kept = withFormerTriggers(log as LogRow, { former, deliveries: [], now: 1, parkedRetentionMs: WEEK_MS })
    expect(kept.formerTriggers?.map(({ name }) => name)).toEqual([
      ...formerTriggers.slice(1).map(({ name }) => name),
      'newest',
    ])
  })

  test('lanes are fixed for the life of a Broker; an edit is reported and has no effect', () => {
    const next = history()
    const lanes = (count: number) =>
      broker().replace('{name: default}', `{name: default, annotations: {sluice.dev/lanes: "${count}"}}`)
    next(lanes(4))
    const edited = next(lanes(16))
    expect(edited.rows.logs[0]?.lanes).toBe(4)
    expect(reasons(edited)).toEqual([['Broker default', true, ['LanesFixed']]])
  })

  test('uids survive the loss of the stored objects by way of the contract', () => {
    const parsed = joinManifests([parseManifest('a.yaml', new TextEncoder().encode(`${broker()}\n---${trigger('t')}`))])
    const rows = { ...EMPTY, ...history()(broker(), trigger('t')).rows }
    const uids = assignUids(parsed.resources, [], rows, () => 'new')
    expect(uids.objects.map((object) => object.uid)).toEqual(['uid-1', 'uid-2'])
  })
})

test('triggers of a Broker that are not in force are told with what keeps them', () => {
  const gone = 'subscriber: {ref: {apiVersion: v1, kind: Service, name: gone}}'
  const { statuses } = history()(
    broker(),
    broker('other'),
    trigger('a', gone),
    trigger('b'),
    trigger('c', gone, 'other'),
  )
  expect(triggersNotInForce(statuses, 'default', 'default')).toEqual([
    { name: 'a', reason: 'SubscriberResolved is False, SubscriberNotFound: Service default/gone does not exist' },
  ])
  expect(triggersNotInForce(statuses, 'elsewhere', 'default')).toEqual([])
})
