import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { Registry } from '@sluice/resource-api'
import { formatProblem } from '@sluice/resources/manifests'
import { BROKER, get, namesOf, objectsOf, openMemory, served, triggerText } from '../../test/applying.ts'
import { applyManifests, MANAGER } from './apply-manifests.ts'

const NAMESPACE = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n'
const IN_SHOP = BROKER.replace('{name: default}', '{name: orders, namespace: shop}')
const BY = { fieldManager: 'kubectl' }

let registry: Registry
beforeEach(async () => {
  registry = await openMemory()
})
afterEach(async () => registry[Symbol.asyncDispose]())

const apply = (...texts: readonly string[]) => applyManifests(registry, objectsOf(...texts))
const specOf = (name: string) => get(registry, 'Trigger', name).spec

test('each object is written by one manager, with its label; the same again writes nothing', async () => {
  expect(await apply(BROKER, triggerText('t'))).toEqual({ problems: [], written: 2, pruned: 0, kept: [] })
  const { metadata } = get(registry, 'Trigger', 't')
  expect(metadata.labels).toEqual({ 'sluice.dev/applied-by': 'manifests' })
  expect(metadata.managedFields).toMatchObject([{ manager: MANAGER, operation: 'Apply' }])
  expect(await apply(BROKER, triggerText('t'))).toEqual({ problems: [], written: 0, pruned: 0, kept: [] })
  expect(get(registry, 'Trigger', 't').metadata.resourceVersion).toBe(metadata.resourceVersion)
})

test('what others wrote into its fields is taken back, into other fields stays', async () => {
  await apply(BROKER, triggerText('t'))
  const patch = {
    metadata: { annotations: { 'sluice.dev/suspend': 'true' } },
    spec: { subscriber: { uri: 'http://x/' } },
  }
  await registry.patch(served('Trigger'), { namespace: 'default', name: 't' }, { type: 'merge', patch }, BY)
  expect(await apply(BROKER, triggerText('t'))).toMatchObject({ written: 1 })
  expect(specOf('t')).toMatchObject({ subscriber: { uri: 'http://sink/' } })
  expect(get(registry, 'Trigger', 't').metadata.annotations).toEqual({ 'sluice.dev/suspend': 'true' })
})

test('a field that left the manifest leaves the object', async () => {
  const filtered = triggerText('t').replace('spec: {', 'spec: {filters: [{exact: {type: a}}], ')
  await apply(BROKER, filtered)
  expect(specOf('t')).toMatchObject({ filters: [{ exact: { type: 'a' } }] })
  await apply(BROKER, triggerText('t'))
  expect(specOf('t')).not.toHaveProperty('filters')
})

test('one refusal and nothing is changed; every refusal is said with its place', async () => {
  await apply(BROKER, triggerText('t'))
  const moved = (name: string) => triggerText(name).replace('broker: default', 'broker: other')
  const { problems, ...rest } = await apply(triggerText('new'), moved('t'))
  expect(problems.map(formatProblem)).toEqual([
    expect.stringMatching(
      /^all\.yaml:9:1: spec: .*broker.* can't be changed, delete the object .*\(Trigger default\/t\)$/,
    ),
  ])
  expect(rest).toEqual({ written: 0, pruned: 0, kept: [] })
  expect([namesOf(registry, 'Broker'), namesOf(registry, 'Trigger')]).toEqual([['default/default'], ['default/t']])
})

test('what left the manifests is deleted; what others made is not', async () => {
  await apply(BROKER, triggerText('a'), triggerText('b'))
  const made = {
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Broker',
    metadata: { name: 'mine', namespace: 'default' },
  }
  await registry.create(served('Broker'), 'default', made, BY)
  expect(await apply(triggerText('b'))).toMatchObject({ written: 0, pruned: 2 })
  expect([namesOf(registry, 'Broker'), namesOf(registry, 'Trigger')]).toEqual([['default/mine'], ['default/b']])
})

test('a namesake made again is another object', async () => {
  await apply(BROKER)
  const { uid } = get(registry, 'Broker', 'default').metadata
  await apply()
  await apply(BROKER)
  expect(get(registry, 'Broker', 'default').metadata.uid).not.toBe(uid)
})

test('a namespace that is only named is made, and never taken away', async () => {
  expect(await apply(IN_SHOP)).toMatchObject({ problems: [], written: 1 })
  expect(namesOf(registry, 'Namespace')).toContain('shop')
  expect(await apply()).toMatchObject({ pruned: 1, kept: [] })
  expect(namesOf(registry, 'Namespace')).toContain('shop')
})

test('a namespace of the manifests goes with them when it is empty, and stays and is named when not', async () => {
  await apply(NAMESPACE, IN_SHOP)
  const made = { ...get(registry, 'Broker', 'orders', 'shop'), metadata: { name: 'mine', namespace: 'shop' } }
  await registry.create(served('Broker'), 'shop', made, BY)
  expect(await apply()).toMatchObject({ pruned: 1, kept: ['Namespace shop'] })
  await registry.delete(served('Broker'), { namespace: 'shop', name: 'mine' }, {})
  expect(await apply()).toMatchObject({ pruned: 1, kept: [] })
})

test('what goes with an owner that is deleted does not keep its namespace', async () => {
  await apply(NAMESPACE, IN_SHOP)
  const { uid } = get(registry, 'Broker', 'orders', 'shop').metadata
  const owner = { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: 'orders', uid }
  const metadata = { name: 'owned', namespace: 'shop', ownerReferences: [owner] }
  const owned = { apiVersion: 'v1', kind: 'ConfigMap', metadata }
  await registry.create(served('ConfigMap'), 'shop', owned, BY)
  expect(await apply()).toMatchObject({ pruned: 2, kept: [] })
})
