import { describe, expect, test } from '@jest/globals'
import { EventingError } from '@sluice/errors'
import type { KafkaSecret } from '@sluice/resources/settings'
import { broker, channel, configMap } from '../../test/objects.ts'
import { createWorld } from '../../test/world.ts'
import type { WantedLog } from './deps.ts'

const KAFKA = { 'eventing.knative.dev/broker.class': 'Kafka' }
const EXTERNAL = 'kafka.eventing.knative.dev/external.topic'
const config = { apiVersion: 'v1', kind: 'ConfigMap', name: 'kafka', namespace: 'knative-eventing' }
const drivers = ['kafka']

/** Of this installation: some brokers, a password. */
const kafka = {
  brokers: ['kafka:9092'],
  differences: ({ login }: KafkaSecret) =>
    login?.password === 'ours' ? [] : ['password is another than KAFKA_PASSWORD'],
}

function secrets(data: Readonly<Record<string, string>>) {
  return { read: async ({ name, key }: { name: string; key: string }) => (name === 'login' ? data[key] : undefined) }
}

describe('the log of a Broker on Kafka', () => {
  test('is the topic that Knative names, with the copies, partitions and retention of its ConfigMap', async () => {
    const world = await createWorld({ drivers, kafka })
    const data = {
      ...{ 'default.topic.partitions': '10', 'default.topic.replication.factor': '3' },
      ...{ 'default.topic.config.retention.ms': '1000', 'default.topic.config.retention.bytes': '500' },
      'bootstrap.servers': 'other:9092,Kafka:9092',
    }
    await world.apply(configMap('kafka', data), broker('a', { config }, KAFKA), broker('b', {}, KAFKA), broker('c'))
    expect(world.rows().logs.map(({ lanes, retention, backend }) => ({ lanes, retention, backend }))).toMatchObject([
      {
        lanes: 10,
        retention: { maxAgeMs: 1_000, maxBytes: 5_000 },
        backend: { name: 'knative-broker-default-a', replicas: 3 },
      },
      { lanes: 8, backend: { name: 'knative-broker-default-b' } },
      { backend: undefined },
    ])
    await world.apply(configMap('kafka', { 'default.topic.replication.factor': '0' }))
    expect(world.condition('Broker', 'a')).toEqual(['False', 'ConfigInvalid'])
    expect(world.rows().logs[0]).toMatchObject({ retention: { maxAgeMs: 1_000 }, backend: { replicas: 3 } })
  })

  test('is refused where its ConfigMap names another cluster, with the fix', async () => {
    const world = await createWorld({ drivers, kafka })
    await world.apply(configMap('kafka', { 'bootstrap.servers': 'other:9092' }), broker('a', { config }, KAFKA))
    expect(world.condition('Broker', 'a')).toEqual(['False', 'ConfigInvalid'])
    expect(world.message('Broker', 'a')).toContain('name one of KAFKA_BROKERS (kafka:9092), or leave it out')
    expect(world.rows().logs).toEqual([])
  })

  test.each([
    ['is not there', {}, 'Secret knative-eventing/login does not exist, or is empty'],
    ['can not be read', { protocol: 'SSL' }, 'user.crt and user.key are missing'],
    [
      'asks for what nobody has',
      { protocol: 'SASL_SSL', 'sasl.mechanism': 'OAUTHBEARER' },
      '"OAUTHBEARER" is not supp',
    ],
    ['is of another login', { protocol: 'SASL_SSL', user: 'u', password: 'theirs' }, 'password is another than KAFKA_'],
  ])('is refused where the Secret of its ConfigMap %s', async (_, secret, message) => {
    const world = await createWorld({ drivers, kafka, deps: { secrets: secrets(secret as Record<string, string>) } })
    await world.apply(configMap('kafka', { 'auth.secret.ref.name': 'login' }), broker('a', { config }, KAFKA))
    expect(world.condition('Broker', 'a')).toEqual(['False', 'ConfigInvalid'])
    expect(world.message('Broker', 'a')).toContain(message)
    expect(world.message('Broker', 'a')).not.toContain('theirs')
  })

  test('is taken where the Secret is what this installation connects with', async () => {
    const secret = { protocol: 'SASL_SSL', user: 'u', password: 'ours' }
    const world = await createWorld({ drivers, kafka, deps: { secrets: secrets(secret) } })
    await world.apply(configMap('kafka', { 'auth.secret.ref.name': 'login' }), broker('a', { config }, KAFKA))
    expect(world.condition('Broker', 'a')).toEqual(['True'])
  })
})

describe('an external topic', () => {
  const lacking = new EventingError({ code: 'CHANNEL_UNKNOWN', channel: 'orders' }, 'topic orders does not exist')

  test('is the log of its Broker for life, and of Kafka alone', async () => {
    const world = await createWorld({ drivers, kafka })
    await world.apply(
      broker('a', {}, { ...KAFKA, [EXTERNAL]: 'orders' }),
      broker('b', {}, { [EXTERNAL]: 'orders' }),
      broker('c', {}, { ...KAFKA, [EXTERNAL]: 'no topic' }),
    )
    expect(world.rows().logs.map(({ backend }) => backend)).toEqual([{ name: 'orders', isExternal: true }])
    expect(world.message('Broker', 'b')).toBe(
      `${EXTERNAL} needs a Broker whose events Kafka stores: use the class Kafka, or remove it`,
    )
    expect(world.condition('Broker', 'c')).toEqual(['False', 'AnnotationInvalid'])
    await world.apply(broker('a', {}, { ...KAFKA, [EXTERNAL]: 'others' }))
    expect(world.condition('Broker', 'a')).toEqual(['False', 'TopicFixed'])
    expect(world.rows().logs.map(({ backend }) => backend)).toEqual([{ name: 'orders', isExternal: true }])
  })

  test('that is not there has its Broker wait and take no events, until it is; nobody else waits for it', async () => {
    const asked: WantedLog[] = []
    let failure: Error | undefined = lacking
    const checkLog = async (log: WantedLog) => {
      asked.push(log)
      if (log.backend?.name === 'orders' && failure !== undefined) throw failure
    }
    const world = await createWorld({ drivers, kafka, deps: { checkLog } })
    await world.apply(broker('a', {}, { ...KAFKA, [EXTERNAL]: 'orders' }), channel('KafkaChannel', 'c'), broker('b'))
    expect(world.condition('Broker', 'a')).toEqual(['False', 'TopicNotFound'])
    expect(world.message('Broker', 'a')).toMatch(/^topic orders does not exist; .*external.topic.*sluice.dev\/lanes/)
    expect(world.condition('Broker', 'a', 'Addressable')).toEqual(['False', 'NoAddress'])
    expect(world.rows().logs).toHaveLength(2)
    expect(asked.map(({ backend }) => backend?.name)).toContain('knative-messaging-kafka.default.c')
    failure = new EventingError({ code: 'CHANNEL_UNAVAILABLE', driver: 'kafka', reason: 'away' }, 'away')
    await world.rest()
    expect(world.condition('Broker', 'a', 'TriggerChannelReady')).toEqual(['Unknown', 'BackendUnavailable'])
    failure = undefined
    await world.rest()
    expect(world.condition('Broker', 'a')).toEqual(['True'])
  })
})

test('a KafkaChannel whose ConfigMap names another cluster is refused, and taken once it names this one', async () => {
  const world = await createWorld({ drivers, kafka })
  const named = (servers: string) => configMap('kafka-channel-config', { 'bootstrap.servers': servers })
  await world.apply(named('other:9092'), channel('KafkaChannel', 'c'))
  expect(world.condition('KafkaChannel', 'c')).toEqual(['False', 'ConfigInvalid'])
  await world.apply(named('kafka:9092'))
  expect(world.condition('KafkaChannel', 'c')).toEqual(['True'])
})
