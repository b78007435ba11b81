import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { ApiObject } from '@sluice/resources/api'
import { settle, VirtualClock } from '@sluice/testkit'
import fc from 'fast-check'
import type { Registry } from '../registry.ts'
import { type OwnerReference, ownersOf } from './owners.ts'
import { at, BY, CONFIG_MAP, object, open } from './testing.ts'

const NAMES = ['a', 'b', 'c'] as const
const name = fc.constantFrom(...NAMES)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('own' as const),
      name,
      owners: fc.subarray([...NAMES], { maxLength: 2 }),
      blocks: fc.constantFrom(true, true, true, false),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ do: fc.constant('delete' as const), name },
      policy: fc.constantFrom('Background' as const, 'Foreground', 'Orphan'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const all = (registry: Registry) => registry.list(CONFIG_MAP, {}).items

/** Puts an object there that names those owners which exist. */
async function own(registry: Registry, name: string, owners: readonly string[], blocks: boolean): Promise<void> {
  const found = all(registry).filter(({ metadata }) => owners.includes(String(metadata.name)))
  const ownerReferences = found.map(({ apiVersion, kind, metadata }) => ({
    ...{ apiVersion, kind, name: metadata.name, uid: metadata.uid, blockOwnerDeletion: blocks },
  }))
  const before = all(registry).find(({ metadata }) => metadata.name === name)
  const { finalizers } = before?.metadata ?? {}
  const next = object(CONFIG_MAP, name, {}, { ownerReferences, ...(finalizers !== undefined && { finalizers }) })
  await (before === undefined
    ? registry.create(CONFIG_MAP, 'default', next, BY)
    : registry.update(CONFIG_MAP, at(name), next, BY))
}

/** Turns of the loop until nothing is written any more, at most so many. */
async function quiet(registry: Registry): Promise<void> {
  let before = ''
  for (let turn = 0; turn < 200; turn++) {
    const { resourceVersion } = registry.list(CONFIG_MAP, {})
    if (turn > 5 && resourceVersion === before) return
    before = resourceVersion
    await registry.delete(CONFIG_MAP, at('nobody'), {}).catch(() => undefined)
    await settle()
  }
}

const isThere = (items: readonly ApiObject[], owner: OwnerReference) =>
  items.some(({ metadata }) => metadata.uid === owner.uid)

test('whoever owns whom, in circles too: in the end nobody waits and nobody is without all owners, restarts or not', async () => {
  const run = async (steps: readonly Step[]) => {
    const path = join(mkdtempSync(join(tmpdir(), 'sluice-garbage-')), 'resources.db')
    let registry = await open({ path, clock: new VirtualClock() })
    for (const each of steps) {
      if (each.do === 'own') await own(registry, each.name, each.owners, each.blocks).catch(() => undefined)
      else if (each.do === 'delete')
        await registry.delete(CONFIG_MAP, at(each.name), { propagationPolicy: each.policy }).catch(() => undefined)
      else {
        await registry[Symbol.asyncDispose]()
        registry = await open({ path, clock: new VirtualClock() })
      }
    }
    await quiet(registry)
    const items = all(registry)
    expect(items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)).toEqual([])
    expect(items.filter((item) => ownersOf(item).some((owner) => !isThere(items, owner)))).toEqual([])
    await registry[Symbol.asyncDispose]()
  }
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), run), {
    seed: 20_261_126,
    numRuns: 15,
  })
}, 120_000)
