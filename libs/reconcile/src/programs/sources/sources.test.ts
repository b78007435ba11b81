import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import type { AnySourceRow, SourceReport } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import { broker, channel, configMap, ref, service, source } from '../../../test/objects.ts'
import { servicesOfSources } from '../../../test/services-of-sources.ts'
import { createWorld, type WorldOptions } from '../../../test/world.ts'

const KINDS = ['PingSource', 'GitHubSource', 'ApiServerSource', 'KafkaSource'] as const

async function createSourcesWorld(options: WorldOptions = {}) {
  const services = servicesOfSources()
  const deps = { standings: services.standings, receiversUrl: 'https://hooks.example/', ...options.deps }
  const world = await createWorld({ ...options, deps })
  const row = (name: string): AnySourceRow => {
    const found = world.rows().sources.find((each) => each.name === name)
    if (found === undefined) throw new Error(`no row of ${name}`)
    return found
  }
  const eventTypes = () => world.api.client.informer(world.kind('EventType')).list()
  return {
    ...{ world, services, row, eventTypes },
    async report(name: string, report: Partial<SourceReport> = {}) {
      services.report(row(name), report)
      await world.rest()
    },
  }
}

const TRUE = { status: 'True' } as const
const ALL_WELL = {
  ...{ Deployed: TRUE, SufficientPermissions: TRUE, WebhookConfigured: TRUE },
  ...{ ConnectionEstablished: TRUE, InitialOffsetsCommitted: TRUE },
}

describe.each(KINDS)('a %s', (kind) => {
  test('with a Broker as sink posts to its address, and is Ready once its service says that it runs', async () => {
    const { world, services, row, report } = await createSourcesWorld()
    await world.apply(broker(), source(kind, 's'))
    expect(row('s')).toMatchObject({ kind, target: { url: 'http://127.0.0.1:8080/default/default', internal: true } })
    expect(world.rows().deliveries).toEqual([])
    expect(world.condition(kind, 's')).toEqual(['False', 'ServiceMissing'])
    expect(world.message(kind, 's')).toMatch(/^no source-(cron|github|apiserver|kafka) runs: start one$/)
    services.start()
    await world.rest()
    expect(world.condition(kind, 's', 'Deployed')).toEqual(['Unknown', 'NotAcknowledged'])
    await report('s', { conditions: ALL_WELL })
    expect(world.condition(kind, 's')).toEqual(['True'])
    expect(world.status(kind, 's')).toMatchObject({ sinkUri: 'http://127.0.0.1:8080/default/default' })
  })

  test('that changed is not Ready by what was said of it before', async () => {
    const { world, services, report, row } = await createSourcesWorld()
    services.start()
    await world.apply(broker(), source(kind, 's'))
    await report('s', { conditions: ALL_WELL })
    const before = row('s')
    await world.apply(source(kind, 's', { ceOverrides: { extensions: { Team: 'orders' } } }))
    expect(row('s').ceOverrides).toEqual({ team: 'orders' })
    expect(world.condition(kind, 's', 'Deployed')).toEqual(['Unknown', 'NotAcknowledged'])
    services.report(before, { conditions: ALL_WELL })
    await world.rest()
    expect(world.condition(kind, 's', 'Deployed')).toEqual(['Unknown', 'NotAcknowledged'])
  })

  test('whose service fails says why', async () => {
    const { world, services, report } = await createSourcesWorld()
    services.start()
    await world.apply(broker(), source(kind, 's'))
    const Deployed = { status: 'False', reason: 'StartFailed', message: 'no way' } as const
    await report('s', { conditions: { ...ALL_WELL, Deployed } })
    expect(world.condition(kind, 's')).toEqual(['False', 'StartFailed'])
    expect(world.message(kind, 's')).toBe('no way')
  })
})

describe('a sink', () => {
  test('that is a channel is posted to at its address', async () => {
    const { world, row } = await createSourcesWorld()
    await world.apply(channel('InMemoryChannel', 'c'), source('PingSource', 's', { sink: ref('InMemoryChannel', 'c') }))
    expect(row('s').target.url).toBe('http://127.0.0.1:8080/channels/default/inmemorychannel/c')
  })

  test('SRC-11: that has no log gets one of the source, and a delivery that is tried again for a day', async () => {
    const { world, row } = await createSourcesWorld()
    await world.apply(service('sink', 'http://sink.test/'), source('PingSource', 's', { sink: ref('Service', 'sink') }))
    const { uid, target } = row('s')
    expect(target).toEqual({ url: 'http://127.0.0.1:8080/source-logs/default/pingsource/s', internal: true })
    expect(world.rows()).toMatchObject({
      logs: [{ uid, kind: 'channel', channel: `log/default/s/${uid}`, queues: `queues/default/s/${uid}` }],
      ingresses: [{ uid, path: '/source-logs/default/pingsource/s', log: uid }],
      routes: [{ uid, log: uid, filter: {}, delivery: uid, since: 0 }],
      deliveries: [
        {
          ...{ uid, channel: `queues/default/s/${uid}`, subscriber: { url: 'http://sink.test/', internal: false } },
          spec: { retry: 1_448, backoffPolicy: 'exponential', backoffDelayMs: 200, backoffMaxMs: 60_000 },
        },
      ],
    })
    expect(world.rows().ingresses[0]).not.toHaveProperty('host')
    expect(world.status('PingSource', 's').sinkUri).toBe('http://sink.test/')
  })

  test('an ordered KafkaSource keeps the order of a partition, an ApiServerSource that of an object', async () => {
    const { world } = await createSourcesWorld()
    const sink = { sink: { uri: 'http://sink.test/' } }
    await world.apply(source('KafkaSource', 'k', sink), source('ApiServerSource', 'a', sink))
    await world.apply(source('KafkaSource', 'u', { ...sink, ordering: 'unordered' }), source('PingSource', 'p', sink))
    const { logs, deliveries } = world.rows()
    const orders = logs.map(({ name, orderKey, uid }) => [
      ...[name, orderKey, deliveries.find((each) => each.uid === uid)?.order],
    ])
    expect(orders).toEqual([
      ['k', 'knativekafkapartition', 'key'],
      ['a', 'subject', 'key'],
      ['u', 'partitionkey', undefined],
      ['p', 'partitionkey', undefined],
    ])
  })

  test('the delivery spec of a KafkaSource is kept, its dead letter sink too, also where the sink is a Broker', async () => {
    const { world, row } = await createSourcesWorld()
    const delivery = { retry: 3, backoffDelay: 'PT1S', deadLetterSink: { uri: 'http://dead.test/' } }
    await world.apply(broker(), source('KafkaSource', 's', { delivery }))
    expect(row('s').target.url).toBe('http://127.0.0.1:8080/source-logs/default/kafkasource/s')
    expect(world.rows().deliveries).toMatchObject([
      {
        subscriber: { url: 'http://127.0.0.1:8080/default/default', internal: true },
        deadLetterSink: { url: 'http://dead.test/' },
        spec: { retry: 3, backoffDelayMs: 1000 },
      },
    ])
    expect(world.condition('KafkaSource', 's', 'DeadLetterSinkResolved')).toEqual(['True'])
  })

  test('that is not there: no row, SinkProvided is False, and an Event says so once', async () => {
    const { world } = await createSourcesWorld()
    await world.apply(source('PingSource', 's'))
    expect(world.rows().sources).toEqual([])
    expect(world.condition('PingSource', 's')).toEqual(['False', 'NotFound'])
    expect(world.events.filter(({ reason }) => reason === 'SinkNotFound')).toEqual([
      expect.objectContaining({ type: 'Warning', about: 'PingSource s', message: expect.stringContaining('default') }),
    ])
    await world.apply(broker())
    expect(world.rows().sources).toHaveLength(1)
    expect(world.condition('PingSource', 's', 'SinkProvided')).toEqual(['True'])
  })

  test('that is a Broker which takes no events yet is waited for', async () => {
    const { world } = await createSourcesWorld()
    const delivery = { deadLetterSink: ref('Service', 'dead') }
    await world.apply(broker('default', { delivery }), source('PingSource', 's'))
    expect(world.condition('PingSource', 's', 'SinkProvided')).toEqual(['False', 'NoAddress'])
    expect(world.rows().sources).toEqual([])
    await world.apply(service('dead', 'http://dead.test/'))
    expect(world.rows().sources).toHaveLength(1)
  })

  test('that went leaves the rows as they were: what comes meanwhile is kept', async () => {
    const { world } = await createSourcesWorld()
    await world.apply(service('sink', 'http://sink.test/'), source('PingSource', 's', { sink: ref('Service', 'sink') }))
    const before = world.rows()
    await world.remove('Service', 'sink')
    expect(world.condition('PingSource', 's')).toEqual(['False', 'NotFound'])
    expect(world.rows()).toEqual(before)
  })

  test('that becomes a Broker is reached through the log that the source has: what is in there is not lost', async () => {
    const { world, row } = await createSourcesWorld()
    await world.apply(broker(), source('PingSource', 's', { sink: { uri: 'http://sink.test/' } }))
    const { target } = row('s')
    await world.apply(source('PingSource', 's'))
    expect(row('s').target).toEqual(target)
    expect(world.rows().deliveries).toMatchObject([{ subscriber: { url: 'http://127.0.0.1:8080/default/default' } }])
  })
})

describe('a source that is deleted', () => {
  test('leaves the log of its own, without an address, until it holds nothing', async () => {
    const { world } = await createSourcesWorld()
    await world.apply(source('PingSource', 's', { sink: { uri: 'http://sink.test/' } }))
    const [log] = world.rows().logs
    await world.remove('PingSource', 's')
    expect(world.rows()).toMatchObject({ sources: [], ingresses: [], deliveries: [{ uid: log?.uid }] })
    expect(world.rows().logs).toMatchObject([{ uid: log?.uid, goneAt: expect.any(Number) }])
    world.clock.advance(8 * 86_400_000 + 60_000)
    await setImmediate()
    await world.rest()
    expect(world.rows()).toMatchObject({ logs: [], deliveries: [], routes: [] })
  })

  test('while no controller ran leaves it too, and a restart does not end it', async () => {
    const first = await createSourcesWorld()
    await first.world.apply(source('PingSource', 's', { sink: { uri: 'http://sink.test/' } }))
    await first.world.end()
    await first.world.api.client.delete(first.world.kind('PingSource'), { namespace: 'default', name: 's' })
    const second = await createSourcesWorld({ after: first.world })
    await second.world.rest()
    expect(second.world.rows()).toMatchObject({ sources: [], logs: [{ goneAt: expect.any(Number) }] })
    await second.world.end()
    const third = await createSourcesWorld({ after: second.world })
    await third.world.rest()
    expect(third.world.rows().logs).toHaveLength(1)
  })

  test('with a Broker as sink leaves nothing', async () => {
    const { world } = await createSourcesWorld()
    await world.apply(broker(), source('PingSource', 's'))
    await world.remove('PingSource', 's')
    expect(world.rows()).toMatchObject({ sources: [], logs: [{ kind: 'broker' }] })
  })
})

describe('EventTypes', () => {
  test('are made of what a source sends to an object, belong to it and go with it', async () => {
    const { world, eventTypes } = await createSourcesWorld()
    await world.apply(broker(), source('GitHubSource', 's'))
    expect(world.status('GitHubSource', 's').ceAttributes).toEqual([
      { type: 'dev.knative.source.github.push', source: 'https://github.com/knative/eventing' },
      { type: 'dev.knative.source.github.issues', source: 'https://github.com/knative/eventing' },
    ])
    const { uid } = world.get('GitHubSource', 's')?.metadata ?? {}
    for (const { metadata, spec } of eventTypes()) {
      expect(metadata).toMatchObject({
        name: expect.stringMatching(/^[0-9a-f]{32}$/),
        labels: { 'eventing.knative.dev/sourceName': 's' },
        ownerReferences: [{ kind: 'GitHubSource', name: 's', uid, controller: true, blockOwnerDeletion: true }],
      })
      expect(spec).toMatchObject({ reference: ref('Broker', 'default').ref })
    }
    await world.apply(source('GitHubSource', 's', { eventTypes: ['push'] }))
    expect(eventTypes().map(({ spec }) => typeOf(spec))).toEqual(['dev.knative.source.github.push'])
    await world.remove('EventType', String(eventTypes()[0]?.metadata.name))
    expect(eventTypes()).toHaveLength(1)
  })

  test('that are refused leave their source as it is, and an Event says so', async () => {
    const refused = { code: 'RESOURCE_REFUSED', reason: 'Forbidden', status: 403, causes: [] } as const
    const { world, report } = await createSourcesWorld()
    const { client } = world.api
    const create = client.create
    Object.assign(client, {
      create: (...args: Parameters<typeof create>) =>
        args[0].kind.kind === 'EventType'
          ? Promise.reject(new EventingError(refused as never, 'too many EventTypes'))
          : create(...args),
    })
    await world.apply(broker(), source('PingSource', 's'))
    await report('s')
    expect(world.condition('PingSource', 's', 'Deployed')).toEqual(['False', 'ServiceMissing'])
    expect(world.events).toContainEqual(
      expect.objectContaining({ reason: 'EventTypeRefused', message: 'too many EventTypes' }),
    )
  })

  test('are not made for a sink that is a URL alone', async () => {
    const { world, eventTypes } = await createSourcesWorld()
    await world.apply(source('PingSource', 's', { sink: { uri: 'http://sink.test/' } }))
    expect(world.status('PingSource', 's').ceAttributes).toHaveLength(1)
    expect(eventTypes()).toEqual([])
  })

  test('of an ApiServerSource wait until its service says whose objects it watches', async () => {
    const { world, services, report } = await createSourcesWorld()
    services.start()
    await world.apply(broker(), source('ApiServerSource', 's', { mode: 'Resource' }))
    expect(world.status('ApiServerSource', 's')).not.toHaveProperty('ceAttributes')
    await report('s', { conditions: ALL_WELL, facts: { apiServer: 'https://10.0.0.1:443' } })
    expect(world.status('ApiServerSource', 's').ceAttributes).toEqual(
      ['add', 'delete', 'update'].map((what) => ({
        type: `dev.knative.apiserver.resource.${what}`,
        source: 'https://10.0.0.1:443',
      })),
    )
  })
})

function typeOf(spec: unknown): string | undefined {
  const { attributes } = spec as { attributes: readonly { name: string; value?: string }[] }
  return attributes.find(({ name }) => name === 'type')?.value
}

describe('a restart of the controller', () => {
  test('takes no source its Ready while services have not said yet that they are there', async () => {
    const { world, services, report } = await createSourcesWorld()
    services.start()
    await world.apply(broker(), source('PingSource', 's'))
    await report('s')
    services.restart('settling')
    await world.rest()
    expect(world.condition('PingSource', 's')).toEqual(['True'])
    services.restart('settled')
    await world.rest()
    expect(world.condition('PingSource', 's')).toEqual(['False', 'ServiceMissing'])
  })
})

describe('a PingSource', () => {
  test('SRC-04: with more data than config-ping-defaults allows is not Ready', async () => {
    const { world } = await createSourcesWorld()
    await world.apply(
      broker(),
      configMap('config-ping-defaults', { 'data-max-size': '4' }),
      source('PingSource', 's', { data: '12345' }),
    )
    expect(world.condition('PingSource', 's')).toEqual(['False', 'SpecInvalid'])
    expect(world.message('PingSource', 's')).toBe('spec.data has 5 bytes, config-ping-defaults allows 4')
    await world.apply(configMap('config-ping-defaults', { 'data-max-size': '-1' }))
    expect(world.rows().sources).toMatchObject([{ data: { text: '12345' }, timezone: 'UTC', missedTicks: 'skip' }])
  })

  test('with a schedule that a cluster could not judge is not Ready', async () => {
    const { world } = await createSourcesWorld()
    await world.apply(broker(), source('PingSource', 's', { schedule: '60 * * * *' }))
    expect(world.message('PingSource', 's')).toBe('spec.schedule "60" is not from 0 to 59 in the minute "60"')
    expect(world.rows().sources).toEqual([])
  })
})

describe('an ApiServerSource', () => {
  test.each([
    ['its own namespace', undefined, ['default'], ['default']],
    ['all namespaces', {}, 'all', ['']],
    ['those with a label', { matchLabels: { team: 'orders' } }, ['a', 'b'], ['a', 'b']],
    ['one by its name', { matchLabels: { 'kubernetes.io/metadata.name': 'c' } }, ['c'], ['c']],
  ])('SRC-09: watches %s', async (_, namespaceSelector, namespaces, said) => {
    const { world, row } = await createSourcesWorld()
    const namespace = (name: string, labels = {}) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels },
    })
    await world.apply(broker(), source('ApiServerSource', 's', { namespaceSelector }))
    for (const name of ['b', 'a']) await world.apply(namespace(name, { team: 'orders' }))
    await world.apply(namespace('c'))
    expect(row('s')).toMatchObject({ namespaces })
    expect(world.status('ApiServerSource', 's').namespaces).toEqual(said)
  })
})

describe('a GitHubSource', () => {
  test('tells its service what GitHub is told, and the scheme that was asked for', async () => {
    const { world, row } = await createSourcesWorld()
    await world.apply(broker(), source('GitHubSource', 's', { secure: false }, { 'sluice.dev/allow-sha1': 'true' }))
    expect(row('s')).toMatchObject({
      ...{ path: '/sources/default/githubsource/s', publicUrl: 'http://hooks.example/sources/default/githubsource/s' },
      ...{ apiUrl: 'https://api.github.com', webhook: 'managed', mapping: 'knative', allowSha1: true },
      secrets: {
        accessToken: { namespace: 'default', name: 'github', key: 'access' },
        secretToken: { namespace: 'default', name: 'github', key: 'secret' },
      },
    })
  })

  test('that is deleted stays until its service has removed the webhook', async () => {
    const { world, services, row, report } = await createSourcesWorld()
    services.start()
    await world.apply(broker(), source('GitHubSource', 's'))
    await report('s', { conditions: ALL_WELL, facts: { webhookIDKey: '7' } })
    expect(world.status('GitHubSource', 's')).toMatchObject({ webhookIDKey: '7' })
    await world.remove('GitHubSource', 's')
    expect(row('s')).toMatchObject({ ending: true })
    await report('s', { conditions: ALL_WELL })
    expect(world.get('GitHubSource', 's')).toBeDefined()
    expect(world.condition('GitHubSource', 's')).toEqual(['False', 'Ending'])
    await report('s', { conditions: ALL_WELL, facts: { webhookRemoved: 'true' } })
    expect(world.get('GitHubSource', 's')).toBeUndefined()
    expect(world.rows().sources).toEqual([])
  })

  test('goes at once if it never had a row, or once it is annotated that its webhook is somebody else’s', async () => {
    const { world } = await createSourcesWorld()
    await world.apply(source('GitHubSource', 'lost', { sink: ref('Service', 'lost') }))
    await world.remove('GitHubSource', 'lost')
    expect(world.get('GitHubSource', 'lost')).toBeUndefined()
    await world.apply(broker(), source('GitHubSource', 's'))
    await world.remove('GitHubSource', 's')
    const held = world.get('GitHubSource', 's')
    expect(held?.metadata.finalizers).toEqual(['githubsources.sources.knative.dev'])
    const annotations = { 'sluice.dev/webhook': 'manual' }
    await world.apply({ ...held, metadata: { ...held?.metadata, annotations } } as never)
    expect(world.get('GitHubSource', 's')).toBeUndefined()
  })

  test('with a webhook of somebody else’s has no finalizer and no access token', async () => {
    const { world, row } = await createSourcesWorld()
    await world.apply(broker(), source('GitHubSource', 's', {}, { 'sluice.dev/webhook': 'manual' }))
    expect(row('s').secrets).toEqual({ secretToken: { namespace: 'default', name: 'github', key: 'secret' } })
    expect(world.get('GitHubSource', 's')?.metadata).not.toHaveProperty('finalizers')
  })

  test('says that its secret is missing as Knative does', async () => {
    const { world, services, report } = await createSourcesWorld()
    services.start()
    await world.apply(broker(), source('GitHubSource', 's'))
    const Deployed = { status: 'False', reason: 'SourceSecretMissing', message: 'no Secret github' } as const
    await report('s', { conditions: { Deployed } })
    expect(world.condition('GitHubSource', 's', 'SecretsProvided')).toEqual(['False', 'SourceSecretMissing'])
  })
})

describe('a KafkaSource', () => {
  test('has a group of its own if it names none, and its secrets by name', async () => {
    const { world, row } = await createSourcesWorld()
    const value = (key: string) => ({ secretKeyRef: { name: 'kafka', key } })
    const net = {
      sasl: { enable: true, user: value('u'), password: value('p') },
      tls: { enable: false, caCert: value('c') },
    }
    await world.apply(broker(), source('KafkaSource', 's', { net }))
    const { uid } = row('s')
    expect(row('s')).toMatchObject({ consumerGroup: `knative-kafka-source-${uid}`, tls: false, sasl: true })
    expect(row('s').secrets).toEqual({
      saslUser: { namespace: 'default', name: 'kafka', key: 'u' },
      saslPassword: { namespace: 'default', name: 'kafka', key: 'p' },
    })
  })

  test('of a key type that nobody knows reads strings, and an Event says so', async () => {
    const { world, row } = await createSourcesWorld()
    const made = source('KafkaSource', 's')
    const labels = { 'kafkasources.sources.knative.dev/key-type': 'avro' }
    await world.apply(broker(), { ...made, metadata: { ...made.metadata, labels } })
    expect(row('s')).toMatchObject({ keyType: 'string' })
    expect(world.events).toContainEqual(expect.objectContaining({ reason: 'KeyTypeUnknown' }))
  })
})
