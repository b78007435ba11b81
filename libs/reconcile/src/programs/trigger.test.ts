import { describe, expect, test } from '@jest/globals'
import { broker, configMap, object, ref, service, trigger } from '../../test/objects.ts'
import { createWorld } from '../../test/world.ts'

describe('rows', () => {
  test('RTY-01 the quickstart becomes one row of each kind, with every default filled in: ten retries', async () => {
    const world = await createWorld()
    await world.apply(broker(), trigger('display', { subscriber: ref('Service', 'event-display') }))
    const { logs, ingresses, routes, deliveries } = world.rows()
    const [log] = logs
    expect(log).toMatchObject({
      ...{ kind: 'broker', namespace: 'default', name: 'default', lanes: 8, orderKey: 'partitionkey' },
      ...{ uid: 'uid-1', channel: 'log/default/default/uid-1', queues: 'queues/default/default/uid-1' },
    })
    expect(log).not.toHaveProperty('driver')
    expect(ingresses).toMatchObject([{ uid: 'uid-1', path: '/default/default', log: 'uid-1' }])
    expect(routes).toMatchObject([{ uid: 'uid-2', name: 'display', log: 'uid-1', filter: {}, delivery: 'uid-2' }])
    expect(deliveries).toMatchObject([
      {
        ...{ uid: 'uid-2', channel: 'queues/default/default/uid-1', replyLog: 'uid-1' },
        subscriber: { url: 'http://127.0.0.1:9000/', internal: false },
        spec: { retry: 10, backoffPolicy: 'exponential', backoffDelayMs: 200, timeoutMs: 30_000 },
        ...{ maxInFlight: 256, backlogMaxBytes: 1000, strictReplies: false },
      },
    ])
  })

  test("TRG-08: a ref's URL and a relative uri are joined as RFC 3986 says", async () => {
    const world = await createWorld()
    await world.apply(
      ...[broker(), service('s', 'http://h/base/x?q=1')],
      ...['y', '/y', '', 'y?z=2'].map((uri, i) =>
        trigger(`t${i}`, { subscriber: { ...ref('Service', 's'), ...(uri && { uri }) } }),
      ),
    )
    const urls = ['http://h/base/y', 'http://h/y', 'http://h/base/x?q=1', 'http://h/base/y?z=2']
    expect(urls.map((_, i) => world.status('Trigger', `t${i}`).subscriberUri)).toEqual(urls)
  })

  test('TRG-09: in a cluster a Service is where its name says; elsewhere somebody has to say', async () => {
    const [inCluster, alone] = [await createWorld({ deps: { clusterDomain: 'cluster.local' } }), await createWorld()]
    for (const world of [inCluster, alone])
      await world.apply(
        ...[broker(), service('s'), service('ext', undefined, { externalName: 'example.org' })],
        ...[trigger('a', { subscriber: ref('Service', 's') }), trigger('b', { subscriber: ref('Service', 'ext') })],
      )
    expect(inCluster.status('Trigger', 'a').subscriberUri).toBe('http://s.default.svc.cluster.local/')
    expect(alone.status('Trigger', 'a')).not.toHaveProperty('subscriberUri')
    expect(alone.condition('Trigger', 'a')).toEqual(['False', 'NoAddress'])
    expect(alone.status('Trigger', 'b').subscriberUri).toBe('http://example.org/')
  })

  test('addresses of this installation are internal, by either of its names; others are not', async () => {
    const world = await createWorld()
    const urls = {
      'http://localhost:8080/a/b': true,
      'http://127.0.0.1:8081/a': false,
      'http://sluice.example/a': true,
      'http://other/': false,
    }
    await world.apply(broker('b'), broker())
    await world.apply(trigger('broker', { subscriber: ref('Broker', 'b') }))
    await world.apply(...Object.keys(urls).map((uri, i) => trigger(`t${i}`, { subscriber: { uri } })))
    const found = world.rows().deliveries.map(({ subscriber }) => [subscriber.url, subscriber.internal])
    expect(found).toEqual([['http://127.0.0.1:8080/default/b', true], ...Object.entries(urls)])
  })

  test('a Service comes before a built-in of the same name', async () => {
    const world = await createWorld()
    const subscriber = ref('Service', 'event-display')
    await world.apply(broker(), service('event-display', 'http://own/'), trigger('t', { subscriber }))
    expect(world.status('Trigger', 't').subscriberUri).toBe('http://own/')
    await world.remove('Service', 'event-display')
    expect(world.status('Trigger', 't').subscriberUri).toBe('http://127.0.0.1:9000/')
  })

  test('authorities of a destination are in its row, and win over those of the address', async () => {
    const world = await createWorld()
    const CACerts = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----'
    await world.apply(broker(), trigger('t', { subscriber: { uri: 'https://sink/', CACerts, audience: 'a' } }))
    expect(world.rows().deliveries).toMatchObject([{ subscriber: { url: 'https://sink/', caCerts: CACerts } }])
    expect(world.status('Trigger', 't')).toMatchObject({ subscriberCACerts: CACerts, subscriberAudience: 'a' })
  })

  test('a Trigger deleted and made again is another one, with another queue', async () => {
    const world = await createWorld()
    await world.apply(broker(), trigger('t'))
    const [first] = world.rows().routes
    await world.remove('Trigger', 't')
    expect(world.rows().routes).toEqual([])
    await world.apply(trigger('t'))
    expect(world.rows().routes[0]?.uid).not.toBe(first?.uid)
    expect(world.rows().routes[0]?.since).toBe(world.rows().revision)
  })

  test('annotations of a Trigger come into its row; those of its Broker where it has none', async () => {
    const world = await createWorld()
    await world.apply(
      broker('default', {}, { 'sluice.dev/backlog-max': '2k' }),
      trigger(
        'a',
        {},
        {
          ...{ 'sluice.dev/max-in-flight': '3', 'sluice.dev/order': 'lane', 'sluice.dev/rate': '1.5' },
          ...{ 'sluice.dev/suspend': 'true', 'sluice.dev/dedup-window': 'PT1M', 'sluice.dev/strict-replies': 'true' },
        },
      ),
      trigger('b', {}, { 'kafka.eventing.knative.dev/delivery.order': 'ordered', 'sluice.dev/backlog-max': '7' }),
    )
    const [a, b] = world.rows().deliveries
    expect(a).toMatchObject({ maxInFlight: 3, order: 'lane', ratePerSecond: 1.5, suspend: true, strictReplies: true })
    expect(a).toMatchObject({ dedupWindowMs: 60_000, backlogMaxBytes: 2000 })
    expect(b).toMatchObject({ order: 'key', backlogMaxBytes: 7 })
  })
})

describe('delivery specs', () => {
  const spec = (world: Awaited<ReturnType<typeof createWorld>>) =>
    world.rows().deliveries.map(({ spec, deadLetterSink }) => [spec.retry, spec.backoffDelayMs, deadLetterSink?.url])

  test("RTY-04 a Trigger's replaces its Broker's as a whole; RTY-08 the dead letter sink falls back; RTY-06 its own wins", async () => {
    const world = await createWorld()
    await world.apply(
      broker('default', { delivery: { retry: 1, backoffDelay: 'PT5S', deadLetterSink: { uri: 'http://dls/' } } }),
      trigger('a'),
      trigger('b', { delivery: { retry: 3 } }),
      trigger('c', { delivery: { backoffDelay: 'PT1S', deadLetterSink: { uri: 'http://own/' } } }),
      trigger('d', { delivery: {} }),
    )
    expect(spec(world)).toEqual([
      [1, 5000, 'http://dls/'],
      [3, 200, 'http://dls/'],
      [0, 1000, 'http://own/'],
      [0, 200, 'http://dls/'],
    ])
    expect(world.status('Trigger', 'c').deadLetterSinkUri).toBe('http://own/')
  })

  test('every field of a delivery spec is in its row, whoever it is inherited from', async () => {
    const world = await createWorld()
    const delivery = {
      ...{ retry: 4, timeout: 'PT7S', backoffPolicy: 'linear', backoffDelay: 'PT2S' },
      ...{ retryAfterMax: 'PT9S', backoffMax: 'PT1M', format: 'json' },
    }
    await world.apply(broker('default', { delivery }), trigger('a'), trigger('b', { delivery }))
    const expected = {
      ...{ retry: 4, timeoutMs: 7000, backoffPolicy: 'linear', backoffDelayMs: 2000 },
      ...{ retryAfterMaxMs: 9000, backoffMaxMs: 60_000, format: 'json' },
    }
    expect(world.rows().deliveries.map((row) => row.spec)).toEqual([expected, expected])
    const { annotations } = world.status('Trigger', 'a') as { annotations: Record<string, string> }
    expect(JSON.parse(annotations['sluice.dev/delivery'] ?? '')).toEqual(expected)
  })

  test('BRK-06 defaults of config-br-defaults hold for a Broker that says nothing, and change with it', async () => {
    const world = await createWorld()
    const defaults = (retry: number) =>
      configMap('config-br-defaults', {
        'default-br-config': `clusterDefault: {delivery: {retry: ${retry}}}\nnamespaceDefaults: {other: {delivery: {retry: 9}}}`,
      })
    await world.apply(defaults(2), broker(), trigger('a'))
    expect(spec(world)[0]?.[0]).toBe(2)
    await world.apply(defaults(4))
    expect(spec(world)[0]?.[0]).toBe(4)
  })
})

describe('conditions', () => {
  test('TRG-01 TRG-02 TRG-15 a Trigger in force is Ready and says where events go', async () => {
    const world = await createWorld()
    await world.apply(broker(), trigger('t', { delivery: { deadLetterSink: { uri: 'http://dls/' } } }))
    expect(world.condition('Trigger', 't')).toEqual(['True'])
    expect(world.status('Trigger', 't')).toMatchObject({
      ...{ observedGeneration: 1, subscriberUri: 'http://sink/', deadLetterSinkUri: 'http://dls/' },
    })
    const types = [
      'BrokerReady',
      'DeadLetterSinkResolved',
      'DependencyReady',
      'OIDCIdentityCreated',
      'SubscriberResolved',
    ]
    for (const type of [...types, 'SubscriptionReady'])
      expect([type, world.condition('Trigger', 't', type)[0]]).toEqual([type, 'True'])
  })

  test('TRG-05 TRG-06 a Trigger before its Broker waits for it, and is Ready once it is there', async () => {
    const world = await createWorld()
    await world.apply(trigger('t'))
    expect(world.condition('Trigger', 't')).toEqual(['False', 'BrokerDoesNotExist'])
    expect(world.rows().routes).toEqual([])
    await world.apply(broker())
    expect(world.condition('Trigger', 't')).toEqual(['True'])
  })

  test('TRG-07 a subscriber that is missing makes it not Ready and leaves no URI; made later, it is found', async () => {
    const world = await createWorld()
    await world.apply(broker(), trigger('t', { subscriber: ref('Service', 'late') }))
    expect(world.condition('Trigger', 't')).toEqual(['False', 'NotFound'])
    expect(world.message('Trigger', 't')).toBe('spec.subscriber: Service default/late does not exist')
    expect(world.status('Trigger', 't')).not.toHaveProperty('subscriberUri')
    await world.apply(service('late', 'http://late/'))
    expect(world.condition('Trigger', 't')).toEqual(['True'])
  })

  test('a subscriber of a kind that nobody knows is told with its kind', async () => {
    const world = await createWorld()
    await world.apply(broker(), trigger('t', { subscriber: { ref: { apiVersion: 'x/v1', kind: 'Y', name: 'z' } } }))
    expect(world.condition('Trigger', 't')).toEqual(['False', 'KindUnknown'])
    expect(world.message('Trigger', 't')).toContain('Y of x/v1')
  })

  test('an edit to what cannot be resolved keeps the last good rows in force, and says so', async () => {
    const world = await createWorld()
    await world.apply(broker(), trigger('t'))
    const before = world.rows()
    await world.apply(trigger('t', { subscriber: ref('Service', 'gone') }))
    expect(world.condition('Trigger', 't')).toEqual(['False', 'NotFound'])
    await world.apply(trigger('t', { filters: [{ cesql: 'type = ' }] }))
    expect(world.condition('Trigger', 't')).toEqual(['False', 'FilterInvalid'])
    expect([world.rows().routes, world.rows().deliveries]).toEqual([before.routes, before.deliveries])
    await world.apply(trigger('t', { subscriber: { uri: 'http://new/' } }))
    expect(world.rows().deliveries[0]?.subscriber.url).toBe('http://new/')
    expect(world.rows().routes).toEqual(before.routes)
  })

  test('TRG-14 what a Trigger depends on must be Ready first', async () => {
    const world = await createWorld()
    const dependency = JSON.stringify({ apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: 'source' })
    await world.apply(broker(), trigger('t', {}, { 'knative.dev/dependency': dependency }))
    expect(world.condition('Trigger', 't')).toEqual(['False', 'DependencyDoesNotExist'])
    expect(world.rows().routes).toEqual([])
    await world.apply(broker('source'))
    expect(world.condition('Trigger', 't')).toEqual(['True'])
    expect(world.rows().routes).toHaveLength(1)
  })

  test('without a reader of the contract nobody is Ready; then it says who lacks the rows', async () => {
    const world = await createWorld({ isDeaf: true })
    await world.apply(broker(), trigger('t'))
    expect(world.condition('Broker', 'default')).toEqual(['Unknown', 'NotAcknowledged'])
    expect(world.condition('Trigger', 't', 'SubscriptionReady')).toEqual(['Unknown', 'NotAcknowledged'])
    world.store.watch('dispatcher-7', () => new Promise(() => {}))
    await world.apply(trigger('u'))
    await world.apply(broker())
    expect(world.message('Trigger', 'u', 'SubscriptionReady')).toContain('dispatcher-7')
  })

  test('a Broker of a class nobody here has is left alone, and its Triggers with it; outside a cluster it is told', async () => {
    const [inCluster, alone] = [await createWorld({ deps: { clusterDomain: 'cluster.local' } }), await createWorld()]
    for (const world of [inCluster, alone])
      await world.apply(broker('default', {}, { 'eventing.knative.dev/broker.class': 'RabbitMQBroker' }), trigger('t'))
    expect(inCluster.status('Broker', 'default')).toEqual({})
    expect(inCluster.status('Trigger', 't')).toEqual({})
    expect(alone.condition('Broker', 'default')).toEqual(['False', 'BrokerClassUnknown'])
    expect(alone.condition('Trigger', 't')).toEqual(['False', 'BrokerClassUnknown'])
    expect(alone.rows().logs).toEqual([])
  })
})

test('going not Ready and Ready again are Events', async () => {
  const world = await createWorld()
  await world.apply(trigger('t'))
  await world.apply(broker())
  const told = world.events.filter(({ about }) => about === 'Trigger t').map(({ type, reason }) => [type, reason])
  expect(told[0]).toEqual(['Warning', 'BrokerDoesNotExist'])
  expect(told.at(-1)).toEqual(['Normal', 'Ready'])
  const again = world.events.length
  await world.apply(object('v1', 'Service', 'unrelated'))
  expect(world.events).toHaveLength(again)
})
