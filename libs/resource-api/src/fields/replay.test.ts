import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import { type ApiObject, apiTable, type ServedVersion } from '@sluice/resources/api'
import { fields } from './tracked.ts'

/**
 * 400 random lives of Triggers, Brokers, ConfigMaps, Secrets and Services, each a few writes by several managers, and
 * what Kubernetes' own code made of them: k8s.io/apimachinery v0.34.2, pkg/util/managedfields, with
 * sigs.k8s.io/structured-merge-diff v6.3.0. Two things differ there: times are those of the steps, and where nothing is
 * left in a map or list that somebody owns it is empty rather than null.
 */
interface Step {
  readonly op: 'apply' | 'update'
  readonly manager: string
  readonly subresource?: 'status'
  readonly force?: boolean
  /** The update says `managedFields: []`. */
  readonly reset?: boolean
  readonly object: ApiObject
  readonly after?: ApiObject
  /** Who, and which field. */
  readonly conflicts?: readonly (readonly [string, string])[]
}

const lives = gunzipSync(readFileSync(new URL('./replay.jsonl.gz', import.meta.url)))
  .toString()
  .trim()
  .split('\n')
  .map((line) => (JSON.parse(line) as { readonly steps: readonly Step[] }).steps)
const table = apiTable()

test('lives of objects go as Kubernetes has them, owners, times and conflicts included', () => {
  expect(lives).toHaveLength(400)
  for (const [i, steps] of lives.entries()) {
    let live: ApiObject | undefined
    for (const [second, step] of steps.entries()) {
      const { after, conflicts } = step
      expect({ life: i, second, ...outcome(step, live, second) }).toEqual({
        ...{ life: i, second },
        ...(after === undefined ? { conflicts } : { after }),
      })
      live = after ?? live
    }
  }
})

function outcome(step: Step, live: ApiObject | undefined, second: number): object {
  const { op, manager, subresource, force = false, object } = step
  const { structural: schema } = table.ofKind(object.apiVersion, object.kind) as ServedVersion
  const time = `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`
  const writer = { manager, time, ...(subresource && { subresource }) }
  if (op === 'update') return stored(fields.update({ live, next: sent(step, live), schema, writer }))
  const applied = fields.apply({ live, applied: object, schema, writer, force })
  if ('object' in applied) return stored(applied.object)
  const conflicts = applied.conflicts.map(({ manager: by, field }) => [by.replace(/^manager /, ''), field])
  return { conflicts: conflicts.sort((a, b) => (a.join('') < b.join('') ? -1 : 1)) }
}

/** What a client's object becomes before fields are counted: the registry's part. */
function sent({ object, subresource, reset }: Step, live: ApiObject | undefined): ApiObject {
  const { status, ...rest } = object
  if (live === undefined) return hasStatus(object) ? (rest as ApiObject) : object
  const { status: old, ...others } = live
  if (subresource === 'status') return { ...(others as ApiObject), ...(status !== undefined && { status }) }
  const { managedFields } = live.metadata
  const metadata = { ...object.metadata, uid: 'u', ...(managedFields !== undefined && !reset && { managedFields }) }
  const said = hasStatus(object) ? old : status
  return { ...(rest as ApiObject), metadata, ...(said !== undefined && { status: said }) }
}

function hasStatus({ kind }: ApiObject): boolean {
  return ['Trigger', 'Broker', 'Service'].includes(kind)
}

function stored(object: ApiObject): object {
  return { after: { ...object, metadata: { ...object.metadata, uid: 'u' } } }
}
