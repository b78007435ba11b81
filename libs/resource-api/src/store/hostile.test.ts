import { describe, expect, test } from '@jest/globals'
import { isFailure } from '@sluice/errors'
import fc from 'fast-check'
import type { Patch } from '../registry.ts'
import { at, BROKER, BY, CONFIG_MAP, EVENT, NAMESPACE, object, open, refusal, servedAs, TRIGGER } from './testing.ts'

const SERVICE = servedAs('v1', 'Service')
const KINDS = [BROKER, TRIGGER, CONFIG_MAP, EVENT, NAMESPACE, SERVICE, servedAs('v1', 'Secret')]

/** True: it was done; false: it was refused in Kubernetes' words. Anything else is thrown on. */
async function judged(writing: Promise<unknown>): Promise<boolean> {
  try {
    await writing
    return true
  } catch (error) {
    if (!isFailure(error, 'RESOURCE_REFUSED')) throw error
    expect(error.detail.status).toBeGreaterThanOrEqual(400)
    return false
  }
}

const names = ['name', 'labels', 'annotations', 'finalizers', 'ownerReferences', 'managedFields', 'generateName', 'uid']
const field = fc.constantFrom('spec', 'status', 'data', 'type', 'involvedObject', '__proto__', 'constructor', 'x')
const hostile = fc.oneof(
  { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  fc.constantFrom<unknown>(null, '', -1, 1e300, [], {}, [null], { '': null }, '\u0000', '￿', 'a/b', '../x'),
)

describe('whatever is sent', () => {
  test('is taken or refused by name; nothing else happens, and what was there is still to be read', async () => {
    await using registry = await open()
    let taken = 0
    let refused = 0
    const count = (isTaken: boolean) => (isTaken ? taken++ : refused++)
    const kept = (await registry.create(BROKER, 'default', object(BROKER, 'kept'), BY)).object
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...KINDS),
        fc.dictionary(fc.constantFrom(...names), hostile, { maxKeys: 3 }),
        fc.dictionary(field, hostile, { maxKeys: 3 }),
        hostile,
        async (served, metadata, fields, patch) => {
          const given = object(served, 'x', fields, metadata)
          const namespace = served === NAMESPACE ? undefined : 'default'
          const key = namespace === undefined ? { name: 'x' } : { namespace, name: 'x' }
          for (const each of [given, patch]) count(await judged(registry.create(served, namespace, each, BY)))
          count(await judged(registry.update(served, key, given, BY)))
          const patches: readonly Patch[] = [
            { type: 'json', operations: patch },
            { type: 'merge', patch: fields },
            { type: 'merge', patch: { metadata } },
            { type: 'strategic', patch },
            { type: 'apply', object: given, force: true },
          ]
          for (const each of patches) count(await judged(registry.patch(served, key, each, BY)))
          await judged(registry.delete(served, key, {}))
          expect(registry.get(BROKER, at('kept'))).toEqual(kept)
          expect(({} as Record<string, unknown>).x).toBeUndefined()
        },
      ),
      { seed: 20_261_126, numRuns: 300 },
    )
    expect([taken > 100, refused > 100]).toEqual([true, true])
  })

  test('what is nested without end is refused', async () => {
    await using registry = await open()
    let nested: unknown = {}
    for (let depth = 0; depth < 50_000; depth++) nested = { nested }
    const error = await refusal(registry.create(SERVICE, 'default', object(SERVICE, 'x', { spec: { nested } }), BY))
    expect([error.detail.reason, error.message]).toEqual(['BadRequest', 'the object is nested too deeply'])
    await registry.create(SERVICE, 'default', object(SERVICE, 'x'), BY)
  })
})
