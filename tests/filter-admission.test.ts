import { describe, expect, test } from '@jest/globals'
import { readContract } from '@sluice/contract'
import { buildFilter } from '@sluice/filter'
import { apiTable } from '@sluice/resources/api'
import { manifestParser } from '@sluice/resources/manifests'
import { triggerFilter } from '@sluice/resources/settings'
import fc from 'fast-check'

/** What a person, a tool or an attacker may write, right more often than not. */
const texts = fc.oneof(
  fc.dictionary(
    fc.constantFrom('type', 'source', 'ext1', 'Type', 'x-y', ''),
    fc.constantFrom<unknown>('a', 'b', '', 5, null),
    { maxKeys: 2 },
  ),
  fc.dictionary(fc.constantFrom('type', 'ext1'), fc.constantFrom('a', 'b'), { minKeys: 1, maxKeys: 2 }),
)
const expression = fc.constantFrom<unknown>("type = 'a'", 'EXISTS ext1', 'type = ', 'FOO()', 'type', '5', '', 5, null)
const { clause } = fc.letrec<{ clause: unknown }>((tie) => {
  const members = fc.array(tie('clause'), { maxLength: 2 })
  const dialects = { exact: texts, prefix: texts, suffix: texts, cesql: expression }
  const nested = { all: members, any: members, not: tie('clause') }
  return {
    clause: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>({}, null, [], 'exact', { exact: null }, { regex: { type: 'a' } }),
      ...Object.entries({ ...dialects, ...nested }).map(([dialect, value]) => fc.record({ [dialect]: value })),
      fc.record({ exact: texts, not: tie('clause') }, { requiredKeys: [] }),
    ),
  }
})
const spec = fc.record(
  { filter: fc.record({ attributes: texts }, { requiredKeys: [] }), filters: fc.array(clause, { maxLength: 3 }) },
  { requiredKeys: [] },
)

const parse = manifestParser(apiTable())

function admit(spec: object) {
  const trigger = {
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Trigger',
    metadata: { name: 't' },
    spec: { broker: 'b', subscriber: { uri: 'http://sink/' }, ...spec },
  }
  const { objects, problems } = parse('t.yaml', Buffer.from(JSON.stringify(trigger)))
  const read = objects[0] && triggerFilter(objects[0].object.spec as object as Record<string, unknown>)
  return { filter: read && 'value' in read ? read.value : undefined, problems }
}

const row = { uid: 'r', hash: '', namespace: 'n', name: 't', log: 'l', delivery: 'd', since: 0 }

describe('admission, contract and filter', () => {
  test('what is admitted is taken by the contract as it is, and can be built; anything else has a problem', () => {
    let admitted = 0
    fc.assert(
      fc.property(spec, (spec) => {
        const { filter, problems } = admit(spec)
        expect(problems.length === 0).toBe(filter !== undefined)
        if (filter === undefined) return
        admitted += 1
        expect(buildFilter(filter)).toHaveProperty('filter')
        const read = readContract({ logs: [], ingresses: [], deliveries: [], routes: [{ ...row, filter }] })
        // The log and the delivery of the row are not there; its filter is no problem
        expect(read).toEqual({ problems: expect.arrayContaining([expect.stringContaining('routes[0].log')]) })
      }),
      { numRuns: 1_000 },
    )
    expect(admitted).toBeGreaterThan(50)
  })

  test('what the filter refuses to build is never admitted', () => {
    fc.assert(
      fc.property(fc.array(clause, { minLength: 1, maxLength: 2 }), (filters) => {
        const built = buildFilter({ filters: filters as never })
        if ('problem' in built) fc.pre(!isCommentedOut(filters))
        if ('problem' in built) expect(admit({ filters }).problems.length).toBeGreaterThan(0)
      }),
      { numRuns: 1_000 },
    )
  })
})

/** A dialect that is null is absent in a manifest, and wrong in a row. */
function isCommentedOut(value: unknown): boolean {
  return JSON.stringify(value).includes('null')
}
