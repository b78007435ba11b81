import { describe, expect, test } from '@jest/globals'
import type { Structural } from '@sluice/resources/api'
import { type ApiObject, apiTable } from '@sluice/resources/api'
import type { ManagedFields, Writer } from './fields.ts'
import { fields } from './tracked.ts'

const table = apiTable()
const schemaOf = (apiVersion: string, kind: string) => table.ofKind(apiVersion, kind)?.structural as Structural
const BROKER = schemaOf('eventing.knative.dev/v1', 'Broker')
const CONFIG_MAP = schemaOf('v1', 'ConfigMap')

const by = (manager: string, second = 0, subresource?: string): Writer => ({
  ...{ manager, time: `2026-01-01T00:00:0${second}Z` },
  ...(subresource && { subresource }),
})
const map = (data: object | undefined, metadata: object = {}): ApiObject => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', ...metadata } },
  ...(data && { data }),
})
const broker = (spec: object, metadata: object = {}): ApiObject => ({
  ...{ apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', metadata: { name: 'b', ...metadata }, spec },
})

function apply(live: ApiObject | undefined, applied: ApiObject, writer: Writer, force = false, schema = CONFIG_MAP) {
  return fields.apply({ live, applied, schema, writer, force })
}
function applied(...given: Parameters<typeof apply>): ApiObject {
  const outcome = apply(...given)
  if ('conflicts' in outcome) throw new Error(JSON.stringify(outcome.conflicts))
  return outcome.object
}
const managed = (object: ApiObject) =>
  (object.metadata.managedFields as ManagedFields[]).map(({ manager, operation, fieldsV1 }) => [
    manager,
    operation,
    fieldsV1,
  ])

describe('server-side apply', () => {
  test('owns what it says, and nothing of the bookkeeping', () => {
    const object = applied(undefined, map({ a: '1' }, { labels: { x: 'y' }, uid: 'u' }), by('one'))
    expect(managed(object)).toEqual([
      ['one', 'Apply', { 'f:data': { 'f:a': {} }, 'f:metadata': { 'f:labels': { 'f:x': {} } } }],
    ])
  })

  test('takes away what it said before and nobody else says, the empty map with it', () => {
    const first = applied(undefined, map({ a: '1', b: '2' }, { labels: { x: 'y' } }), by('one'))
    const second = applied(first, map({ b: '2' }), by('one', 1))
    expect(second.data).toEqual({ b: '2' })
    expect(second.metadata.labels).toBeUndefined()
    const third = applied(applied(first, map({ a: '1' }), by('two')), map({ b: '2' }), by('one', 2))
    expect(third.data).toEqual({ a: '1', b: '2' })
  })

  test('conflicts with who owns another value, by name, and takes over when forced', () => {
    const first = applied(undefined, map({ a: '1', b: '1' }), by('one'))
    expect(apply(first, map({ a: '2', c: '3' }), by('two'))).toEqual({
      conflicts: [{ manager: 'manager "one"', field: '.data.a' }],
    })
    const forced = applied(first, map({ a: '2' }), by('two'), true)
    expect(forced.data).toEqual({ a: '2', b: '1' })
    expect(managed(forced)).toEqual([
      ['one', 'Apply', { 'f:data': { 'f:b': {} } }],
      ['two', 'Apply', { 'f:data': { 'f:a': {} } }],
    ])
  })

  test('shares what has the same value', () => {
    const first = applied(undefined, map({ a: '1' }), by('one'))
    const second = applied(first, map({ a: '1' }), by('two'))
    expect(
      managed(second)
        .map(([manager]) => manager)
        .sort(),
    ).toEqual(['one', 'two'])
  })

  test('conflicts with an update, and says in which version that was', () => {
    const live = fields.update({
      live: undefined,
      next: map({ a: '1' }),
      schema: CONFIG_MAP,
      writer: by('kubectl-create'),
    })
    expect(apply(live, map({ a: '2' }), by('two'))).toEqual({
      conflicts: [{ manager: 'manager "kubectl-create" using v1', field: '.data.a' }],
    })
  })

  test('what was there before anybody kept count belongs to somebody', () => {
    expect(apply(map({ a: '1' }), map({ a: '2' }), by('one'))).toEqual({
      conflicts: [{ manager: 'manager "before-first-apply" using v1', field: '.data.a' }],
    })
  })

  test('kubectl takes over from itself what it applied client-side', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(map({ a: '1' })) }
    const next = map({ a: '1' }, { annotations })
    const live = fields.update({ live: undefined, next, schema: CONFIG_MAP, writer: by('kubectl-client-side-apply') })
    const object = applied(live, map({ a: '2' }), by('kubectl', 1))
    expect(object.data).toEqual({ a: '2' })
    expect(
      JSON.parse((object.metadata.annotations as Record<string, string>)[Object.keys(annotations)[0] ?? ''] ?? ''),
    ).toMatchObject({
      data: { a: '2' },
    })
    expect(apply(live, map({ a: '2' }), by('other', 1))).toHaveProperty('conflicts')
    const edited = { ...live, data: { a: '9' } }
    expect(apply(edited, map({ a: '2' }), by('kubectl', 1))).toHaveProperty('conflicts')
  })

  test('an apply that changes nothing leaves everything as it was, its time too', () => {
    const first = applied(undefined, broker({ delivery: { retry: 1 } }), by('one'), false, BROKER)
    expect(applied(first, broker({ delivery: { retry: 1 } }), by('one', 5), false, BROKER)).toEqual(first)
  })

  test('lists without keys are one field', () => {
    const spec = (retry: number) => broker({ delivery: { retry } })
    const first = applied(undefined, spec(1), by('one'), false, BROKER)
    expect(managed(first)).toEqual([['one', 'Apply', { 'f:spec': { 'f:delivery': { 'f:retry': {} } } }]])
  })

  test('a list that says something twice is refused, and takes nothing from others', () => {
    const twice = map(undefined, { finalizers: ['a/one', 'a/one'] })
    expect(() => apply(undefined, twice, by('one'))).toThrow('.metadata.finalizers: duplicate entries for "a/one"')
    const owners = map(undefined, { ownerReferences: [{ name: 'x' }] })
    expect(() => apply(undefined, owners, by('one'))).toThrow('an item lacks its key (uid)')
  })

  test('what an update said twice stays when another finalizer is applied', () => {
    const live = fields.update({
      ...{ live: undefined, next: map(undefined, { finalizers: ['a/one', 'a/one'] }), schema: CONFIG_MAP },
      writer: by('somebody'),
    })
    const object = applied(live, map(undefined, { finalizers: ['a/two'] }), by('two'))
    expect(object.metadata.finalizers).toEqual(['a/one', 'a/two'])
  })

  test('managedFields that nobody can read do not take away those that were there', () => {
    const live = applied(undefined, map({ a: '1' }), by('one'))
    const nonsense = [{ manager: 'x', operation: 'Sing', fieldsV1: { 'f:data': {} } }]
    const next = { ...live, metadata: { ...live.metadata, managedFields: nonsense } }
    const object = fields.update({ live, next, schema: CONFIG_MAP, writer: by('two') })
    expect(managed(object)).toEqual([['one', 'Apply', { 'f:data': { 'f:a': {} } }]])
  })

  test('null takes nothing away that others put into a map', () => {
    const live = applied(undefined, map({ a: '1' }, { labels: { x: 'y' } }), by('one'))
    const nothing = { ...map({ b: '1' }, { labels: null }), data: null } as ApiObject
    expect(applied(live, nothing, by('two'))).toMatchObject({ data: { a: '1' }, metadata: { labels: { x: 'y' } } })
  })

  test('finalizers are owned one by one', () => {
    const first = applied(undefined, map(undefined, { finalizers: ['a/one'] }), by('one'))
    const second = applied(first, map(undefined, { finalizers: ['a/two'] }), by('two'))
    expect(second.metadata.finalizers).toEqual(['a/one', 'a/two'])
    expect(managed(second)).toContainEqual(['two', 'Apply', { 'f:metadata': { 'f:finalizers': { 'v:"a/two"': {} } } }])
    expect(applied(second, map(undefined), by('one')).metadata.finalizers).toEqual(['a/two'])
  })
})

describe('an update', () => {
  const update = (live: ApiObject | undefined, next: ApiObject, writer: Writer, schema = CONFIG_MAP) =>
    fields.update({ live, next, schema, writer })

  test('owns what is new or changed, maps included, and others lose it', () => {
    const first = update(undefined, map({ a: '1', b: '1' }), by('one'))
    expect(managed(first)).toEqual([['one', 'Update', { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } }]])
    const second = update(first, { ...first, data: { a: '2' } }, by('two', 1))
    expect(managed(second)).toEqual([
      ['one', 'Update', { 'f:data': {} }],
      ['two', 'Update', { 'f:data': { 'f:a': {} } }],
    ])
  })

  test('that changes nothing leaves the entries as they are', () => {
    const first = update(undefined, map({ a: '1' }), by('one'))
    expect(update(first, first, by('two', 1))).toEqual(first)
  })

  test('of the status has an entry of its own', () => {
    const first = update(undefined, broker({ delivery: { retry: 1 } }), by('one'), BROKER)
    const next = { ...first, status: { observedGeneration: 1 } }
    const second = update(first, next, by('one', 1, 'status'), BROKER)
    expect(second.metadata.managedFields).toContainEqual(
      expect.objectContaining({
        ...{ manager: 'one', operation: 'Update', subresource: 'status' },
        fieldsV1: { 'f:status': { '.': {}, 'f:observedGeneration': {} } },
      }),
    )
  })

  test('entries are bounded: the oldest updaters become one', () => {
    let object = map({ start: '0' })
    for (let i = 0; i < 15; i++)
      object = update(
        i === 0 ? undefined : object,
        { ...object, data: { ...(object.data as object), [`k${i}`]: '1' } },
        { manager: `m${i}`, time: `2026-01-01T00:00:${10 + i}Z` },
      )
    const managers = (object.metadata.managedFields as ManagedFields[]).map(({ manager }) => manager)
    expect(managers).toHaveLength(10)
    expect(managers).toContain('ancient-changes')
  })

  test('what a client wrote into them is read with care', () => {
    const managedFields = [
      { manager: 'x', operation: 'Update', fieldsV1: { 'f:data': { 'k:{': {}, '?': {}, 'f:a': 5 } } },
      null,
      'x',
    ]
    expect(() => update(map({ a: '1' }), map({ a: '2' }, { managedFields }), by('one'))).not.toThrow()
  })
})
