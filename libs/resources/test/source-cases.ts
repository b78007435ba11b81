// The table of objects of the source kinds.
import { type AdmissionCase, accepted, changed, type Fields, make, refused, type Verdict } from './admission-case.ts'

const SINK = { ref: { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: 'default' } }
const secretKeyRef = (key: string) => ({ secretKeyRef: { name: 'secrets', key } })
const sink = { sink: SINK }

const source =
  (apiVersion: string, kind: string, given: Fields) =>
  (spec: Fields | undefined, metadata: Fields = {}) =>
    make(`sources.knative.dev/${apiVersion}`, kind)({ ...given, ...spec }, metadata)

export const pingSource = source('v1', 'PingSource', sink)
export const apiServerSource = source('v1', 'ApiServerSource', {
  ...sink,
  resources: [{ apiVersion: 'v1', kind: 'Event' }],
})
export const gitHubSource = source('v1alpha1', 'GitHubSource', {
  ...{ ...sink, ownerAndRepository: 'knative/eventing', eventTypes: ['push'] },
  ...{ accessToken: secretKeyRef('access'), secretToken: secretKeyRef('secret') },
})
export const kafkaSource = source('v1beta1', 'KafkaSource', {
  ...{ ...sink, bootstrapServers: ['kafka:9092'], topics: ['orders'] },
})
const base64 = (text: string) => Buffer.from(text).toString('base64')
const JSON_TYPE = 'application/json'

const SCHEDULES: readonly [string, Verdict][] = [
  ['nonsense', 'both'],
  ['* * * *', 'both'],
  ['* * * * * * 2026', 'both'],
  ['@every 5m', 'both'],
  ['@reboot', 'both'],
  ['60 * * * *', 'api'],
  ['* * * * 7', 'api'],
  ['TZ=Knative/Land * * * * *', 'api'],
]

const PING_DATA: readonly [string, Fields, string, Verdict][] = [
  ['both data and dataBase64', { data: 'a', dataBase64: 'YQ==' }, 'dataBase64', 'both'],
  ['dataBase64 that is none', { dataBase64: 'a b=' }, 'dataBase64', 'both'],
  ['dataBase64 that is cut short', { dataBase64: 'YQ=' }, 'dataBase64', 'both'],
  ['data of application/json that is none', { contentType: JSON_TYPE, data: '{' }, 'data', 'api'],
  ['data of application/json that is a list', { contentType: JSON_TYPE, data: '[]' }, 'data', 'api'],
  [
    'dataBase64 of application/json that is a text',
    { contentType: JSON_TYPE, dataBase64: base64('"a"') },
    'dataBase64',
    'api',
  ],
  ['data beyond a mebibyte', { data: 'x'.repeat(2 ** 20 + 1) }, 'data', 'both'],
]

const EXTENSIONS: readonly [string, Fields, string, Verdict][] = [
  ['without a name', { '': 'x' }, '', 'both'],
  ['with a hyphen', { 'a-b': 'x' }, 'a-b', 'both'],
  ['named as an attribute', { Type: 'x' }, 'Type', 'both'],
  ['named data', { data: 'x' }, 'data', 'both'],
  ['there twice', { team: 'a', Team: 'b' }, 'Team', 'api'],
]

const PING: readonly AdmissionCase[] = [
  accepted('a PingSource that says its sink alone', pingSource({})),
  accepted(
    'a PingSource that says it all',
    pingSource({
      ...{ schedule: '10 0/1 * * * ?', timezone: 'America/New_York', contentType: JSON_TYPE, data: '{"a":1}' },
      ceOverrides: { extensions: { Team: 'orders' } },
    }),
  ),
  ...['@daily', 'CRON_TZ=UTC 0 9 * * MON-FRI', '', '10 0/1 * * * ?'].map((schedule) =>
    accepted(`a PingSource with the schedule ${JSON.stringify(schedule)}`, pingSource({ schedule })),
  ),
  accepted('a PingSource with null as JSON', pingSource({ contentType: JSON_TYPE, data: 'null' })),
  ...SCHEDULES.map(([schedule, verdict]) =>
    refused(
      'SRC-04',
      `a PingSource with the schedule ${JSON.stringify(schedule)}`,
      pingSource({ schedule }),
      ['spec.schedule'],
      verdict,
    ),
  ),
  refused('', 'a PingSource of no media type', pingSource({ contentType: 'text plain' }), ['spec.contentType']),
  accepted('a PingSource with a charset', pingSource({ contentType: 'text/plain; charset=utf-8', data: 'x' })),
  refused('SRC-04', 'a PingSource of no time zone', pingSource({ timezone: 'Knative/Land' }), ['spec.timezone'], 'api'),
  refused('', 'a PingSource of two time zones', pingSource({ schedule: 'TZ=UTC * * * * *', timezone: 'UTC' }), [
    'spec.timezone',
  ]),
  ...PING_DATA.map(([title, spec, field, verdict]) =>
    refused('SRC-04', `a PingSource with ${title}`, pingSource(spec), [`spec.${field}`], verdict),
  ),
  refused('SRC-04', 'a PingSource without sink', pingSource({ sink: undefined }), ['spec.sink']),
  refused('SRC-04', 'a PingSource with an empty sink', pingSource({ sink: {} }), ['spec.sink']),
  ...EXTENSIONS.map(([title, extensions, name, verdict]) =>
    refused(
      '',
      `a PingSource with an extension ${title}`,
      pingSource({ ceOverrides: { extensions } }),
      [`spec.ceOverrides.extensions${name === '' ? '[""]' : `.${name}`}`],
      verdict,
    ),
  ),
]

const POD = { apiVersion: 'v1', kind: 'Pod' }
const expression = (operator: string, values?: readonly string[]) => ({
  matchExpressions: [{ key: 'app', operator, ...(values && { values }) }],
})

const RESOURCES: readonly [string, Fields, string][] = [
  ['an unknown mode', { mode: 'Ref' }, 'mode'],
  ['a resource without kind', { resources: [{ apiVersion: 'v1' }] }, 'resources[0].kind'],
  ['a resource of a blank kind', { resources: [{ ...POD, kind: ' ' }] }, 'resources[0].kind'],
  ['a resource of a bad apiVersion', { resources: [{ ...POD, apiVersion: 'a/b/c' }] }, 'resources[0].apiVersion'],
  ['no resources', { resources: [] }, 'resources'],
  ['resources that are not there', { resources: undefined }, 'resources'],
  ['an empty sink', { sink: {} }, 'sink'],
  ['an owner of a bad apiVersion', { owner: { ...POD, apiVersion: 'a/b/c' } }, 'owner.apiVersion'],
  ['an owner without kind', { owner: { apiVersion: 'v1' } }, 'owner.kind'],
]

const API_SERVER: readonly AdmissionCase[] = [
  accepted('an ApiServerSource', apiServerSource({})),
  accepted(
    'an ApiServerSource that says it all',
    apiServerSource({
      ...{ mode: 'Resource', owner: { kind: 'ReplicaSet' }, serviceAccountName: 'watcher' },
      resources: [{ ...POD, selector: expression('NotIn', ['a']) }],
      namespaceSelector: { matchLabels: { team: 'orders' } },
      filters: [{ exact: { type: 'dev.knative.apiserver.resource.update' } }],
    }),
  ),
  accepted('an ApiServerSource of all namespaces', apiServerSource({ namespaceSelector: {} })),
  ...RESOURCES.map(([title, spec, field]) =>
    refused('SRC-12', `an ApiServerSource with ${title}`, apiServerSource(spec), [`spec.${field}`]),
  ),
  {
    ...refused('SRC-12', 'an ApiServerSource that gets an unknown mode', apiServerSource({ mode: 'Ref' }), [
      'spec.mode',
    ]),
    oldObject: apiServerSource({}),
  },
  ...[expression('In'), expression('In', []), expression('Exists', ['a'])].map((namespaceSelector) =>
    refused(
      '',
      `an ApiServerSource that selects by ${JSON.stringify(namespaceSelector)}`,
      apiServerSource({ namespaceSelector }),
      ['spec.namespaceSelector.matchExpressions[0].values'],
    ),
  ),
]

const GITHUB: readonly AdmissionCase[] = [
  accepted('a GitHubSource', gitHubSource({})),
  accepted(
    "a GitHubSource of an event that Knative's does not list",
    gitHubSource({ eventTypes: ['workflow_run', 'star'] }),
  ),
  ...['knative', 'knative/'].map((ownerAndRepository) =>
    accepted(`a GitHubSource of the organisation ${ownerAndRepository}`, gitHubSource({ ownerAndRepository })),
  ),
  accepted(
    'a GitHubSource of an Enterprise server',
    gitHubSource({ githubAPIURL: 'https://git.test/api/v3/', secure: true }),
  ),
  ...['', '/eventing', 'a/b/c', 'a b'].map((ownerAndRepository) =>
    refused('', `a GitHubSource of ${JSON.stringify(ownerAndRepository)}`, gitHubSource({ ownerAndRepository }), [
      'spec.ownerAndRepository',
    ]),
  ),
  refused('', 'a GitHubSource of no events', gitHubSource({ eventTypes: [] }), ['spec.eventTypes']),
  refused('', 'a GitHubSource of an event that has no such name', gitHubSource({ eventTypes: ['pushed!'] }), [
    'spec.eventTypes[0]',
  ]),
  refused('', 'a GitHubSource without secret', gitHubSource({ secretToken: undefined }), ['spec.secretToken']),
  refused('', 'a GitHubSource whose token has no key', gitHubSource({ accessToken: { secretKeyRef: { name: 'a' } } }), [
    'spec.accessToken.secretKeyRef.key',
  ]),
  refused('', 'a GitHubSource of a URL that is none', gitHubSource({ githubAPIURL: 'git.test' }), [
    'spec.githubAPIURL',
  ]),
  refused(
    '',
    'a GitHubSource of a URL with credentials',
    gitHubSource({ githubAPIURL: 'https://a:b@git.test/' }),
    ['spec.githubAPIURL'],
    'api',
  ),
]

const sasl = { enable: true, user: secretKeyRef('user'), password: secretKeyRef('password') }
const KAFKA: readonly AdmissionCase[] = [
  accepted('a KafkaSource', kafkaSource({})),
  accepted(
    'a KafkaSource that says it all',
    kafkaSource({
      ...{ consumerGroup: 'g', consumers: 0, initialOffset: 'earliest', ordering: 'unordered', delivery: { retry: 3 } },
      net: {
        sasl: { ...sasl, type: secretKeyRef('type') },
        tls: { enable: true, cert: secretKeyRef('cert'), key: secretKeyRef('key'), caCert: secretKeyRef('ca') },
      },
    }),
  ),
  ...['bootstrapServers', 'topics'].flatMap((field) =>
    [undefined, [], ['']].map((value) =>
      refused('', `a KafkaSource whose ${field} are ${JSON.stringify(value)}`, kafkaSource({ [field]: value }), [
        value?.[0] === '' ? `spec.${field}[0]` : `spec.${field}`,
      ]),
    ),
  ),
  refused('', 'a KafkaSource of no topic', kafkaSource({ topics: ['a b'] }), ['spec.topics[0]']),
  refused('', 'a KafkaSource with fewer consumers than none', kafkaSource({ consumers: -1 }), ['spec.consumers']),
  refused('', 'a KafkaSource that begins somewhere', kafkaSource({ initialOffset: '7' }), ['spec.initialOffset']),
  refused('', 'a KafkaSource with an impossible delivery', kafkaSource({ delivery: { retry: -1 } }), [
    'spec.delivery.retry',
  ]),
  refused('', 'a KafkaSource with SASL and no user', kafkaSource({ net: { sasl: { enable: true } } }), [
    'spec.net.sasl',
  ]),
  ...['tokenProvider', 'roleARN'].map((field) =>
    refused(
      '',
      `a KafkaSource with ${field}`,
      kafkaSource({ net: { sasl: { ...sasl, [field]: secretKeyRef('x') } } }),
      [`spec.net.sasl.${field}`],
    ),
  ),
  refused(
    '',
    'a KafkaSource with a certificate and no key',
    kafkaSource({ net: { tls: { cert: secretKeyRef('cert') } } }),
    ['spec.net.tls'],
  ),
  changed('', 'a KafkaSource of another group', kafkaSource({}), kafkaSource({ consumerGroup: 'g' }), ['spec']),
  changed('', 'a KafkaSource of other topics', kafkaSource({}), kafkaSource({ topics: ['a', 'b'], consumers: 2 }), []),
]

export const SOURCE_CASES: readonly AdmissionCase[] = [...PING, ...API_SERVER, ...GITHUB, ...KAFKA]
