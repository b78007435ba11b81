import { expect, test } from '@jest/globals'
import { broker, trigger } from '../../test/objects.ts'
import { createWorld } from '../../test/world.ts'
import { formerOf } from './former-triggers.ts'

const since = (world: Awaited<ReturnType<typeof createWorld>>) => {
  const { routes, revision } = world.rows()
  return routes.map((route) => [route.name, route.since === 0 ? 0 : route.since - revision])
}

test('a new Trigger on an existing log takes events from the revision that brings it; older ones keep their beginning', async () => {
  const world = await createWorld()
  await world.apply(broker(), trigger('a'))
  const [[, first]] = since(world) as [[string, number]]
  expect(first).toBeLessThanOrEqual(0)
  const before = world.rows().routes[0]?.since
  await world.apply(trigger('b'))
  expect(world.rows().routes[0]?.since).toBe(before)
  expect(since(world)[1]).toEqual(['b', 0])
  expect(world.rows().routes[1]?.since).toBe(world.rows().revision)
  await world.apply(trigger('a', { filter: { attributes: { type: 'x' } } }))
  expect(world.rows().routes.map((route) => route.since)).toContain(before)
})

test('a Trigger that was there before its Broker takes all of its log', async () => {
  const world = await createWorld()
  await world.apply(trigger('a'))
  world.clock.advance(2000)
  await world.apply(broker())
  expect(world.rows().routes).toMatchObject([{ since: 0 }])
})

test('a change touches the rows of its object only, in one revision', async () => {
  const world = await createWorld()
  await world.apply(broker(), trigger('a'), trigger('b'))
  const before = world.rows()
  await world.apply(trigger('b', { subscriber: { uri: 'http://other/' } }))
  expect(world.rows().revision).toBe(before.revision + 1)
  expect(world.rows().deliveries[0]).toEqual(before.deliveries[0])
})

test('a log remembers Triggers that are gone, by queue and name, while their events can be parked', async () => {
  const world = await createWorld()
  await world.apply(broker(), trigger('a'), trigger('b'))
  const queue = world.rows().deliveries[0]?.uid
  await world.remove('Trigger', 'a')
  expect(world.rows().logs[0]?.formerTriggers).toMatchObject([{ queue, name: 'a' }])
  await world.apply(trigger('a'))
  expect(world.rows().logs[0]?.formerTriggers).toMatchObject([{ queue, name: 'a' }])
  world.clock.advance(8 * 86_400_000 + 1)
  await world.remove('Trigger', 'b')
  expect(world.rows().logs[0]?.formerTriggers).toMatchObject([{ name: 'b' }])
})

test('a log remembers 1,000 of them, the longest gone forgotten first', async () => {
  const world = await createWorld()
  await world.apply(broker(), trigger('newest'))
  const { logs, deliveries } = world.rows()
  const formerTriggers = Array.from({ length: 1_000 }, (_, i) => ({ queue: `q${i}`, name: `n${i}`, goneAt: 0 }))
  const kept = formerOf(
    { ...(logs[0] as (typeof logs)[0]), formerTriggers },
    {
      ...{ gone: deliveries, isInForce: () => false, now: 1, parkedRetentionMs: 7 * 86_400_000 },
    },
  )
  const names = [...formerTriggers.slice(1).map(({ name }) => name), 'newest']
  expect(kept.formerTriggers?.map(({ name }) => name)).toEqual(names)
})

test('a controller that starts again changes nothing, writes nothing, and all stay Ready before anybody acknowledges', async () => {
  const world = await createWorld()
  await world.apply(broker(), trigger('a'), trigger('b'))
  const before = world.rows()
  await world.end()
  const writes = world.api.writes()
  const again = await createWorld({ after: world, isDeaf: true })
  expect(again.rows()).toEqual(before)
  expect(again.condition('Trigger', 'a')).toEqual(['True'])
  expect(again.api.writes()).toBe(writes)
})

test('rows of objects that went while no controller ran are removed once all is known; those of others stay', async () => {
  const world = await createWorld()
  await world.apply(broker(), trigger('a'), trigger('b'))
  await world.end()
  await world.api.client.delete(world.kind('Trigger'), { namespace: 'default', name: 'a' })
  const again = await createWorld({ after: world })
  expect(again.rows().routes.map(({ name }) => name)).toEqual(['b'])
  expect(again.rows().logs[0]?.formerTriggers).toMatchObject([{ name: 'a' }])
  expect(again.condition('Trigger', 'b')).toEqual(['True'])
})

test('what was published and never acknowledged is not Ready after a restart either', async () => {
  const world = await createWorld({ isDeaf: true })
  await world.apply(broker(), trigger('a'))
  await world.end()
  const deaf = await createWorld({ after: world, isDeaf: true })
  expect(deaf.condition('Trigger', 'a', 'SubscriptionReady')).toEqual(['Unknown', 'NotAcknowledged'])
  deaf.store.watch('dispatcher-0', () => {})
  await deaf.rest()
  expect(deaf.condition('Trigger', 'a')).toEqual(['True'])
})
