import { describe, expect, test } from '@jest/globals'
import { broker, configMap, object, trigger } from '../../test/objects.ts'
import { createWorld } from '../../test/world.ts'

test('a ConfigMap that cannot be read is told by an Event, and the last that could be stays in force', async () => {
  const world = await createWorld()
  const defaults = (text: string) => configMap('config-br-defaults', { 'default-br-config': text })
  await world.apply(defaults('clusterDefault: {delivery: {retry: 2}}'), broker(), trigger('t'))
  await world.apply(defaults('clusterDefault: {delivery: {retry: many}, brokerKlass: x}'))
  expect(world.rows().deliveries[0]?.spec.retry).toBe(2)
  const told = world.events.filter(({ about }) => about === 'ConfigMap config-br-defaults')
  expect(told).toMatchObject([{ type: 'Warning', reason: 'SettingsInvalid' }])
  for (const part of ['delivery.retry', 'brokerKlass', 'stays in force']) expect(told[0]?.message).toContain(part)
  await world.apply(defaults('{'))
  expect(world.rows().deliveries[0]?.spec.retry).toBe(2)
})

test('a class of config-br-defaults has settings of its own, a namespace goes before the cluster', async () => {
  const world = await createWorld()
  const text = `
clusterDefault:
  brokerClass: Sluice
  delivery: {retry: 1}
  brokerClasses: {MTChannelBasedBroker: {delivery: {retry: 2}}}
namespaceDefaults:
  shop: {brokerClass: Sluice, delivery: {retry: 3}}`
  await world.apply(configMap('config-br-defaults', { 'default-br-config': text }))
  const annotations = { 'eventing.knative.dev/broker.class': 'MTChannelBasedBroker' }
  const inShop = { ...broker('shop'), metadata: { name: 'shop', namespace: 'shop' } }
  await world.apply(broker('a'), broker('b', {}, annotations), inShop, broker('c', { delivery: {} }))
  const retry = (name: string, namespace?: string) => {
    const { annotations: said } = world.status('Broker', name, namespace) as { annotations: Record<string, string> }
    return JSON.parse(said['sluice.dev/delivery'] as string).retry
  }
  expect([retry('a'), retry('b'), retry('shop', 'shop'), retry('c')]).toEqual([1, 2, 3, 0])
})

describe('injection', () => {
  const namespace = (name: string, labels: Readonly<Record<string, string>>) => ({
    ...{ apiVersion: 'v1', kind: 'Namespace' },
    metadata: { name, labels },
  })

  test('a namespace that config-sugar selects has a Broker "default", made again when deleted', async () => {
    const world = await createWorld()
    await world.apply(namespace('a', { inject: 'yes' }), namespace('b', {}))
    expect(world.get('Broker', 'default', 'a')).toBeUndefined()
    await world.apply(configMap('config-sugar', { 'namespace-selector': 'matchLabels: {inject: "yes"}' }))
    expect(world.get('Broker', 'default', 'a')?.metadata.labels).toEqual({ 'eventing.knative.dev/injected': 'true' })
    expect(world.get('Broker', 'default', 'b')).toBeUndefined()
    await world.remove('Broker', 'default', 'a')
    expect(world.condition('Broker', 'default', 'Ready', 'a')).toEqual(['True'])
  })

  test('an empty selector selects everything: each Trigger has the Broker it names', async () => {
    const world = await createWorld()
    await world.apply(configMap('config-sugar', { 'trigger-selector': '{}' }), trigger('t', { broker: 'orders' }))
    expect(world.condition('Trigger', 't')).toEqual(['True'])
    expect(world.condition('Broker', 'orders')).toEqual(['True'])
  })
})

describe('EventTypes', () => {
  const seen = { type: 'a.b', source: '/s', kind: 'Broker', namespace: 'default', name: 'default' }
  const all = (world: Awaited<ReturnType<typeof createWorld>>) =>
    world.api.client.informer(world.kind('EventType')).list()

  test('are made from what is seen while config-features says so, once each, and go with the Broker', async () => {
    const world = await createWorld()
    await world.apply(broker())
    await world.seen(seen)
    expect(all(world)).toEqual([])
    await world.apply(configMap('config-features', { 'eventtype-auto-create': 'Enabled' }))
    await world.seen(seen)
    await world.seen(seen)
    await world.rest()
    const [made, ...others] = all(world)
    expect(others).toEqual([])
    expect(made?.metadata.name).toMatch(/^et-default-[0-9a-f]{32}$/)
    expect(made?.spec).toMatchObject({ reference: { kind: 'Broker', name: 'default' } })
    expect(world.condition('EventType', String(made?.metadata.name))).toEqual(['True'])
    await world.remove('Broker', 'default')
    expect(all(world)).toEqual([])
  })

  test('one whose reference is missing is not Ready until it is there', async () => {
    const world = await createWorld()
    const reference = { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: 'late' }
    await world.apply(object('eventing.knative.dev/v1beta3', 'EventType', 'e', { spec: { reference, attributes: [] } }))
    expect(world.condition('EventType', 'e')).toEqual(['False', 'ResourceDoesNotExist'])
    await world.apply(broker('late'))
    expect(world.condition('EventType', 'e')).toEqual(['True'])
  })
})
