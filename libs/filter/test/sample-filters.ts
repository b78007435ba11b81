import type { AttributeValue, CloudEvent } from '@sluice/cloudevents'
import type { FilterClause, FilterSpec, RouteRow } from '@sluice/contract'
import fc from 'fast-check'

const BASE = { specversion: '1.0', id: '1', source: '/s', type: 'a.b' }

export function eventOf(attributes: Record<string, AttributeValue> = {}): CloudEvent {
  return { attributes: new Map(Object.entries({ ...BASE, ...attributes })), data: undefined, dataKind: undefined }
}

export function routeOf(uid: string, filter: FilterSpec): RouteRow {
  return { uid, hash: uid, namespace: 'ns', name: uid, log: 'log', filter, delivery: `to-${uid}`, since: 0 }
}

/** Few names and texts, so that clauses and events meet often. */
const name = fc.constantFrom('type', 'source', 'subject', 'n', 'b', 'exta', 'datamediatype', 'knativebrokerttl')
const text = fc.constantFrom('x', 'xy', 'y', 'yx', '5', 'true', '1:x')
const texts = fc.dictionary(name, text, { minKeys: 1, maxKeys: 3 })

export const attributes = fc.dictionary(
  name,
  fc.oneof(text, fc.constant(''), fc.constantFrom<AttributeValue>(5, true, false, 0)),
  { maxKeys: 6 },
)

/** Comparisons that the index looks up, that it must not, and that fail. */
const comparison = fc.oneof(
  fc.tuple(name, fc.constantFrom('=', '!='), text).map(([name, operator, text]) => `${name} ${operator} '${text}'`),
  fc.tuple(name, fc.constantFrom('= 5', '= TRUE', '> 3', "LIKE 'x%'", "IN ('x', '5')")).map((parts) => parts.join(' ')),
  name.map((name) => `EXISTS ${name}`),
)
const cesql = fc
  .tuple(fc.array(comparison, { minLength: 1, maxLength: 3 }), fc.constantFrom(' AND ', ' OR ', ' AND NOT '))
  .map(([comparisons, operator]) => comparisons.map((each) => `(${each})`).join(operator))

export const { clause } = fc.letrec<{ clause: FilterClause }>((tie) => {
  const members = fc.array(tie('clause'), { minLength: 1, maxLength: 3 })
  return {
    clause: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.record({ exact: texts }),
      fc.record({ prefix: texts }),
      fc.record({ suffix: texts }),
      fc.record({ cesql }),
      fc.record({ all: members }),
      fc.record({ any: members }),
      fc.record({ not: tie('clause') }),
    ),
  }
})

export const filter: fc.Arbitrary<FilterSpec> = fc.oneof(
  fc.record({ attributes: fc.dictionary(name, fc.oneof(text, fc.constant('')), { maxKeys: 3 }) }),
  fc.record({ filters: fc.array(fc.oneof(clause, clause, fc.constant({})), { maxLength: 3 }) }),
)
