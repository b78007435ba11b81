import { describe, expect, test } from '@jest/globals'
import { broker, configMap, service, trigger } from '../../test/objects.ts'
import { createWorld } from '../../test/world.ts'

const CLASS = 'eventing.knative.dev/broker.class'

test('BRK-01 BRK-02 BRK-05 BRK-09 a Broker in force is Ready, with its address, its dead letter sink and its generation', async () => {
  const world = await createWorld()
  await world.apply(broker('default', { delivery: { deadLetterSink: { uri: 'http://dls/' } } }))
  expect(world.condition('Broker', 'default')).toEqual(['True'])
  expect(world.status('Broker', 'default')).toMatchObject({
    observedGeneration: 1,
    address: { name: 'http', url: 'http://sluice.example/default/default' },
    deadLetterSinkUri: 'http://dls/',
  })
  for (const type of [
    'IngressReady',
    'TriggerChannelReady',
    'FilterReady',
    'Addressable',
    'DeadLetterSinkResolved',
    'EventPoliciesReady',
  ])
    expect([type, world.condition('Broker', 'default', type)[0]]).toEqual([type, 'True'])
  await world.apply(broker('default', { delivery: { retry: 1 } }))
  expect(world.status('Broker', 'default').observedGeneration).toBe(2)
})

test('conditions keep their times while nothing changes about them', async () => {
  const world = await createWorld()
  await world.apply(broker())
  const before = JSON.stringify(world.status('Broker', 'default').conditions)
  world.clock.advance(60_000)
  await world.apply(broker('default', { delivery: { retry: 1 } }))
  const times = (text: string) =>
    (JSON.parse(text) as { type: string; lastTransitionTime: string }[]).filter(({ type }) => type === 'Addressable')
  expect(times(JSON.stringify(world.status('Broker', 'default').conditions))).toEqual(times(before))
})

test('a Broker whose dead letter sink is missing from the start takes no events; one that loses it later goes on', async () => {
  const world = await createWorld()
  const delivery = { deadLetterSink: { ref: { apiVersion: 'v1', kind: 'Service', name: 'dls' } } }
  await world.apply(broker('default', { delivery }), trigger('t'))
  expect(world.condition('Broker', 'default')).toEqual(['False', 'NotFound'])
  expect(world.condition('Broker', 'default', 'Addressable')).toEqual(['False', 'NoAddress'])
  expect(world.status('Broker', 'default')).not.toHaveProperty('address')
  expect(world.rows().logs).toEqual([])
  await world.apply(service('dls', 'http://dls/'))
  expect(world.condition('Trigger', 't')).toEqual(['True'])
  await world.remove('Service', 'dls')
  expect(world.condition('Broker', 'default')).toEqual(['False', 'NotFound'])
  expect(world.rows().logs).toHaveLength(1)
  expect(world.rows().deliveries).toMatchObject([{ deadLetterSink: { url: 'http://dls/' } }])
})

test('lanes are fixed for the life of a Broker; an edit is reported and has no effect', async () => {
  const world = await createWorld()
  await world.apply(broker('default', {}, { 'sluice.dev/lanes': '4' }))
  await world.apply(broker('default', {}, { 'sluice.dev/lanes': '16' }))
  expect(world.rows().logs[0]?.lanes).toBe(4)
  expect(world.condition('Broker', 'default')).toEqual(['False', 'LanesFixed'])
})

test('BRK-10: a Broker deleted and made again is another one, with another log and other queues', async () => {
  const world = await createWorld()
  await world.apply(broker(), trigger('t'))
  const [first] = world.rows().logs
  await world.remove('Broker', 'default')
  expect(world.rows()).toMatchObject({ logs: [], ingresses: [], routes: [], deliveries: [] })
  expect(world.condition('Trigger', 't')).toEqual(['False', 'BrokerDoesNotExist'])
  await world.apply(broker())
  const [again] = world.rows().logs
  expect(again?.channel).not.toBe(first?.channel)
  expect(again?.queues).not.toBe(first?.queues)
  expect(world.rows().routes).toMatchObject([{ log: again?.uid }])
})

describe('classes', () => {
  test('each means a driver; what this installation does not run is told with the fix', async () => {
    const world = await createWorld({ drivers: ['kafka'] })
    const classes = ['Sluice', 'MTChannelBasedBroker', 'Kafka', 'NatsJetStreamBroker']
    await world.apply(...classes.map((name) => broker(name.toLowerCase(), {}, { [CLASS]: name })))
    expect(world.rows().logs.map(({ name, driver }) => [name, driver])).toEqual([
      ['sluice', undefined],
      ['mtchannelbasedbroker', undefined],
      ['kafka', 'kafka'],
    ])
    expect(world.condition('Broker', 'natsjetstreambroker')).toEqual(['False', 'DriverNotRunning'])
    expect(world.message('Broker', 'natsjetstreambroker')).toContain('name nats in DRIVERS')
  })

  test('the channel template of spec.config says the driver of an MTChannelBasedBroker; made later, it is found', async () => {
    const world = await createWorld({ drivers: ['kafka'] })
    const config = { apiVersion: 'v1', kind: 'ConfigMap', name: 'template', namespace: 'knative-eventing' }
    await world.apply(broker('default', { config }, { [CLASS]: 'MTChannelBasedBroker' }))
    expect(world.condition('Broker', 'default')).toEqual(['False', 'ChannelTemplateFailed'])
    const template = 'apiVersion: messaging.knative.dev/v1beta1\nkind: KafkaChannel'
    await world.apply(configMap('template', { 'channel-template-spec': template }))
    expect(world.condition('Broker', 'default')).toEqual(['True'])
    expect(world.rows().logs).toMatchObject([{ driver: 'kafka' }])
  })

  test('of the ConfigMap of class Kafka partitions are lanes; what has no effect is told by an Event', async () => {
    const world = await createWorld({ drivers: ['kafka'] })
    const config = { apiVersion: 'v1', kind: 'ConfigMap', name: 'kafka', namespace: 'knative-eventing' }
    const data = { 'default.topic.partitions': '10', 'default.topic.config.segment.ms': '1' }
    await world.apply(configMap('kafka', data), broker('default', { config }, { [CLASS]: 'Kafka' }))
    expect(world.rows().logs).toMatchObject([{ driver: 'kafka', lanes: 10 }])
    const told = world.events.filter(({ reason }) => reason === 'SettingsWithoutEffect')
    expect(told.map(({ message }) => message.split(': ')[1])).toEqual([
      'default.topic.config.segment.ms of ConfigMap knative-eventing/kafka',
    ])
    await world.apply(configMap('kafka', { 'default.topic.partitions': 'many' }))
    expect(world.condition('Broker', 'default')).toEqual(['False', 'ConfigInvalid'])
    expect(world.rows().logs).toMatchObject([{ lanes: 10 }])
  })

  test('the default class is that of config-br-defaults; a log stays on its driver when that changes', async () => {
    const world = await createWorld({ drivers: ['kafka'] })
    const defaults = (name: string) =>
      configMap('config-br-defaults', { 'default-br-config': `clusterDefault: {brokerClass: ${name}}` })
    await world.apply(defaults('Kafka'), broker())
    expect(world.rows().logs).toMatchObject([{ driver: 'kafka' }])
    await world.apply(defaults('MTChannelBasedBroker'))
    expect(world.rows().logs).toMatchObject([{ driver: 'kafka' }])
  })
})
