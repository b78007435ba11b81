import { describe, expect, test } from '@jest/globals'
import { broker, channel, configMap, ref, service, subscription, trigger } from '../../test/objects.ts'
import { createWorld } from '../../test/world.ts'

describe('channels that are logs', () => {
  test('CHN-01 each is a log with an address of its own, by path and by host, on the driver of its kind', async () => {
    const world = await createWorld({ drivers: ['kafka', 'nats'] })
    const kinds = ['InMemoryChannel', 'KafkaChannel', 'NatsJetStreamChannel']
    await world.apply(...kinds.map((kind) => channel(kind, 'c')))
    const { logs, ingresses } = world.rows()
    expect(logs.map(({ kind, driver, lanes }) => [kind, driver, lanes])).toEqual([
      ['channel', undefined, 8],
      ['channel', 'kafka', 1],
      ['channel', 'nats', 8],
    ])
    expect(ingresses.map(({ path, host }) => [path, host])).toEqual(
      kinds.map((kind, i) => [
        `/channels/default/${kind.toLowerCase()}/c`,
        i === 0 ? 'c-kn-channel.default' : undefined,
      ]),
    )
    for (const kind of kinds) {
      expect(world.condition(kind, 'c')).toEqual(['True'])
      const url = `http://sluice.example/channels/default/${kind.toLowerCase()}/c`
      expect(world.status(kind, 'c').address).toEqual({ name: 'http', url })
    }
  })

  test('the host of a name is that of the first channel of that name, and free again when that is gone', async () => {
    const world = await createWorld({ drivers: ['kafka'] })
    await world.apply(channel('InMemoryChannel', 'c'), channel('KafkaChannel', 'c'))
    await world.remove('InMemoryChannel', 'c')
    expect(world.rows().ingresses.map(({ host }) => host)).toEqual(['c-kn-channel.default'])
  })

  test('one on a driver that this installation does not run is not Ready, and says what to do', async () => {
    const world = await createWorld()
    await world.apply(channel('KafkaChannel', 'c'), subscription('s', {}, ref('KafkaChannel', 'c')))
    expect(world.condition('KafkaChannel', 'c')).toEqual(['False', 'DriverNotRunning'])
    expect(world.message('KafkaChannel', 'c')).toContain('name kafka in DRIVERS')
    expect(world.condition('Subscription', 's')).toEqual(['False', 'ChannelNotReady'])
    expect(world.rows().logs).toEqual([])
  })

  test('CHN-14 its dead letter sink is said, and that of Subscriptions without one', async () => {
    const world = await createWorld()
    await world.apply(
      channel('InMemoryChannel', 'c', { delivery: { deadLetterSink: { uri: 'http://dls/' } } }),
      subscription('s'),
    )
    expect(world.status('InMemoryChannel', 'c').deadLetterSinkUri).toBe('http://dls/')
    expect(world.rows().deliveries).toMatchObject([{ deadLetterSink: { url: 'http://dls/' } }])
  })

  test('partitions of a KafkaChannel are its lanes, its retention is kept', async () => {
    const world = await createWorld({ drivers: ['kafka'] })
    await world.apply(
      channel('KafkaChannel', 'c', { numPartitions: 12, retentionDuration: 'PT1H', replicationFactor: 3 }),
      channel('KafkaChannel', 'd', { numPartitions: 65 }),
    )
    const backend = { name: 'knative-messaging-kafka.default.c', replicas: 3 }
    expect(world.rows().logs).toMatchObject([{ lanes: 12, retention: { maxAgeMs: 3_600_000 }, backend }])
    expect(world.condition('KafkaChannel', 'd')).toEqual(['False', 'SpecInvalid'])
  })
})

describe('Channel', () => {
  test('makes one of the default kind, owned and of its name, and says what that one says', async () => {
    const world = await createWorld()
    await world.apply(channel('Channel', 'c', { delivery: { retry: 2 } }))
    const backing = world.get('InMemoryChannel', 'c')
    expect(backing?.spec).toEqual({ delivery: { retry: 2 } })
    expect(backing?.metadata.ownerReferences).toMatchObject([
      { kind: 'Channel', name: 'c', uid: 'uid-1', controller: true },
    ])
    expect(world.condition('Channel', 'c')).toEqual(['True'])
    expect(world.status('Channel', 'c')).toMatchObject({
      address: { url: 'http://sluice.example/channels/default/inmemorychannel/c' },
      channel: { apiVersion: 'messaging.knative.dev/v1', kind: 'InMemoryChannel', name: 'c', namespace: 'default' },
    })
    await world.remove('Channel', 'c')
    expect(world.rows().logs).toEqual([])
  })

  test('makes what its template says, or default-ch-webhook for its namespace', async () => {
    const world = await createWorld({ drivers: ['kafka', 'nats'] })
    const kafka = { apiVersion: 'messaging.knative.dev/v1beta1', kind: 'KafkaChannel', spec: { numPartitions: 3 } }
    const nats =
      'namespaceDefaults: {default: {apiVersion: messaging.knative.dev/v1alpha1, kind: NatsJetStreamChannel}}'
    await world.apply(configMap('default-ch-webhook', { 'default-ch-config': nats }))
    await world.apply(channel('Channel', 'a', { channelTemplate: kafka }), channel('Channel', 'b'))
    expect(world.rows().logs.map(({ name, driver, lanes }) => [name, driver, lanes])).toEqual([
      ['a', 'kafka', 3],
      ['b', 'nats', 8],
    ])
    const inMemory = 'clusterDefault: {apiVersion: messaging.knative.dev/v1, kind: InMemoryChannel}'
    await world.apply(configMap('default-ch-webhook', { 'default-ch-config': inMemory }))
    expect(world.get('InMemoryChannel', 'b')).toBeUndefined()
    expect(world.condition('Channel', 'b')).toEqual(['True'])
  })

  test('of a kind that nobody knows is not Ready, and names those there are', async () => {
    const world = await createWorld()
    const channelTemplate = { apiVersion: 'messaging.knative.dev/v1', kind: 'RabbitmqChannel' }
    await world.apply(channel('Channel', 'c', { channelTemplate }))
    expect(world.condition('Channel', 'c')).toEqual(['False', 'ChannelKindUnknown'])
    expect(world.message('Channel', 'c')).toContain('InMemoryChannel, KafkaChannel, NatsJetStreamChannel')
  })
})

describe('Subscription', () => {
  test('SUB-05 CHN-08 is a route without filter and a queue; the channel says so in spec and status', async () => {
    const world = await createWorld()
    await world.apply(
      channel('InMemoryChannel', 'c'),
      subscription('s', {
        reply: { uri: 'http://reply/' },
        delivery: { retry: 1, deadLetterSink: { uri: 'http://dls/' } },
      }),
    )
    const [log] = world.rows().logs
    expect(world.rows().routes).toMatchObject([
      { uid: 'uid-2', name: 's', log: log?.uid, filter: {}, delivery: 'uid-2' },
    ])
    expect(world.rows().deliveries).toMatchObject([
      {
        ...{ channel: log?.queues, subscriber: { url: 'http://sink/' }, reply: { url: 'http://reply/' } },
        ...{ deadLetterSink: { url: 'http://dls/' }, spec: { retry: 1 } },
      },
    ])
    const uris = { subscriberUri: 'http://sink/', replyUri: 'http://reply/' }
    expect(world.status('Subscription', 's').physicalSubscription).toEqual({
      ...uris,
      deadLetterSinkUri: 'http://dls/',
    })
    for (const type of ['Ready', 'ReferencesResolved', 'AddedToChannel', 'ChannelReady'])
      expect([type, world.condition('Subscription', 's', type)]).toEqual([type, ['True']])
    expect(world.get('InMemoryChannel', 'c')?.spec).toMatchObject({
      subscribers: [{ uid: 'uid-2', name: 's', ...uris }],
    })
    expect(world.status('InMemoryChannel', 'c').subscribers).toEqual([
      { uid: 'uid-2', observedGeneration: 1, ready: 'True' },
    ])
    await world.remove('Subscription', 's')
    expect(world.get('InMemoryChannel', 'c')?.spec).not.toHaveProperty('subscribers')
    expect(world.rows().deliveries).toEqual([])
    expect(world.rows().logs[0]?.formerTriggers).toMatchObject([{ name: 's' }])
  })

  test('CHN-09 two with the same URL are two', async () => {
    const world = await createWorld()
    await world.apply(channel('InMemoryChannel', 'c'), subscription('s'), subscription('t'))
    expect(world.rows().deliveries.map(({ name }) => name)).toEqual(['s', 't'])
  })

  test('SUB-04 before its channel it waits; behind a Channel it is that of the channel made', async () => {
    const world = await createWorld()
    await world.apply(subscription('s', {}, ref('Channel', 'c')))
    expect(world.condition('Subscription', 's')).toEqual(['False', 'ChannelReferenceFailed'])
    await world.apply(channel('Channel', 'c'))
    expect(world.condition('Subscription', 's')).toEqual(['True'])
    expect(world.status('Channel', 'c').subscribers).toEqual([{ uid: 'uid-1', observedGeneration: 1, ready: 'True' }])
  })

  test('SUB-06 a subscriber or reply that is missing makes it not Ready and leaves no URI; made later, it is found', async () => {
    const world = await createWorld()
    await world.apply(
      channel('InMemoryChannel', 'c'),
      subscription('s', { subscriber: ref('Service', 'late') }),
      subscription('t', { reply: ref('InMemoryChannel', 'd') }),
    )
    expect(world.condition('Subscription', 's')).toEqual(['False', 'SubscriberResolveFailed'])
    expect(world.status('Subscription', 's').physicalSubscription).toEqual({})
    expect(world.condition('Subscription', 't')).toEqual(['False', 'ReplyResolveFailed'])
    expect(world.rows().deliveries).toEqual([])
    await world.apply(service('late', 'http://late/'), channel('InMemoryChannel', 'd'))
    expect(world.condition('Subscription', 's')).toEqual(['True'])
    expect(world.condition('Subscription', 't')).toEqual(['True'])
  })

  test('CHN-11 a reply to a Broker or channel of this installation goes into its log, that to another path to the address', async () => {
    const world = await createWorld()
    await world.apply(
      ...[broker(), channel('InMemoryChannel', 'c'), channel('Channel', 'd')],
      subscription('a', { reply: ref('Broker', 'default') }),
      subscription('b', { reply: ref('Channel', 'd') }),
      subscription('e', { reply: { ...ref('Broker', 'default'), uri: '/default/other' } }),
    )
    const uid = (kind: string, name: string) => world.get(kind, name)?.metadata.uid
    expect(world.rows().deliveries.map(({ replyLog, reply }) => [replyLog, reply?.url])).toEqual([
      [uid('Broker', 'default'), undefined],
      [uid('InMemoryChannel', 'd'), undefined],
      [undefined, 'http://127.0.0.1:8080/default/other'],
    ])
  })

  test('a reply into a log that is gone goes to its address and is refused there; into the new one once that is made', async () => {
    const world = await createWorld()
    await world.apply(broker(), channel('InMemoryChannel', 'c'), subscription('s', { reply: ref('Broker', 'default') }))
    await world.remove('Broker', 'default')
    const [gone] = world.rows().deliveries
    expect([gone?.replyLog, gone?.reply?.url]).toEqual([undefined, 'http://127.0.0.1:8080/default/default'])
    expect(world.condition('Subscription', 's')).toEqual(['False', 'ReplyResolveFailed'])
    await world.apply(broker())
    expect(world.rows().deliveries).toMatchObject([{ replyLog: world.get('Broker', 'default')?.metadata.uid }])
    expect(world.condition('Subscription', 's')).toEqual(['True'])
  })

  test("CHN-13 its delivery spec replaces its channel's as a whole; the dead letter sink falls back", async () => {
    const world = await createWorld()
    const delivery = { retry: 10, backoffDelay: 'PT5S', deadLetterSink: { uri: 'http://ch/' } }
    await world.apply(
      channel('InMemoryChannel', 'c', { delivery }),
      subscription('a'),
      subscription('b', { delivery: { retry: 3 } }),
      subscription('d', { delivery: { deadLetterSink: { uri: 'http://own/' } } }),
    )
    expect(
      world.rows().deliveries.map(({ spec, deadLetterSink }) => [spec.retry, spec.backoffDelayMs, deadLetterSink?.url]),
    ).toEqual([
      [10, 5000, 'http://ch/'],
      [3, 200, 'http://ch/'],
      [0, 200, 'http://own/'],
    ])
  })

  test('CHN-10 a Trigger can send to a channel, a Subscription to a Channel; both are internal', async () => {
    const world = await createWorld()
    await world.apply(
      ...[broker(), channel('InMemoryChannel', 'c'), channel('Channel', 'd')],
      trigger('t', { subscriber: ref('InMemoryChannel', 'c') }),
      subscription('s', { subscriber: ref('Channel', 'd') }),
    )
    expect(world.rows().deliveries.map(({ subscriber }) => subscriber)).toEqual([
      { url: 'http://127.0.0.1:8080/channels/default/inmemorychannel/c', internal: true },
      { url: 'http://127.0.0.1:8080/channels/default/inmemorychannel/d', internal: true },
    ])
  })

  test('a controller that starts again changes nothing and writes nothing', async () => {
    const world = await createWorld()
    await world.apply(
      channel('Channel', 'c'),
      subscription('s', {}, ref('Channel', 'c')),
      subscription('t', {}, ref('Channel', 'c')),
    )
    const before = world.rows()
    await world.end()
    const writes = world.api.writes()
    const again = await createWorld({ after: world, isDeaf: true })
    expect(again.rows()).toEqual(before)
    expect(again.condition('Subscription', 's')).toEqual(['True'])
    expect(again.api.writes()).toBe(writes)
  })
})
