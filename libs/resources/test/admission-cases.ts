// A table: objects of every kind of ours, with the verdict of the API and that of a cluster's CRDs.
import {
  type AdmissionCase,
  accepted,
  changed,
  type Fields,
  make,
  refused,
  type Verdict,
  without,
} from './admission-case.ts'
import { SOURCE_CASES } from './source-cases.ts'

export const broker = make('eventing.knative.dev/v1', 'Broker')
export const trigger = (spec: Fields | undefined, metadata: Fields = {}) =>
  make('eventing.knative.dev/v1', 'Trigger')({ broker: 'orders', subscriber: SINK, ...spec }, metadata)
export const channel = make('messaging.knative.dev/v1', 'Channel')
export const inMemoryChannel = make('messaging.knative.dev/v1', 'InMemoryChannel')
export const kafkaChannel = make('messaging.knative.dev/v1', 'KafkaChannel')
const natsChannel = make('messaging.knative.dev/v1alpha1', 'NatsJetStreamChannel')
export const subscription = (spec: Fields) =>
  make('messaging.knative.dev/v1', 'Subscription')({ channel: CHANNEL, subscriber: SINK, ...spec })
export const eventType = make('eventing.knative.dev/v1beta3', 'EventType')

const SINK = { uri: 'http://sink.test/' }
const SERVICE = { apiVersion: 'v1', kind: 'Service', name: 's' }
const CHANNEL = { apiVersion: 'messaging.knative.dev/v1', kind: 'Channel', name: 'c' }
const TEMPLATE = { apiVersion: 'messaging.knative.dev/v1', kind: 'InMemoryChannel' }
const CONFIG = { apiVersion: 'v1', kind: 'ConfigMap', name: 'config', namespace: 'knative-eventing' }
const ATTRIBUTES = ['type', 'source', 'specversion', 'id'].map((name) => ({ name, required: true }))

const DELIVERY: readonly [string, unknown, Verdict][] = [
  ['backoffDelay', '5s', 'both'],
  ['backoffDelay', 'PT', 'both'],
  ['backoffDelay', 'P', 'both'],
  ['backoffDelay', 'P1DT', 'both'],
  ['backoffDelay', '-PT1S', 'both'],
  ['backoffDelay', 'PT0.0001S', 'api'],
  ['backoffDelay', 'P30D', 'api'],
  ['backoffDelay', 'P1Y', 'both'],
  ['backoffDelay', 1, 'both'],
  ['retry', -1, 'both'],
  ['retry', 1.5, 'both'],
  ['retry', '1', 'both'],
  ['retry', 2 ** 31, 'both'],
  ['backoffPolicy', 'cubic', 'both'],
  ['timeout', 'PT0S', 'both'],
  ['timeout', 'soon', 'both'],
  ['retryAfterMax', 'soon', 'both'],
  ['backoffMax', 'PT0S', 'both'],
  ['format', 'JSON', 'both'],
]
const delivered = {
  ...{ retry: 0, timeout: 'PT1S', backoffPolicy: 'linear', backoffDelay: 'PT0.2S', retryAfterMax: 'PT0S' },
  ...{ backoffMax: 'P1DT12H', format: 'binary', deadLetterSink: { ref: SERVICE, uri: '/dlq' } },
}

const DESTINATIONS: readonly [string, Fields, string, Verdict][] = [
  ['that says nothing', {}, '', 'both'],
  ['of an absolute uri beside a ref', { ref: SERVICE, uri: 'http://b/' }, '.uri', 'both'],
  ['of //host beside a ref', { ref: SERVICE, uri: '//b/' }, '.uri', 'both'],
  ['that is no URL', { uri: 'sink' }, '.uri', 'both'],
  ['of ftp', { uri: 'ftp://a/' }, '.uri', 'both'],
  ['without host', { uri: 'http:///x' }, '.uri', 'both'],
  ['with a fragment', { uri: 'http://a/#b' }, '.uri', 'both'],
  ['with credentials', { uri: 'http://a:b@c/' }, '.uri', 'api'],
  ['of a ref by group', { ref: { ...SERVICE, group: 'x' } }, '.ref.group', 'both'],
  ['of a ref with an impossible name', { ref: { ...SERVICE, name: 'A_B' } }, '.ref.name', 'both'],
  ['with CACerts that are none', { ...SINK, CACerts: 'x' }, '.CACerts', 'both'],
]

export const CASES: readonly AdmissionCase[] = [
  accepted('a Broker that says nothing', broker(undefined)),
  accepted('a Broker that says it all', broker({ config: CONFIG, delivery: delivered })),
  ...DELIVERY.map(([field, value, verdict]) =>
    refused(
      'BRK-07',
      `a Broker whose delivery.${field} is ${JSON.stringify(value)}`,
      broker({ delivery: { [field]: value } }),
      [`spec.delivery.${field}`],
      verdict,
    ),
  ),
  refused('BRK-07', 'a Broker whose dead letter sink is none', broker({ delivery: { deadLetterSink: {} } }), [
    'spec.delivery.deadLetterSink',
  ]),
  ...[0, 1].map((retry) => accepted(`a Broker with retry ${retry}`, broker({ delivery: { retry } }), 'BRK-07')),
  accepted('a Broker with backoffDelay PT1S', broker({ delivery: { backoffDelay: 'PT1S' } }), 'BRK-07'),
  ...['name', 'kind', 'apiVersion'].map((field) =>
    refused('BRK-08', `a Broker whose config lacks ${field}`, broker({ config: without(CONFIG, field) }), [
      `spec.config.${field}`,
    ]),
  ),
  changed(
    'BRK-04',
    'a Broker with another config',
    broker({ config: CONFIG }),
    broker({ config: { ...CONFIG, name: 'b' } }),
    ['spec'],
  ),
  changed('BRK-04', 'a Broker that loses its config', broker({ config: CONFIG }), broker({}), ['spec']),
  changed('BRK-04', 'a Broker that gets a config', broker(undefined), broker({ config: CONFIG }), ['spec']),
  changed(
    'BRK-04',
    'a Broker with another delivery',
    broker({ config: CONFIG }),
    broker({ config: CONFIG, delivery: delivered }),
    [],
  ),

  accepted('a Trigger', trigger({})),
  accepted('a Trigger that says it all', trigger({ delivery: delivered, filter: { attributes: { type: '' } } })),
  accepted('a Trigger by brokerRef', trigger({ broker: undefined, brokerRef: { ...CHANNEL, kind: 'Broker' } })),
  accepted(
    'a Trigger with filters of every dialect',
    trigger({
      filters: [
        { exact: { type: 'a' } },
        { prefix: { type: 'a' } },
        { suffix: { type: 'a' } },
        { cesql: "type = 'a'" },
        { all: [{ exact: { type: 'a' } }] },
        { any: [{ not: { exact: { type: 'a' } } }] },
        { not: { cesql: 'EXISTS a' } },
      ],
    }),
  ),
  accepted('a Trigger with a clause that says nothing', trigger({ filters: [{}] })),
  ...[undefined, ''].map((name) =>
    refused('TRG-03, TRG-12', `a Trigger whose broker is ${JSON.stringify(name)}`, trigger({ broker: name }), [
      'spec.broker',
    ]),
  ),
  refused('TRG-12', 'a Trigger without subscriber', trigger({ subscriber: undefined }), ['spec.subscriber']),
  ...['name', 'kind', 'apiVersion'].map((field) =>
    refused(
      'TRG-12',
      `a Trigger whose subscriber.ref lacks ${field}`,
      trigger({ subscriber: { ref: without(SERVICE, field) } }),
      [`spec.subscriber.ref.${field}`],
    ),
  ),
  refused('TRG-12', 'a Trigger with broker and brokerRef', trigger({ brokerRef: { ...CHANNEL, kind: 'Broker' } }), [
    'spec.brokerRef',
  ]),
  refused(
    '',
    'a Trigger of a Broker of another namespace',
    trigger({ broker: undefined, brokerRef: { ...CHANNEL, kind: 'Broker', namespace: 'b' } }),
    ['spec.brokerRef.namespace'],
  ),
  ...DESTINATIONS.map(([title, subscriber, field, verdict]) =>
    refused('', `a Trigger with a subscriber ${title}`, trigger({ subscriber }), [`spec.subscriber${field}`], verdict),
  ),
  refused('', 'a filter of an impossible attribute', trigger({ filter: { attributes: { 'a-b': 'x' } } }), [
    'spec.filter.attributes.a-b',
  ]),
  refused('', 'a clause of an impossible attribute', trigger({ filters: [{ exact: { Type: 'x' } }] }), [
    'spec.filters[0].exact.Type',
  ]),
  refused('', 'a clause with an empty text', trigger({ filters: [{ exact: { type: '' } }] }), [
    'spec.filters[0].exact.type',
  ]),
  refused('', 'a clause of no attribute', trigger({ filters: [{ prefix: {} }] }), ['spec.filters[0].prefix']),
  refused('', 'a clause of two dialects', trigger({ filters: [{ exact: { type: 'a' }, cesql: 'TRUE' }] }), [
    'spec.filters[0]',
  ]),
  refused('', 'filters that are no list', trigger({ filters: { exact: { type: 'a' } } }), ['spec.filters']),
  refused('', 'an any of nothing', trigger({ filters: [{ any: [] }] }), ['spec.filters[0].any']),
  refused('', 'an expression that is none', trigger({ filters: [{ cesql: '(' }] }), ['spec.filters[0].cesql'], 'api'),
  refused(
    '',
    'two dialects below the first level',
    trigger({ filters: [{ not: { exact: { type: 'a' }, cesql: 'TRUE' } }] }),
    ['spec.filters[0].not'],
    'api',
  ),
  changed('TRG-04', 'a Trigger of another Broker', trigger({}), trigger({ broker: 'b' }), ['spec']),
  changed(
    'TRG-04',
    'a Trigger with another filter',
    trigger({}),
    trigger({ filter: { attributes: { type: 'a' } } }),
    [],
  ),
  changed('TRG-04', 'a Trigger with another subscriber', trigger({}), trigger({ subscriber: { ref: SERVICE } }), []),

  accepted('a Channel that says nothing', channel(undefined)),
  accepted(
    'a Channel that says it all',
    channel({ channelTemplate: { ...TEMPLATE, spec: { a: [1] } }, delivery: delivered }),
  ),
  changed(
    'CHN-16',
    'a Channel of another kind',
    channel({ channelTemplate: TEMPLATE }),
    channel({ channelTemplate: { ...TEMPLATE, kind: 'KafkaChannel' } }),
    ['spec'],
  ),
  changed(
    'CHN-16',
    'a Channel with another spec of its template',
    channel({ channelTemplate: { ...TEMPLATE, spec: { a: 1 } } }),
    channel({ channelTemplate: { ...TEMPLATE, spec: { a: 2 } } }),
    ['spec'],
  ),
  changed(
    'CHN-16',
    'a Channel with another delivery',
    channel({ channelTemplate: TEMPLATE }),
    channel({ channelTemplate: TEMPLATE, delivery: { retry: 1 } }),
    ['spec'],
  ),
  changed(
    'CHN-16',
    'a Channel with another label',
    channel({ channelTemplate: TEMPLATE }),
    channel({ channelTemplate: TEMPLATE }, { labels: { a: 'b' } }),
    [],
  ),
  refused(
    'CHN-17',
    'a Channel with subscribers',
    channel({ subscribers: [{ uid: 'a', subscriberUri: 'http://a/' }] }),
    ['spec.subscribers'],
  ),
  ...['kind', 'apiVersion'].map((field) =>
    refused(
      'CHN-18',
      `a Channel whose template lacks ${field}`,
      channel({ channelTemplate: without(TEMPLATE, field) }),
      [`spec.channelTemplate.${field}`],
    ),
  ),
  refused('CHN-18', 'a Channel of an invalid delivery', channel({ delivery: { retry: -1 } }), ['spec.delivery.retry']),

  accepted('a Subscription', subscription({ reply: { ref: CHANNEL }, delivery: delivered })),
  refused('SUB-01', 'a Subscription without channel', subscription({ channel: undefined }), ['spec.channel']),
  refused('SUB-01', 'a Subscription whose channel has no name', subscription({ channel: without(CHANNEL, 'name') }), [
    'spec.channel.name',
  ]),
  refused(
    'SUB-01',
    'a Subscription to a channel of another namespace',
    subscription({ channel: { ...CHANNEL, namespace: 'b' } }),
    ['spec.channel.namespace'],
  ),
  refused('SUB-02', 'a Subscription with neither subscriber nor reply', subscription({ subscriber: undefined }), [
    'spec.subscriber',
  ]),
  refused(
    'SUB-02',
    'a Subscription with a reply alone, as the specification has it',
    subscription({ subscriber: undefined, reply: SINK }),
    ['spec.subscriber'],
  ),
  refused('', 'a Subscription whose reply is none', subscription({ reply: {} }), ['spec.reply']),
  changed(
    'SUB-03',
    'a Subscription to another channel',
    subscription({}),
    subscription({ channel: { ...CHANNEL, name: 'd' } }),
    ['spec'],
  ),
  changed(
    'SUB-03',
    'a Subscription with another subscriber, reply and delivery',
    subscription({}),
    subscription({ subscriber: { ref: SERVICE }, reply: SINK, delivery: { retry: 1 } }),
    [],
  ),

  accepted('an InMemoryChannel', inMemoryChannel(undefined)),
  accepted('a KafkaChannel', kafkaChannel(undefined)),
  refused('', 'a KafkaChannel without partitions', kafkaChannel({ numPartitions: 0 }), ['spec.numPartitions']),
  refused('', 'a KafkaChannel without replicas', kafkaChannel({ replicationFactor: 0 }), ['spec.replicationFactor']),
  refused('', 'a KafkaChannel that keeps nothing', kafkaChannel({ retentionDuration: 'a day' }), [
    'spec.retentionDuration',
  ]),
  ...[{ numPartitions: 2 }, { replicationFactor: 2 }, { retentionDuration: 'PT1H' }].map((spec) =>
    changed('', `a KafkaChannel that changes to ${JSON.stringify(spec)}`, kafkaChannel(undefined), kafkaChannel(spec), [
      'spec',
    ]),
  ),
  changed(
    '',
    'a KafkaChannel whose defaults are written out',
    kafkaChannel(undefined),
    kafkaChannel({ numPartitions: 1, retentionDuration: 'PT168H' }),
    [],
  ),
  changed(
    '',
    'a KafkaChannel that gets a retention',
    kafkaChannel({ retentionDuration: '' }),
    kafkaChannel({ retentionDuration: 'PT1H' }),
    [],
  ),
  accepted(
    'a NatsJetStreamChannel',
    natsChannel({
      stream: { config: { storage: 'File', maxBytes: -1 } },
      consumerConfigTemplate: { replayPolicy: 'Instant', optStartSeq: 7 },
    }),
  ),
  refused(
    '',
    'a NatsJetStreamChannel of an unknown storage',
    natsChannel({ stream: { config: { storage: 'Tape' } } }),
    ['spec.stream.config.storage'],
  ),

  accepted('an EventType', eventType({ attributes: ATTRIBUTES, description: 'd', reference: SERVICE })),
  ...ATTRIBUTES.map(({ name }) =>
    refused(
      '',
      `an EventType without the attribute ${name}`,
      eventType({ attributes: ATTRIBUTES.filter((each) => each.name !== name) }),
      ['spec.attributes'],
    ),
  ),

  ...SOURCE_CASES,
]
