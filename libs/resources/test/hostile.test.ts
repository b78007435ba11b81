import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type ApiObject, apiTable } from '../src/api/index.ts'

const table = apiTable()

/** Names that mean something somewhere, so that the wrong thing stands in the right place. */
const NAMES = [
  ...[
    'name',
    'namespace',
    'annotations',
    'labels',
    'subscribers',
    'delivery',
    'filters',
    'filter',
    'attributes',
    'ref',
  ],
  ...[
    'subscriber',
    'channel',
    'config',
    'broker',
    'data',
    'stringData',
    'binaryData',
    'immutable',
    'exact',
    'all',
    'not',
  ],
  ...[
    'knative.dev/dependency',
    'eventing.knative.dev/broker.class',
    'sluice.dev/event-type',
    '__proto__',
    'constructor',
  ],
]
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.double(),
      fc.constantFrom('', 'a', 'PT1S', '{}', '\u0000'),
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 5 }),
  ),
})).value

describe('whatever comes is judged, and nothing is thrown', () => {
  test.each(table.served.map((each) => [`${each.kind.kind} of ${each.apiVersion}`, each] as const))(
    '%s',
    (_, { apiVersion, kind, admit }) => {
      const body = fc.dictionary(fc.constantFrom('spec', 'status', 'data', 'stringData', 'binaryData', 'type'), json)
      fc.assert(
        fc.property(body, json, body, (fields, metadata, oldFields) => {
          const object = { apiVersion, kind: kind.kind, metadata, ...fields } as unknown as ApiObject
          const oldObject = { apiVersion, kind: kind.kind, metadata: { name: 'x' }, ...oldFields } as ApiObject
          const before = JSON.stringify([object, oldObject])
          for (const input of [{ object }, { object, oldObject }]) expect(Array.isArray(admit(input).causes)).toBe(true)
          expect(JSON.stringify([object, oldObject])).toBe(before)
        }),
        { seed: 1, numRuns: 100 },
      )
    },
  )
})
