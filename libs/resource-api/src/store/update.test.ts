import { describe, expect, test } from '@jest/globals'
import type { ApiObject } from '@sluice/resources/api'
import type { Registry, WatchEvent } from '../registry.ts'
import { at, BROKER, BY, CONFIG_MAP, NAMESPACE, object, open, refusal, TRIGGER } from './testing.ts'

const TO_STATUS = { ...BY, subresource: 'status' } as const
const retrying = (object: ApiObject, retry: number): ApiObject => ({ ...object, spec: { delivery: { retry } } })

async function withBroker(registry: Registry, metadata: object = {}): Promise<ApiObject> {
  return (await registry.create(BROKER, 'default', object(BROKER, 'a', {}, metadata), BY)).object
}

describe('update', () => {
  test('raises the generation with the spec only, and the number with every change', async () => {
    await using registry = await open()
    const made = await withBroker(registry)
    const { object: changed } = await registry.update(BROKER, at('a'), retrying(made, 3), BY)
    expect(changed.metadata).toMatchObject({ generation: 2, uid: made.metadata.uid })
    const labelled = { ...changed, metadata: { ...changed.metadata, labels: { app: 'x' } } }
    const { object: last } = await registry.update(BROKER, at('a'), labelled, BY)
    expect(last.metadata).toMatchObject({ generation: 2, labels: { app: 'x' } })
    expect(Number(last.metadata.resourceVersion)).toBeGreaterThan(Number(changed.metadata.resourceVersion))
  })

  test('a write that changes nothing leaves the number and tells nobody', async () => {
    await using registry = await open()
    const made = await withBroker(registry)
    const seen: WatchEvent[] = []
    registry.watch(BROKER, { resourceVersion: String(made.metadata.resourceVersion) }, (event) => seen.push(event))
    const { object: same } = await registry.update(BROKER, at('a'), object(BROKER, 'a'), BY)
    expect([same, seen]).toEqual([made, []])
  })

  test('is refused with a number that is not the stored one, and with another uid', async () => {
    await using registry = await open()
    const made = await withBroker(registry)
    await registry.update(BROKER, at('a'), retrying(made, 3), BY)
    const stale = await refusal(registry.update(BROKER, at('a'), retrying(made, 4), BY))
    expect(stale.detail).toMatchObject({ reason: 'Conflict', status: 409, details: { kind: 'brokers', name: 'a' } })
    expect(stale.message).toBe(
      'Operation cannot be fulfilled on brokers.eventing.knative.dev "a": the object has been modified; please apply your changes to the latest version and try again',
    )
    const other = await refusal(registry.update(BROKER, at('a'), object(BROKER, 'a', {}, { uid: 'other' }), BY))
    expect(other.message).toMatch(/Precondition failed: UID in precondition: other, UID in object meta: /)
  })

  test('is refused where there is no such object or the name is another', async () => {
    await using registry = await open()
    await withBroker(registry)
    const missing = await refusal(registry.update(BROKER, at('b'), object(BROKER, 'b'), BY))
    expect(missing.detail).toMatchObject({ reason: 'NotFound', status: 404 })
    expect(missing.message).toBe('brokers.eventing.knative.dev "b" not found')
    const renamed = await refusal(registry.update(BROKER, at('a'), object(BROKER, 'b'), BY))
    expect(renamed.message).toBe('the name of the object (b) does not match the name on the URL (a)')
  })

  test('what may not change is judged by what is stored', async () => {
    await using registry = await open()
    const spec = { broker: 'b', subscriber: { uri: 'http://x/' } }
    await registry.create(TRIGGER, 'default', object(TRIGGER, 't', { spec }), BY)
    const moved = object(TRIGGER, 't', { spec: { ...spec, broker: 'c' } })
    const error = await refusal(registry.update(TRIGGER, at('t'), moved, BY))
    expect(error.detail).toMatchObject({ reason: 'Invalid', details: { causes: [{ field: 'spec' }] } })
    expect(error.message).toMatch(
      /^Trigger\.eventing\.knative\.dev "t" is invalid: spec: Invalid value: "object": Immutable/,
    )
  })

  test('a main write leaves the status, a status write leaves all else', async () => {
    await using registry = await open()
    const made = await withBroker(registry)
    const status = { observedGeneration: 1 }
    const both = { ...retrying(made, 3), status, metadata: { ...made.metadata, labels: { a: 'b' } } }
    const { object: told } = await registry.update(BROKER, at('a'), both, TO_STATUS)
    expect(told).toEqual({
      ...made,
      status,
      metadata: {
        ...made.metadata,
        resourceVersion: told.metadata.resourceVersion,
        managedFields: expect.arrayContaining([expect.objectContaining({ subresource: 'status' })]),
      },
    })
    const { object: changed } = await registry.update(BROKER, at('a'), retrying({ ...told, status: {} }, 3), BY)
    expect(changed).toMatchObject({ status, spec: { delivery: { retry: 3 } }, metadata: { generation: 2 } })
    const { object: same } = await registry.update(BROKER, at('a'), { ...changed }, TO_STATUS)
    expect(same).toEqual(changed)
  })

  test('a kind without status has no status to write, and a namespace keeps its label', async () => {
    await using registry = await open()
    await registry.create(CONFIG_MAP, 'default', object(CONFIG_MAP, 'c'), BY)
    const error = await refusal(registry.update(CONFIG_MAP, at('c'), object(CONFIG_MAP, 'c'), TO_STATUS))
    expect(error.detail).toMatchObject({ reason: 'NotFound', status: 404 })
    const { object: kept } = await registry.update(NAMESPACE, { name: 'default' }, object(NAMESPACE, 'default'), BY)
    expect(kept.metadata.labels).toEqual({ 'kubernetes.io/metadata.name': 'default' })
  })

  test('dry-run answers what would be and stores nothing', async () => {
    await using registry = await open()
    const made = await withBroker(registry)
    const { object: would } = await registry.update(BROKER, at('a'), retrying(made, 3), { ...BY, dryRun: true })
    expect(would).toMatchObject({ spec: { delivery: { retry: 3 } }, metadata: { generation: 2 } })
    expect(registry.get(BROKER, at('a'))).toEqual(made)
  })

  test('an object that is going gets no new finalizers, and goes with its last one', async () => {
    await using registry = await open()
    await withBroker(registry, { finalizers: ['x.dev/a', 'x.dev/b'] })
    const { isGone, object: going } = await registry.delete(BROKER, at('a'), {})
    expect(isGone).toBe(false)
    expect(going.metadata).toMatchObject({ deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 })
    const with_ = (finalizers: string[]) => ({
      ...going,
      metadata: { ...going.metadata, finalizers, resourceVersion: '' },
    })
    const error = await refusal(registry.update(BROKER, at('a'), with_(['x.dev/a', 'x.dev/c']), BY))
    expect(error.message).toMatch(
      /metadata\.finalizers: Forbidden: no new finalizers can be added if the object is being deleted/,
    )
    const { object: half } = await registry.update(
      BROKER,
      at('a'),
      { ...with_(['x.dev/a']), deletionTimestamp: undefined },
      BY,
    )
    expect(half.metadata.deletionTimestamp).toBe('2026-01-01T00:00:00Z')
    await registry.update(BROKER, at('a'), with_([]), BY)
    expect(() => registry.get(BROKER, at('a'))).toThrow('brokers.eventing.knative.dev "a" not found')
  })

  test('100 concurrent writers lose no update', async () => {
    await using registry = await open()
    await registry.create(CONFIG_MAP, 'default', object(CONFIG_MAP, 'sum', { data: { sum: '0' } }), BY)
    let conflicts = 0
    const addOne = async () => {
      for (let tries = 0; tries < 1_000; tries++) {
        const found = registry.get(CONFIG_MAP, at('sum'))
        const sum = Number((found.data as { sum: string }).sum) + 1
        try {
          await registry.update(CONFIG_MAP, at('sum'), { ...found, data: { sum: String(sum) } }, BY)
          return
        } catch (error) {
          expect((await refusal(Promise.reject(error))).detail.reason).toBe('Conflict')
          conflicts++
        }
      }
    }
    await Promise.all(Array.from({ length: 100 }, addOne))
    expect(registry.get(CONFIG_MAP, at('sum')).data).toEqual({ sum: '100' })
    expect(conflicts).toBeGreaterThan(0)
  })
})
