import { describe, expect, test } from '@jest/globals'
import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { settle, VirtualClock } from '@sluice/testkit'
import type { Registry } from '../registry.ts'
import { at, BROKER, BY, CONFIG_MAP, EVENT, NAMESPACE, object, open, refusal } from './testing.ts'

const owner = ({ apiVersion, kind, metadata: { name, uid } }: ApiObject, more: object = {}) => ({
  ownerReferences: [{ apiVersion, kind, name, uid, ...more }],
})
async function make(registry: Registry, served: ServedVersion, name: string, metadata: object = {}) {
  return (
    await registry.create(
      served,
      'default',
      object(served, name, served === EVENT ? { involvedObject: {} } : {}, metadata),
      BY,
    )
  ).object
}
const names = (registry: Registry, served: ServedVersion) =>
  registry.list(served, {}).items.map(({ metadata }) => metadata.name)

describe('delete', () => {
  test('what has no finalizers is gone at once', async () => {
    await using registry = await open()
    const made = await make(registry, BROKER, 'a')
    expect(await registry.delete(BROKER, at('a'), {})).toEqual({ object: made, isGone: true })
    expect((await refusal(registry.delete(BROKER, at('a'), {}))).detail).toMatchObject({
      reason: 'NotFound',
      status: 404,
    })
  })

  test('preconditions are kept', async () => {
    await using registry = await open()
    const { metadata } = await make(registry, BROKER, 'a')
    for (const preconditions of [{ uid: 'other' }, { resourceVersion: '1' }])
      expect((await refusal(registry.delete(BROKER, at('a'), { preconditions }))).detail.reason).toBe('Conflict')
    const preconditions = { uid: String(metadata.uid), resourceVersion: String(metadata.resourceVersion) }
    expect((await registry.delete(BROKER, at('a'), { preconditions })).isGone).toBe(true)
  })

  test('dry-run deletes nothing', async () => {
    await using registry = await open()
    await make(registry, BROKER, 'a')
    expect((await registry.delete(BROKER, at('a'), { dryRun: true })).isGone).toBe(true)
    expect(names(registry, BROKER)).toEqual(['a'])
  })

  test('deleteCollection deletes what is selected, and what it may not it says after the others are gone', async () => {
    await using registry = await open()
    await make(registry, BROKER, 'a', { labels: { app: 'x' } })
    await make(registry, BROKER, 'b')
    const gone = await registry.deleteCollection(BROKER, { namespace: 'default', labelSelector: 'app=x' }, {})
    expect(gone.map(({ object }) => object.metadata.name)).toEqual(['a'])
    expect(names(registry, BROKER)).toEqual(['b'])
    await registry.create(NAMESPACE, undefined, object(NAMESPACE, 'mine'), BY)
    const error = await refusal(registry.deleteCollection(NAMESPACE, {}, {}))
    expect(error.message).toBe('namespaces "default" is forbidden: this namespace may not be deleted')
    await settle()
    expect(names(registry, NAMESPACE)).toEqual(['default'])
  })

  test('what an object owns goes after it, and what another owns too stays', async () => {
    await using registry = await open()
    const [a, b] = [await make(registry, BROKER, 'a'), await make(registry, BROKER, 'b')]
    await make(registry, CONFIG_MAP, 'of-a', owner(a))
    await make(registry, CONFIG_MAP, 'of-both', {
      ownerReferences: [a, b].flatMap((each) => owner(each).ownerReferences),
    })
    await registry.delete(BROKER, at('a'), {})
    await settle()
    expect(names(registry, CONFIG_MAP)).toEqual(['of-both'])
    expect(registry.get(CONFIG_MAP, at('of-both')).metadata).toMatchObject(owner(b))
  })

  test('what names an owner that is not there goes; of a kind that is not served nothing is known, so it stays', async () => {
    await using registry = await open()
    const a = await make(registry, BROKER, 'a')
    const nobody = { ...a, metadata: { ...a.metadata, uid: 'a-former-one' } }
    await make(registry, CONFIG_MAP, 'orphan', owner(nobody))
    await make(registry, CONFIG_MAP, 'kept', owner({ ...a, apiVersion: 'apps/v1', kind: 'Deployment' }))
    await settle()
    expect(names(registry, CONFIG_MAP)).toEqual(['kept'])
  })

  test('Foreground: the owner waits for those that block it', async () => {
    await using registry = await open()
    const a = await make(registry, BROKER, 'a')
    await make(registry, CONFIG_MAP, 'blocks', { ...owner(a, { blockOwnerDeletion: true }), finalizers: ['x.dev/f'] })
    await make(registry, CONFIG_MAP, 'other', owner(a))
    expect((await registry.delete(BROKER, at('a'), { propagationPolicy: 'Foreground' })).isGone).toBe(false)
    await settle()
    expect(names(registry, CONFIG_MAP)).toEqual(['blocks'])
    expect(registry.get(BROKER, at('a')).metadata.finalizers).toEqual(['foregroundDeletion'])
    const waiting = registry.get(CONFIG_MAP, at('blocks'))
    expect(waiting.metadata.deletionTimestamp).toBeDefined()
    await registry.update(
      CONFIG_MAP,
      at('blocks'),
      { ...waiting, metadata: { ...waiting.metadata, finalizers: [] } },
      BY,
    )
    await settle()
    expect([names(registry, CONFIG_MAP), names(registry, BROKER)]).toEqual([[], []])
  })

  test('Foreground: a circle of owners goes as well, and who owns itself', async () => {
    await using registry = await open()
    const blocking = { blockOwnerDeletion: true }
    const a = await make(registry, CONFIG_MAP, 'a')
    const b = await make(registry, CONFIG_MAP, 'b', owner(a, blocking))
    const c = await make(registry, CONFIG_MAP, 'c', owner(b, blocking))
    await registry.update(CONFIG_MAP, at('a'), object(CONFIG_MAP, 'a', {}, owner(c, blocking)), BY)
    const self = await make(registry, CONFIG_MAP, 'self')
    await registry.update(CONFIG_MAP, at('self'), object(CONFIG_MAP, 'self', {}, owner(self, blocking)), BY)
    for (const name of ['a', 'self']) await registry.delete(CONFIG_MAP, at(name), { propagationPolicy: 'Foreground' })
    await settle()
    expect(names(registry, CONFIG_MAP)).toEqual([])
  })

  test('Orphan: what it owned stays and owns itself', async () => {
    await using registry = await open()
    const a = await make(registry, BROKER, 'a')
    await make(registry, CONFIG_MAP, 'of-a', owner(a))
    await registry.delete(BROKER, at('a'), { propagationPolicy: 'Orphan' })
    await settle()
    expect(names(registry, BROKER)).toEqual([])
    expect(registry.get(CONFIG_MAP, at('of-a')).metadata.ownerReferences).toBeUndefined()
  })

  test('a namespace goes with all that is in it, after 5 s and once the last has gone, and takes nothing new meanwhile', async () => {
    const clock = new VirtualClock()
    await using registry = await open({ clock })
    await registry.create(NAMESPACE, undefined, object(NAMESPACE, 'mine'), BY)
    await registry.create(BROKER, 'mine', object(BROKER, 'a'), BY)
    await registry.create(CONFIG_MAP, 'mine', object(CONFIG_MAP, 'held', {}, { finalizers: ['x.dev/f'] }), BY)
    const { isGone, object: going } = await registry.delete(NAMESPACE, { name: 'mine' }, {})
    expect([isGone, going.status]).toEqual([false, { phase: 'Terminating' }])
    const error = await refusal(registry.create(BROKER, 'mine', object(BROKER, 'b'), BY))
    expect(error.message).toBe(
      'brokers.eventing.knative.dev "b" is forbidden: unable to create new content in namespace mine because it is being terminated',
    )
    await clock.advance(4_000)
    expect(names(registry, BROKER)).toEqual(['a'])
    await clock.advance(1_000)
    expect([names(registry, BROKER), names(registry, CONFIG_MAP)]).toEqual([[], ['held']])
    const held = registry.get(CONFIG_MAP, { namespace: 'mine', name: 'held' })
    const free = { ...held, metadata: { ...held.metadata, finalizers: [] } }
    await registry.update(CONFIG_MAP, { namespace: 'mine', name: 'held' }, free, BY)
    await settle()
    expect(names(registry, NAMESPACE)).toEqual(['default', 'knative-eventing'])
  })

  test('a namespace that somebody holds is written no more than once while it waits', async () => {
    await using registry = await open()
    const held = object(NAMESPACE, 'mine', {}, { finalizers: ['x.dev/f'] })
    await registry.create(NAMESPACE, undefined, held, BY)
    await registry.delete(NAMESPACE, { name: 'mine' }, {})
    await settle()
    const { resourceVersion } = registry.list(NAMESPACE, {})
    await settle()
    expect(registry.list(NAMESPACE, {}).resourceVersion).toBe(resourceVersion)
    await registry.update(NAMESPACE, { name: 'mine' }, object(NAMESPACE, 'mine'), BY)
    expect(names(registry, NAMESPACE)).toEqual(['default', 'knative-eventing'])
  })

  test('what may not be deleted is not collected either', async () => {
    const telemetry = createTestTelemetry()
    await using registry = await open({ telemetry })
    const nobody = object(NAMESPACE, 'nobody', {}, { uid: 'of-nobody' })
    await registry.update(NAMESPACE, { name: 'default' }, object(NAMESPACE, 'default', {}, owner(nobody)), BY)
    await settle()
    expect(names(registry, NAMESPACE)).toEqual(['default', 'knative-eventing'])
    expect(telemetry.lines.map(({ message }) => message)).toEqual(['an object can not be collected'])
  })

  test('an Event is gone an hour after it was last written', async () => {
    const clock = new VirtualClock()
    await using registry = await open({ clock })
    await make(registry, EVENT, 'first')
    await clock.advance(30 * 60_000)
    await make(registry, EVENT, 'second')
    await clock.advance(31 * 60_000)
    expect(names(registry, EVENT)).toEqual(['second'])
    await clock.advance(30 * 60_000)
    expect(names(registry, EVENT)).toEqual([])
  })
})
