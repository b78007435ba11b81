import { describe, expect, test } from '@jest/globals'
import type { Patch, Registry, WriteOptions } from '../registry.ts'
import { at, BROKER, BY, CONFIG_MAP, object, open, refusal } from './testing.ts'

const KUBECTL = { fieldManager: 'kubectl' }
const applied = (retry: number, force = false): Patch => ({
  ...{ type: 'apply', force },
  object: object(BROKER, 'a', { spec: { delivery: { retry } } }),
})
const merge = (patch: unknown): Patch => ({ type: 'merge', patch })
const patch = (registry: Registry, by: WriteOptions, given: Patch, name = 'a') =>
  registry.patch(BROKER, at(name), given, by)

describe('patch', () => {
  test('apply creates what is not there, and changes nothing the second time', async () => {
    await using registry = await open()
    const first = await patch(registry, KUBECTL, applied(3))
    expect(first).toMatchObject({
      isNew: true,
      object: { spec: { delivery: { retry: 3 } }, metadata: { generation: 1 } },
    })
    expect(first.object.metadata.managedFields).toEqual([
      expect.objectContaining({ manager: 'kubectl', operation: 'Apply', time: '2026-01-01T00:00:00Z' }),
    ])
    expect(await patch(registry, KUBECTL, applied(3))).toEqual({ ...first, isNew: false })
  })

  test('apply conflicts over a field of somebody else, by name, and takes it over with force', async () => {
    await using registry = await open()
    await patch(registry, KUBECTL, applied(3))
    const error = await refusal(patch(registry, { fieldManager: 'argo' }, applied(4)))
    expect(error.detail).toMatchObject({ reason: 'Conflict', status: 409, details: { kind: 'brokers', name: 'a' } })
    expect(error.detail.details?.causes).toEqual([
      {
        reason: 'FieldManagerConflict',
        message: expect.stringMatching(/^conflict with "kubectl"/),
        field: '.spec.delivery.retry',
      },
    ])
    expect(error.message).toMatch(/^Apply failed with 1 conflict: conflict with "kubectl".*: \.spec\.delivery\.retry$/)
    const { object: taken } = await patch(registry, { fieldManager: 'argo' }, applied(4, true))
    expect(taken).toMatchObject({ spec: { delivery: { retry: 4 } }, metadata: { generation: 2 } })
  })

  test('apply to a status leaves the rest and creates nothing', async () => {
    await using registry = await open()
    const ofStatus = { ...BY, subresource: 'status' } as const
    const given: Patch = {
      ...{ type: 'apply', force: false },
      object: object(BROKER, 'a', { spec: { delivery: { retry: 9 } }, status: { observedGeneration: 1 } }),
    }
    expect((await refusal(patch(registry, ofStatus, given))).detail.reason).toBe('NotFound')
    await patch(registry, KUBECTL, applied(3))
    const { object: told } = await patch(registry, ofStatus, given)
    expect(told).toMatchObject({ spec: { delivery: { retry: 3 } }, status: { observedGeneration: 1 } })
  })

  test('an update of somebody else’s field ends their ownership of it', async () => {
    await using registry = await open()
    const { object: made } = await patch(registry, KUBECTL, applied(3))
    await registry.update(BROKER, at('a'), { ...made, spec: { delivery: { retry: 5 } } }, { fieldManager: 'editor' })
    const error = await refusal(patch(registry, KUBECTL, applied(3)))
    expect(error.message).toMatch(/conflict with "editor"/)
  })

  test('merge and JSON patches are judged like any update', async () => {
    await using registry = await open()
    const { object: made } = await registry.create(BROKER, 'default', object(BROKER, 'a'), BY)
    const { object: merged } = await patch(registry, BY, merge({ spec: { delivery: { retry: 3 } } }))
    expect(merged).toMatchObject({ spec: { delivery: { retry: 3 } }, metadata: { generation: 2 } })
    const operations = [{ op: 'remove', path: '/spec/delivery' }]
    expect((await patch(registry, BY, { type: 'json', operations })).object.spec).toEqual({})
    const refusals = await Promise.all([
      refusal(patch(registry, BY, merge({ spec: { delivery: { retry: -1 } } }))),
      refusal(patch(registry, BY, merge({ metadata: { name: 'b' } }))),
      refusal(patch(registry, BY, merge({ metadata: { resourceVersion: made.metadata.resourceVersion } }))),
      refusal(patch(registry, { ...BY, fieldValidation: 'Strict' }, merge({ spec: { foo: 1 } }))),
      refusal(patch(registry, BY, merge({}), 'missing')),
      refusal(patch(registry, BY, merge('text'))),
    ])
    expect(refusals.map(({ detail }) => detail.reason)).toEqual([
      ...['Invalid', 'BadRequest', 'Conflict', 'BadRequest', 'NotFound', 'BadRequest'],
    ])
  })

  test('a strategic patch of a kind of Kubernetes merges', async () => {
    await using registry = await open()
    await registry.create(CONFIG_MAP, 'default', object(CONFIG_MAP, 'c', { data: { a: '1', b: '2' } }), BY)
    const given: Patch = { type: 'strategic', patch: { data: { a: null, c: '3' } } }
    const { object: merged } = await registry.patch(CONFIG_MAP, at('c'), given, BY)
    expect(merged.data).toEqual({ b: '2', c: '3' })
  })

  test('patches of many at once lose nothing', async () => {
    await using registry = await open()
    await registry.create(BROKER, 'default', object(BROKER, 'a'), BY)
    const names = Array.from({ length: 50 }, (_, i) => `x.dev/l${i}`)
    await Promise.all(names.map((name) => patch(registry, BY, merge({ metadata: { labels: { [name]: 'x' } } }))))
    expect(Object.keys(registry.get(BROKER, at('a')).metadata.labels as object).sort()).toEqual(names.sort())
  })

  test('dry-run stores nothing', async () => {
    await using registry = await open()
    const { object: would } = await patch(registry, { ...KUBECTL, dryRun: true }, applied(3))
    expect(would).toMatchObject({ spec: { delivery: { retry: 3 } } })
    expect(registry.list(BROKER, {}).items).toEqual([])
  })
})
