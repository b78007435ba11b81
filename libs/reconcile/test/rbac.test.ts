import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { parseAllDocuments } from 'yaml'
import { createSecrets } from '../src/index.ts'
import { served, startCluster, until } from './cluster.ts'
import { broker, channel, configMap, object, ref, source, subscription, trigger } from './objects.ts'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

const file = new URL('../../../deploy/kubernetes/controller-rbac.yaml', import.meta.url)
const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((each) => each.toJS())

/** `verb group/resource` of each right. */
function granted(kind: string): Set<string> {
  const { rules } = documents.find((each) => each.kind === kind) as { rules: readonly Rule[] }
  const rights = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((of) => verbs.map((verb) => `${verb} ${group}/${of}`))),
  )
  return new Set(rights)
}

/** The right that a request takes. Source: k8s.io/apiserver pkg/endpoints/request/requestinfo.go. */
function rightOf(request: string): string {
  const [method = '', address = ''] = request.split(' ')
  const [path = '', query = ''] = address.split('?')
  const [, root, ...parts] = path.split('/')
  const group = root === 'api' ? '' : parts.shift()
  const [, first, , third] = parts
  const [resource, name, subresource] = first === 'namespaces' && third !== undefined ? parts.slice(3) : parts.slice(1)
  const reading = query.includes('watch=true') ? 'watch' : name === undefined ? 'list' : 'get'
  const verb = { GET: reading, POST: 'create', PUT: 'update', DELETE: 'delete' }[method]
  return `${verb} ${group}/${[resource, subresource].filter(Boolean).join('/')}`
}

describe('the rights of the controller in a cluster', () => {
  test('are those that it asks for, and no more', async () => {
    await using stack = new AsyncDisposableStack()
    const { asked, registry, serve, lead, create, isReady } = await startCluster(stack)
    await serve()
    const sugar = { 'namespace-selector': 'matchLabels:\n  inject: "true"\n' }
    await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { inject: 'true' } } })
    await create(configMap('config-sugar', sugar))
    await create(broker('a'))
    await create(trigger('t', { broker: 'a' }))
    await create(trigger('lost', { broker: 'a', subscriber: ref('Service', 'lost') }))
    const attributes = ['type', 'source', 'specversion', 'id'].map((name) => ({ name, required: true }))
    const type = { reference: { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: 'a' }, attributes }
    await create(object('eventing.knative.dev/v1beta3', 'EventType', 'e', { spec: type }))
    await create(channel('Channel', 'c'))
    for (const kind of ['KafkaChannel', 'NatsJetStreamChannel']) await create(channel(kind, 'k'))
    await create(subscription('s', {}, ref('Channel', 'c')))
    const kinds = ['PingSource', 'GitHubSource', 'ApiServerSource', 'KafkaSource']
    for (const kind of kinds) await create(source(kind, 's', { sink: ref('Broker', 'a') }))
    const secrets = createSecrets()
    stack.use(lead(secrets))
    await secrets.read({ namespace: 'default', name: 'github', key: 'access' })
    await until(() => isReady('Trigger', 't') && isReady('Subscription', 's') && isReady('EventType', 'e'))
    const writes = [
      'POST /apis/eventing.knative.dev/v1/namespaces/shop/brokers',
      'POST /api/v1/namespaces/default/events',
    ]
    await until(() => writes.every((path) => asked.some((each) => each.startsWith(path))))
    const wereAsked = (right: string, times: number) => asked.filter((each) => rightOf(each) === right).length >= times
    await until(() => kinds.every((kind) => wereAsked(`update sources.knative.dev/${kind.toLowerCase()}s/status`, 1)))
    await until(() => wereAsked('create eventing.knative.dev/eventtypes', 4))
    const github = registry.get(served('GitHubSource'), { namespace: 'default', name: 's' })
    const fewer = { ...github, spec: { ...(github.spec as object), eventTypes: ['push'] } }
    await registry.update(served('GitHubSource'), { namespace: 'default', name: 's' }, fewer, { fieldManager: 'test' })
    await until(() => wereAsked('delete eventing.knative.dev/eventtypes', 1))

    const used = new Set(asked.map(rightOf))
    const rights = granted('ClusterRole')
    expect([...used].filter((right) => !rights.has(right))).toEqual([])
    const others = [...rights].filter((right) => !used.has(right) && !/finalizers$|subscribers$/.test(right))
    // backing kinds of other templates, an Event that is repeated
    expect(others.sort()).toEqual([
      'create messaging.knative.dev/kafkachannels',
      'create messaging.knative.dev/natsjetstreamchannels',
      'update /events',
      'update messaging.knative.dev/kafkachannels',
      'update messaging.knative.dev/natsjetstreamchannels',
    ])
  })

  test('name, for the Lease, the one that it asks for', () => {
    expect(granted('Role')).toEqual(
      new Set(['create', 'get', 'update'].map((verb) => `${verb} coordination.k8s.io/leases`)),
    )
  })
})
