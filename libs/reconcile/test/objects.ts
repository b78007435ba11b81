import type { ApiObject } from '@sluice/resources/api'

type Texts = Readonly<Record<string, string>>

export function object(
  apiVersion: string,
  kind: string,
  name: string,
  rest: object = {},
  annotations: Texts = {},
): ApiObject {
  return { apiVersion, kind, metadata: { name, namespace: 'default', annotations }, ...rest }
}

export function broker(name = 'default', spec: object = {}, annotations: Texts = {}): ApiObject {
  return object('eventing.knative.dev/v1', 'Broker', name, { spec }, annotations)
}

export function trigger(name: string, spec: object = {}, annotations: Texts = {}): ApiObject {
  const all = { broker: 'default', filter: {}, subscriber: { uri: 'http://sink/' }, ...spec }
  return object('eventing.knative.dev/v1', 'Trigger', name, { spec: all }, annotations)
}

export function service(name: string, url?: string, spec: object = {}): ApiObject {
  return object('v1', 'Service', name, { spec }, url === undefined ? {} : { 'sluice.dev/url': url })
}

export function configMap(name: string, data: Texts, namespace = 'knative-eventing'): ApiObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data }
}

export function channel(kind: string, name: string, spec: object = {}): ApiObject {
  const apiVersion = { KafkaChannel: 'v1beta1', NatsJetStreamChannel: 'v1alpha1' }[kind] ?? 'v1'
  return object(`messaging.knative.dev/${apiVersion}`, kind, name, { spec })
}

export function subscription(name: string, spec: object = {}, of = ref('InMemoryChannel', 'c')): ApiObject {
  const all = { channel: of.ref, subscriber: { uri: 'http://sink/' }, ...spec }
  return object('messaging.knative.dev/v1', 'Subscription', name, { spec: all })
}

export function ref(kind: string, name: string) {
  const apiVersion =
    kind === 'Service' ? 'v1' : kind === 'Broker' ? 'eventing.knative.dev/v1' : channel(kind, name).apiVersion
  return { ref: { apiVersion, kind, name } }
}

const SOURCE_SPECS: Readonly<Record<string, object>> = {
  PingSource: { schedule: '*/5 * * * *' },
  ApiServerSource: {
    ...{ resources: [{ apiVersion: 'v1', kind: 'Event' }], mode: 'Reference', serviceAccountName: 'default' },
  },
  GitHubSource: {
    ...{ ownerAndRepository: 'knative/eventing', eventTypes: ['push', 'issues'] },
    accessToken: { secretKeyRef: { name: 'github', key: 'access' } },
    secretToken: { secretKeyRef: { name: 'github', key: 'secret' } },
  },
  KafkaSource: {
    ...{ bootstrapServers: ['kafka:9092'], topics: ['orders'], consumers: 1 },
    ...{ initialOffset: 'latest', ordering: 'ordered' },
  },
}

/** As admission leaves it, its sink the Broker `default` unless it says another. */
export function source(kind: string, name: string, spec: object = {}, annotations: Texts = {}): ApiObject {
  const version = { GitHubSource: 'v1alpha1', KafkaSource: 'v1beta1' }[kind] ?? 'v1'
  const all = { ...SOURCE_SPECS[kind], sink: ref('Broker', 'default'), ...spec }
  return object(`sources.knative.dev/${version}`, kind, name, { spec: all }, annotations)
}
