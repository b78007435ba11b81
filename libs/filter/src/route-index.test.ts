import { describe, expect, test } from '@jest/globals'
import type { AttributeValue, CloudEvent } from '@sluice/cloudevents'
import type { FilterSpec, RouteRow } from '@sluice/contract'
import fc from 'fast-check'
import { buildFilter, comparedText, meets } from './condition.ts'
import { RouteIndex } from './route-index.ts'

const BASE = { specversion: '1.0', id: '1', source: '/s', type: 'a.b' }

function eventOf(attributes: Record<string, AttributeValue>): CloudEvent {
  return { attributes: new Map(Object.entries({ ...BASE, ...attributes })), data: undefined, dataKind: undefined }
}

function routeOf(uid: string, filter: FilterSpec): RouteRow {
  return { uid, hash: uid, namespace: 'ns', name: uid, log: 'log', filter, delivery: `to-${uid}`, since: 0 }
}

function accepts(filter: FilterSpec, attributes: Record<string, AttributeValue> = {}): boolean {
  const index = new RouteIndex()
  index.put(routeOf('r', filter))
  return index.match(eventOf(attributes)).length === 1
}

const five = { n: 5, str: 'v' }

describe('filter.attributes', () => {
  const cases: [string, FilterSpec, Record<string, AttributeValue>, boolean][] = [
    ['FLT-01 an equal type matches', { attributes: { type: 'a.b' } }, {}, true],
    ['FLT-01 another type does not', { attributes: { type: 'other' } }, {}, false],
    ['FLT-02 empty values match any present attribute', { attributes: { type: '', source: '' } }, {}, true],
    ['FLT-03 an empty value asks for the extension', { attributes: { myext: '' } }, {}, false],
    ['FLT-03 and takes it with any value', { attributes: { myext: '' } }, { myext: 'x' }, true],
    ['an empty value asks for a value that is not empty', { attributes: { myext: '' } }, { myext: '' }, false],
    ['FLT-04 a subject that is not there', { attributes: { subject: '' } }, {}, false],
    ['FLT-04 a subject that is there', { attributes: { subject: '' } }, { subject: 's' }, true],
    ['FLT-05 all equal', { attributes: { type: 'a.b', source: '/s', str: 'v' } }, five, true],
    ['FLT-05 one differs', { attributes: { type: 'a.b', source: '/s', str: 'w' } }, five, false],
    ['FLT-06 case counts', { attributes: { str: 'V' } }, five, false],
    ['FLT-07 no filter matches', {}, {}, true],
    ['FLT-07 an empty map matches', { attributes: {} }, {}, true],
    ['an integer equals its text', { attributes: { n: '5' } }, five, true],
    ['an integer is present', { attributes: { n: '' } }, five, true],
    ['a boolean equals its text', { attributes: { b: 'true' } }, { b: true }, true],
    ['exact and present together', { attributes: { type: 'a.b', str: '' } }, five, true],
    ['exact and missing together', { attributes: { type: 'a.b', other: '' } }, five, false],
    ['data is out of reach', { attributes: { data: 'x' } }, {}, false],
    ['the hop counter is invisible', { attributes: { knativebrokerttl: '255' } }, { knativebrokerttl: 255 }, false],
    ['and not present either', { attributes: { knativebrokerttl: '' } }, { knativebrokerttl: 255 }, false],
    ['the arrival time is visible', { attributes: { knativearrivaltime: '' } }, { knativearrivaltime: 't' }, true],
    [
      'datamediatype is the content type without parameters',
      { attributes: { datamediatype: 'text/xml' } },
      { datacontenttype: 'Text/XML; charset=utf-8' },
      true,
    ],
    ['dataschema finds the schemaurl of 0.3', { attributes: { dataschema: 'u' } }, { schemaurl: 'u' }, true],
    ['schemaurl finds the dataschema of 1.0', { attributes: { schemaurl: 'u' } }, { dataschema: 'u' }, true],
  ]
  test.each(cases)('%s', (_, filter, attributes, expected) => {
    expect(accepts(filter, attributes)).toBe(expected)
  })
})

describe('filters', () => {
  const cases: [string, FilterSpec, Record<string, AttributeValue>, boolean][] = [
    ['FLT-08 every attribute equal', { filters: [{ exact: { type: 'a.b', source: '/s' } }] }, {}, true],
    ['FLT-08 one attribute differs', { filters: [{ exact: { type: 'a.b', source: 'x' } }] }, {}, false],
    ['FLT-17 an empty list leaves it to the attributes', { filters: [], attributes: { type: 'other' } }, {}, false],
    [
      'FLT-18 a list wins over the attributes',
      { filters: [{ exact: { type: 'a.b' } }], attributes: { type: 'other' } },
      {},
      true,
    ],
    ['an empty clause accepts', { filters: [{}] }, {}, true],
    ['clauses must all agree', { filters: [{ exact: { type: 'a.b' } }, { exact: { str: 'w' } }] }, five, false],
    [
      'two values for one attribute never match',
      { filters: [{ exact: { n: '5' } }, { exact: { n: '6' } }] },
      five,
      false,
    ],
    ['an integer equals its text', { filters: [{ exact: { n: '5' } }] }, five, true],
  ]
  test.each(cases)('%s', (_, filter, attributes, expected) => {
    expect(accepts(filter, attributes)).toBe(expected)
  })

  const broken: [string, unknown, string][] = [
    ['a dialect that is not supported', [{ prefix: { type: 'a' } }], 'filters[0]: the dialect prefix is not supported'],
    ['an inherited name', [{ constructor: { type: 'a' } }], 'the dialect constructor is not supported'],
    [
      'two dialects in one clause',
      [{ exact: { type: 'a' }, prefix: {} }],
      'filters[0]: exact and prefix in one clause',
    ],
    ['an empty value', [{}, { exact: { type: '' } }], 'filters[1].exact: type: must be a non-empty string'],
    ['a value that is no string', [{ exact: { type: 5 } }], 'filters[0].exact: type: must be a non-empty string'],
    ['a dialect that is no map', [{ exact: ['type'] }], 'filters[0].exact: must be a map'],
  ]
  test.each(broken)('%s is a problem that names its place, and rejects every event', (_, filters, problem) => {
    const index = new RouteIndex()
    const built = index.put(routeOf('r', { filters } as FilterSpec))
    expect(built).toEqual({ problem: expect.stringContaining(problem) })
    expect(index.match(eventOf({ type: 'a' }))).toEqual([])
    expect(index.refused).toBe(1)
  })
})

describe('route index', () => {
  test('a replaced route answers by its new filter only', () => {
    const index = new RouteIndex()
    index.put(routeOf('r', { attributes: { type: 'a.b' } }))
    index.put(routeOf('r', { attributes: { type: 'c' } }))
    expect(index.match(eventOf({}))).toEqual([])
    expect(index.match(eventOf({ type: 'c' }))).toHaveLength(1)
    expect(index.size).toBe(1)
  })

  test('a route whose filter gets fixed is refused no more', () => {
    const index = new RouteIndex()
    index.put(routeOf('r', { filters: [{ exact: { type: '' } }] }))
    index.put(routeOf('r', {}))
    expect(index.refused).toBe(0)
    expect(index.match(eventOf({}))).toHaveLength(1)
  })

  test('removing an unknown route changes nothing', () => {
    const index = new RouteIndex()
    index.put(routeOf('r', {}))
    index.remove('other')
    expect(index.size).toBe(1)
  })

  test('values that join to the same text are told apart', () => {
    const index = new RouteIndex()
    index.put(routeOf('r', { attributes: { a: 'x1:y', b: 'z' } }))
    expect(index.match(eventOf({ a: 'x', b: '1:yz' }))).toEqual([])
    expect(index.match(eventOf({ a: 'x1:y', b: 'z' }))).toHaveLength(1)
  })

  test('it answers as each filter judged alone, whatever is put, replaced and removed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.array(attributes, { minLength: 1, maxLength: 10 }), checkSteps),
      { numRuns: 300 },
    )
  })
})

const name = fc.constantFrom('type', 'source', 'subject', 'n', 'b', 'datamediatype', 'knativebrokerttl')
const text = fc.constantFrom('', 'x', 'y', '5', 'true', '1:x')
const attributes = fc.dictionary(name, fc.oneof(text, fc.constantFrom<AttributeValue>(5, true, false, 0)), {
  maxKeys: 5,
})
const clause = fc.oneof(
  fc.record({ exact: fc.dictionary(name, text, { maxKeys: 3 }) }),
  fc.constant({}),
  fc.constant({ prefix: { type: 'x' } } as object),
)
const filter = fc.oneof(
  fc.record({ attributes: fc.dictionary(name, text, { maxKeys: 3 }) }),
  fc.record({ filters: fc.array(clause, { maxLength: 3 }) }),
)
const step = fc.record({ uid: fc.constantFrom('a', 'b', 'c', 'd', 'e'), filter: fc.option(filter) })

function checkSteps(
  steps: { uid: string; filter: FilterSpec | null }[],
  samples: Record<string, AttributeValue>[],
): void {
  const index = new RouteIndex()
  const alone = new Map<string, FilterSpec>()
  for (const { uid, filter } of steps) {
    if (filter === null) index.remove(uid)
    else index.put(routeOf(uid, filter))
    if (filter === null) alone.delete(uid)
    else alone.set(uid, filter)
  }
  for (const sample of samples) {
    const event = eventOf(sample)
    const expected = [...alone].filter(([, spec]) => {
      const built = buildFilter(spec)
      return 'condition' in built && meets(built.condition, event)
    })
    const matched = index.match(event).map((row) => row.uid)
    expect(matched.sort()).toEqual(expected.map(([uid]) => uid).sort())
  }
  expect(index.size).toBe(alone.size)
}

test('values are compared as a header would write them', () => {
  const event = eventOf({ n: -7, b: false, s: ' x ' })
  expect(['n', 'b', 's', 'none'].map((each) => comparedText(event, each))).toEqual(['-7', 'false', ' x ', undefined])
})
