import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import type { ApiObject, Structural } from '@sluice/resources/api'
import { patches } from './patches.ts'

/**
 * 900 random patches of ConfigMaps, Secrets, Services, Namespaces and Events, most as kubectl would compute them, and
 * what Kubernetes' own code made of them: k8s.io/apimachinery v0.34.2, strategicpatch with core/v1, and json-patch
 * v4.12.0. Nulls in new items are left out, as no object keeps them. Not among them: `$setElementOrder` with nothing in
 * it, and lists of which one item goes as another comes, where the order there follows from memory written twice;
 * copies of what is not there, which become null there, and indices such as 01.
 */
interface Patched {
  readonly type: 'json' | 'merge' | 'strategic'
  readonly object: ApiObject
  readonly patch: object
  readonly after?: object
  readonly error?: true
}

const recorded = gunzipSync(readFileSync(new URL('./replay-patches.jsonl.gz', import.meta.url)))
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Patched)

test('patches do what they do in Kubernetes, and what it refuses is refused', () => {
  expect(recorded).toHaveLength(900)
  for (const [i, { type, object, patch, after, error }] of recorded.entries()) {
    const said = error ? { i, error } : { i, after }
    expect({ i, ...outcome(type, object, patch) }).toEqual(said)
  }
})

function outcome(type: Patched['type'], object: ApiObject, patch: object): object {
  try {
    if (type === 'json') return { after: patches.json(object, patch) }
    return {
      after: type === 'merge' ? patches.merge(object, patch) : patches.strategic(object, patch, {} as Structural),
    }
  } catch {
    return { error: true }
  }
}
