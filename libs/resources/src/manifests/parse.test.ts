import { describe, expect, test } from '@jest/globals'
import { apiTable } from '../api/index.ts'
import { formatProblem, joinFiles, manifestParser } from './index.ts'

const parseFile = manifestParser(apiTable())

const parse = (...texts: readonly string[]) =>
  joinFiles(texts.map((text, i) => parseFile(`${'abc'[i]}.yaml`, new TextEncoder().encode(text.replace(/^\n/, '')))))
const problems = (...texts: readonly string[]) => parse(...texts).problems.map(formatProblem)

const trigger = (spec: string, metadata = 'name: t') => `
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {${metadata}}
spec:
  broker: default
  subscriber: {uri: "http://sink/"}
  ${spec}
`
const annotated = (kind: string, annotation: string) => `
apiVersion: eventing.knative.dev/v1
kind: ${kind}
metadata:
  name: x
  annotations:
    ${annotation}
${kind === 'Trigger' ? 'spec: {broker: default, subscriber: {uri: "http://sink/"}}' : ''}
`

describe('what is accepted', () => {
  test('the YAML of Knative becomes objects of the API as written, what is null left out', () => {
    const { objects, problems } = parse(`
# comments and empty documents are fine
---
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata:
  name: orders
  namespace: shop
  creationTimestamp: null
  labels: {team: a}
  annotations:
    eventing.knative.dev/broker.class: MTChannelBasedBroker
    eventing.knative.dev/creator: someone
    argocd.argoproj.io/sync-wave: "1"
    sluice.dev/order-key: tenant
    sluice.dev/lanes: "16"
    sluice.dev/backlog-max: 1Gi
    sluice.dev/backlog-full: block
spec:
  config:
  delivery:
    retry: 5
    backoffPolicy: exponential
    backoffDelay: PT1S
    timeout: PT10S
    deadLetterSink: {uri: http://dlq.shop.svc/}
status: {}
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata:
  name: billing
  namespace: shop
  annotations: {sluice.dev/max-in-flight: "10", sluice.dev/strict-replies: "true"}
spec:
  broker: orders
  filter:
    attributes: {type: order.paid, subject: ""}
  subscriber:
    ref: {apiVersion: v1, kind: Service, name: billing}
    uri: /events
---
apiVersion: v1
kind: Service
metadata: {name: billing, namespace: shop, annotations: {sluice.dev/url: "http://127.0.0.1:3000/base"}}
spec:
  selector: {app: billing}
  ports: [{port: 80, targetPort: 8080}]
---
`)
    expect(problems).toEqual([])
    expect(objects.map(({ label, at }) => [label, at])).toEqual([
      ['Broker shop/orders', 'a.yaml:6:9'],
      ['Trigger shop/billing', 'a.yaml:31:9'],
      ['Service shop/billing', 'a.yaml:44:18'],
    ])
    expect(objects[0]?.object).toEqual({
      ...{ apiVersion: 'eventing.knative.dev/v1', kind: 'Broker' },
      metadata: {
        ...{ name: 'orders', namespace: 'shop', labels: { team: 'a' } },
        annotations: expect.objectContaining({ 'sluice.dev/lanes': '16' }),
      },
      spec: {
        delivery: {
          ...{ retry: 5, backoffPolicy: 'exponential', backoffDelay: 'PT1S', timeout: 'PT10S' },
          deadLetterSink: { uri: 'http://dlq.shop.svc/' },
        },
      },
    })
  })

  test('a List is flattened', () => {
    const list = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      metadata: { resourceVersion: '' },
      items: ['a', 'b'].map((name) => ({
        apiVersion: 'eventing.knative.dev/v1',
        kind: 'Broker',
        metadata: { name },
      })),
    })
    expect(parse(list).objects.map(({ object }) => object.metadata.name)).toEqual(['a', 'b'])
  })

  test('the same name in another namespace or kind is another object; anchors stand for what they name', () => {
    const { objects, problems } = parse(
      trigger('', 'name: t, namespace: one'),
      trigger('', 'name: t, namespace: two'),
      'apiVersion: v1\nkind: Service\nmetadata: {name: &n t, namespace: one, labels: {app: *n}, annotations: {sluice.dev/url: "http://t/"}}',
    )
    expect(problems).toEqual([])
    expect(objects).toHaveLength(3)
  })

  test('every kind of the API that may be written, each in its own scope', () => {
    const { objects, problems } = parse(
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}',
      'apiVersion: messaging.knative.dev/v1\nkind: Channel\nmetadata: {name: c, namespace: shop}',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: b}',
    )
    expect(problems).toEqual([])
    expect(objects.map(({ label }) => label)).toEqual(['Namespace shop', 'Channel shop/c', 'ConfigMap default/m'])
  })
})

describe('what is refused', () => {
  test.each([
    ['spec: {broker: b}', ['a.yaml:4:1: spec.subscriber: is required (Trigger default/t)']],
    ['spec: {broker: b, subscriber: {}}', ['a.yaml:4:19: spec.subscriber: needs a ref or a uri (Trigger default/t)']],
    ['spec:\n', ['a.yaml:4:1: spec: is required (Trigger default/t)']],
    [
      'spec: {subscriber: {ref: {apiVersion: v1, kind: Service}}}',
      ['a.yaml:4:21: spec.subscriber.ref.name: is required (Trigger default/t)'],
    ],
    [
      'spec: {broker: b, brokerRef: {name: b}, subscriber: {uri: "http://s"}}',
      [
        'a.yaml:4:19: spec.brokerRef.apiVersion: is required (Trigger default/t)',
        'a.yaml:4:19: spec.brokerRef.kind: is required (Trigger default/t)',
      ],
    ],
  ])('TRG-03, TRG-12: a Trigger with %j', (spec, expected) => {
    expect(problems(`apiVersion: eventing.knative.dev/v1\nkind: Trigger\nmetadata: {name: t}\n${spec}`)).toEqual(
      expected,
    )
  })

  test.each([
    ['retry: -1', '21: spec.delivery.retry: must be at least 0'],
    ['retry: 1.5', '21: spec.delivery.retry: must be a whole number, found 1.5'],
    ['retry: 2147483648', '21: spec.delivery.retry: must be at most 2147483647'],
    ['retry: "1"', '21: spec.delivery.retry: must be a number, found "1"'],
    ['timeout: PT0S', '23: spec.delivery.timeout: must be longer than nothing: leave it out for the default'],
    [
      'timeout: 5s',
      '23: spec.delivery.timeout: must be an ISO 8601 duration such as "PT0.2S", "PT30S" or "PT1M", found "5s"',
    ],
    [
      'backoffDelay: -PT1S',
      '28: spec.delivery.backoffDelay: must be an ISO 8601 duration such as "PT0.2S", "PT30S" or "PT1M", found "-PT1S"',
    ],
    ['backoffPolicy: cubic', '29: spec.delivery.backoffPolicy: must be "linear" or "exponential", found "cubic"'],
    [
      'retryAfterMax: soon',
      '29: spec.delivery.retryAfterMax: must be an ISO 8601 duration such as "PT0.2S", "PT30S" or "PT1M", found "soon"',
    ],
    ['retryAfterMax: PT0.0001S', '29: spec.delivery.retryAfterMax: is finer than a millisecond, found "PT0.0001S"'],
    ['backoffMax: PT0S', '26: spec.delivery.backoffMax: must be longer than nothing: leave it out for the default'],
    ['format: JSON', '22: spec.delivery.format: must be "json" or "binary", found "JSON"'],
    ['deadLetterSink: {}', '14: spec.delivery.deadLetterSink: needs a ref or a uri'],
    [
      'deadLetterSink: {uri: dlq}',
      '36: spec.delivery.deadLetterSink.uri: must be a URL such as "http://host/path", found "dlq"',
    ],
  ])('BRK-07, RTY-14: delivery %s', (delivery, expected) => {
    expect(problems(trigger(`delivery: {${delivery}}`))).toEqual([`a.yaml:7:${expected} (Trigger default/t)`])
  })

  test.each([
    ['{uri: "ftp://a/"}', '6:21: spec.subscriber.uri: must be a URL such as "http://host/path", found "ftp://a/"'],
    ['{uri: "http:///x"}', '6:21: spec.subscriber.uri: must be a URL such as "http://host/path", found "http:///x"'],
    ['{uri: "http://a:b@c/"}', '6:21: spec.subscriber.uri: must not hold credentials: rows and logs would show them'],
    ['{uri: "http://a/#b"}', '6:21: spec.subscriber.uri: must not have a fragment'],
    ['{uri: "http://a/", CACerts: x}', '6:43: spec.subscriber.CACerts: must be certificates in PEM'],
    [
      '{ref: {apiVersion: v1, kind: Service, name: a}, uri: "http://b/"}',
      '6:68: spec.subscriber.uri: must be relative beside a ref: drop one',
    ],
    [
      '{ref: {apiVersion: v1, kind: Service, name: a}, uri: "//b/"}',
      '6:68: spec.subscriber.uri: must be relative beside a ref: drop one',
    ],
  ])('a subscriber %s', (subscriber, expected) => {
    const text = trigger('').replace('{uri: "http://sink/"}', subscriber)
    expect(problems(text)).toEqual([`a.yaml:${expected} (Trigger default/t)`])
  })

  test.each([
    [
      'Broker',
      'eventing.knative.dev/broker.class: ""',
      '40: ["eventing.knative.dev/broker.class"]: must not be empty: leave it out for the default class',
    ],
    ['Broker', 'sluice.dev/lanes: "65"', '23: ["sluice.dev/lanes"]: must be a whole number from 1 to 64, found "65"'],
    ['Broker', 'sluice.dev/lanes: 8', '23: ["sluice.dev/lanes"]: must be a string, found 8: put it in quotes'],
    [
      'Broker',
      'sluice.dev/order-key: Tenant',
      '27: ["sluice.dev/order-key"]: must be the name of an event attribute, lower-case letters and digits, found "Tenant"',
    ],
    ['Broker', 'sluice.dev/max-in-flight: "1"', '5: ["sluice.dev/max-in-flight"]: belongs on a Trigger'],
    [
      'Broker',
      'sluice.dev/lane: "8"',
      '5: ["sluice.dev/lane"]: is not an annotation of this kind: did you mean "sluice.dev/lanes"?',
    ],
    [
      'Trigger',
      'sluice.dev/max-in-flight: "0"',
      '31: ["sluice.dev/max-in-flight"]: must be a whole number from 1 to 1000, found "0"',
    ],
    [
      'Trigger',
      'sluice.dev/max-inflight: "1"',
      '5: ["sluice.dev/max-inflight"]: is not an annotation of this kind: did you mean "sluice.dev/max-in-flight"?',
    ],
    [
      'Trigger',
      'sluice.dev/backlog-full: shed',
      '30: ["sluice.dev/backlog-full"]: is not supported yet: use "block", found "shed"',
    ],
    [
      'Trigger',
      'sluice.dev/backlog-max: 1GB',
      '29: ["sluice.dev/backlog-max"]: must be a quantity of bytes such as "64Mi" or "1G", found "1GB"',
    ],
    [
      'Trigger',
      'sluice.dev/strict-replies: "yes"',
      '32: ["sluice.dev/strict-replies"]: must be "true" or "false", found "yes"',
    ],
    ['Trigger', 'sluice.dev/order: keys', '23: ["sluice.dev/order"]: must be "none" or "key" or "lane", found "keys"'],
    ...['0', '-1', '1e3', '5/s', '0.0001', '1000001', ''].map((rate): [string, string, string] => [
      'Trigger',
      `sluice.dev/rate: "${rate}"`,
      `22: ["sluice.dev/rate"]: must be a number of events per second from 0.001 to 1000000, found "${rate}"`,
    ]),
    ['Trigger', 'sluice.dev/suspend: "yes"', '25: ["sluice.dev/suspend"]: must be "true" or "false", found "yes"'],
    [
      'Trigger',
      'sluice.dev/dedup-window: 5m',
      '30: ["sluice.dev/dedup-window"]: must be an ISO 8601 duration such as "PT0.2S", "PT30S" or "PT1M", found "5m"',
    ],
    ...['PT0S', 'PT24H0.001S'].map((window): [string, string, string] => [
      'Trigger',
      `sluice.dev/dedup-window: ${window}`,
      `30: ["sluice.dev/dedup-window"]: must be longer than nothing and at most 24 hours, found "${window}"`,
    ]),
    ['Broker', 'sluice.dev/suspend: "true"', '5: ["sluice.dev/suspend"]: belongs on a Trigger'],
    [
      'Trigger',
      'kafka.eventing.knative.dev/delivery.order: sorted',
      '48: ["kafka.eventing.knative.dev/delivery.order"]: must be "ordered" or "unordered", found "sorted"',
    ],
    ['Broker', 'sluice.dev/order: key', '5: ["sluice.dev/order"]: belongs on a Trigger'],
    [
      'Trigger',
      'sluice.dev/order: none\n    kafka.eventing.knative.dev/delivery.order: ordered',
      '23: ["sluice.dev/order"]: says "none" and kafka.eventing.knative.dev/delivery.order says "ordered": remove one',
    ],
    ['Trigger', 'knative.dev/dependency: "{}"', '29: ["knative.dev/dependency"]: lacks kind, name, apiVersion'],
    ['Trigger', 'sluice.dev/order-key: a', '5: ["sluice.dev/order-key"]: belongs on a Broker'],
  ])('TRG-13: a %s annotated %s', (kind, annotation, expected) => {
    const [column, ...rest] = expected.split(': ')
    expect(problems(annotated(kind, annotation))).toEqual([
      `a.yaml:6:${column}: metadata.annotations${rest.join(': ')} (${kind} default/x)`,
    ])
  })

  test.each([
    [
      'name: T',
      '18: metadata.name: must be lower-case letters, digits, "-" and ".", at most 253, each part beginning and ending with a letter or digit, found "T" (Trigger default/T)',
    ],
    ['name: 5', '18: metadata.name: must be a string, found 5: put it in quotes (Trigger)'],
    ['namespace: x', '1: metadata.name: is required (Trigger)'],
    [
      'name: t, namespace: a.b',
      '32: metadata.namespace: must be lower-case letters, digits and "-", at most 63, beginning and ending with a letter or digit, found "a.b" (Trigger a.b/t)',
    ],
    ['name: t, uid: x', '21: metadata.uid: is set by an API server: remove it (Trigger default/t)'],
    ['name: t, labls: {}', '21: metadata.labls: is not a known field: did you mean "labels"? (Trigger default/t)'],
  ])('metadata {%s}', (metadata, expected) => {
    expect(problems(trigger('', metadata))).toEqual([`a.yaml:3:${expected}`])
  })

  test.each([
    [
      'apiVersion: flows.knative.dev/v1\nkind: Parallel\nmetadata: {name: c}',
      expect.stringMatching(
        /^a.yaml:2:7: kind: Parallel of flows.knative.dev\/v1 is not supported yet: remove it, this version reads Broker \(eventing.knative.dev\/v1\), .*, Event \(v1\) \(Parallel c\)$/,
      ),
    ],
    [
      'apiVersion: eventing.knative.dev/v1beta1\nkind: Broker\nmetadata: {name: c, namespace: default}',
      '1:13: apiVersion: Broker of eventing.knative.dev/v1beta1 is not supported yet: use eventing.knative.dev/v1 (Broker default/c)',
    ],
    ['kind: Broker', '1:1: apiVersion: is required'],
    ['apiVersion: 1\nkind: Broker', '1:13: apiVersion: must be a string, found 1'],
    ['- a', '1:1: (document): must be an object with apiVersion and kind, found a list'],
    ['hello', '1:1: (document): must be an object with apiVersion and kind, found "hello"'],
    ['apiVersion: v1\nkind: List\nitems: {}', '3:1: items: must be a list, found a map'],
    ['apiVersion: v1\nkind: List\nitems: [1]', '3:9: items[0]: must be an object with apiVersion and kind, found 1'],
    [
      'apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: {name: b}\nspec: {config: {kind: ConfigMap, name: c}}',
      '4:8: spec.config.apiVersion: is required (Broker default/b)',
    ],
    [
      'apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: {name: b}\nstatus: {address: {}}',
      '4:1: status: is written by the controller: remove it (Broker default/b)',
    ],
    [
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: s, namespace: t}',
      '3:21: metadata.namespace: must be absent: a Namespace is in none (Namespace t/s)',
    ],
    [
      'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: s}',
      "2:7: kind: CustomResourceDefinition can't be written here: the kinds are those of this version, remove it (CustomResourceDefinition s)",
    ],
    [
      'apiVersion: v1\nkind: Service\nmetadata: {name: s, annotations: {sluice.dev/url: "x"}}',
      '3:51: metadata.annotations["sluice.dev/url"]: must be a URL such as "http://host/path", found "x" (Service default/s)',
    ],
  ])('BRK-08: the object %j', (text, expected) => {
    expect(problems(text)).toEqual([typeof expected === 'string' ? `a.yaml:${expected}` : expected])
  })

  test('namesakes, naming both places, even where one has other problems', () => {
    expect(problems(trigger(''), `---\n${trigger('extra: 1')}`)).toEqual([
      'b.yaml:5:18: metadata.name: Trigger default/t is there twice, first at a.yaml:3:18: remove one',
      'b.yaml:9:3: spec.extra: is not a known field: remove it (Trigger default/t)',
    ])
  })

  test('all problems of all files at once, in the order of files and lines', () => {
    const many = problems(trigger('delivery: {retry: -1, format: xml}'), 'kind: [', trigger('a: 1\n  b: 2', 'name: u'))
    expect(many.map((problem) => problem.split(': ')[0])).toEqual([
      'a.yaml:7:21',
      'a.yaml:7:33',
      'b.yaml:1:8',
      'c.yaml:7:3',
      'c.yaml:8:3',
    ])
  })
})
