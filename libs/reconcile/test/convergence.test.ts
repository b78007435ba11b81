import { expect, test } from '@jest/globals'
import type { ApiObject } from '@sluice/resources/api'
import fc from 'fast-check'
import { broker, channel, configMap, ref, service, subscription, trigger } from './objects.ts'
import { createWorld, type World } from './world.ts'

const dls = (kind: string, name: string) => ({ delivery: { deadLetterSink: ref(kind, name) } })

/** Everything that may depend on something else, in circles too. */
const OBJECTS: readonly ApiObject[] = [
  broker('a', dls('Broker', 'b')),
  broker('b', dls('Broker', 'a')),
  service('s', 'http://s/'),
  trigger('t', { broker: 'a', subscriber: ref('Service', 's') }),
  trigger('u', { broker: 'b', subscriber: ref('Channel', 'c'), ...dls('InMemoryChannel', 'd') }),
  channel('Channel', 'c', dls('Broker', 'b')),
  channel('InMemoryChannel', 'd'),
  subscription('v', { reply: ref('Broker', 'a') }, ref('Channel', 'c')),
  subscription('w', { subscriber: ref('Service', 's'), reply: ref('Channel', 'c') }, ref('InMemoryChannel', 'd')),
  configMap('config-br-defaults', { 'default-br-config': 'clusterDefault: {delivery: {retry: 3}}' }),
]

/** The rows, by the names of their objects; without what tells how they came to be. */
function shapeOf(world: World): unknown {
  const names = new Map<string, string>()
  for (const kind of ['Broker', 'Trigger', 'InMemoryChannel', 'Subscription'])
    for (const { metadata } of world.api.client.informer(world.kind(kind)).list())
      names.set(String(metadata.uid), `${kind}-${metadata.name}`)
  const { logs, ingresses, routes, deliveries } = world.rows()
  const rows = {
    logs: logs.map(({ formerTriggers: _, ...row }) => row),
    ingresses,
    routes: routes.map(({ since: _, ...row }) => row),
    deliveries,
  }
  const named = Object.entries(rows).map(([kind, all]) => {
    const texts = (all as readonly { hash: string }[]).map(({ hash: _, ...row }) =>
      JSON.stringify(row).replace(/uid-\d+/g, (uid) => names.get(uid) ?? `nobody (${uid})`),
    )
    return [kind, texts.sort()]
  })
  return Object.fromEntries(named)
}

const readiness = (world: World) =>
  OBJECTS.filter(({ kind }) => kind !== 'Service' && kind !== 'ConfigMap').map(({ kind, metadata: { name = '' } }) => [
    ...[kind, name, world.condition(kind, name)[0]],
  ])

test('in whatever order objects come, go and come again, the rows and what is Ready are the same in the end', async () => {
  const straight = await createWorld()
  await straight.apply(...OBJECTS)
  expect(readiness(straight).every(([, , status]) => status === 'True')).toBe(true)
  const expected = shapeOf(straight)
  const order = fc.shuffledSubarray([...OBJECTS], { minLength: OBJECTS.length })
  const gone = fc.subarray([...OBJECTS])
  await fc.assert(
    fc.asyncProperty(order, gone, async (first, removed) => {
      const world = await createWorld()
      for (const object of first) await world.apply(object)
      for (const { kind, metadata } of removed) await world.remove(kind, metadata.name ?? '', metadata.namespace)
      await world.apply(...removed)
      expect(shapeOf(world)).toEqual(expected)
      expect(readiness(world)).toEqual(readiness(straight))
    }),
    { numRuns: 60, seed: 20_261_126 },
  )
})

test('with everything gone nothing is left in the contract', async () => {
  const world = await createWorld()
  await world.apply(...OBJECTS)
  for (const { kind, metadata } of OBJECTS) await world.remove(kind, metadata.name ?? '', metadata.namespace)
  const { logs, ingresses, routes, deliveries } = world.rows()
  expect([logs, ingresses, routes, deliveries]).toEqual([[], [], [], []])
})
