import { describe, expect, test } from '@jest/globals'
import type { AttributeValue } from '@sluice/cloudevents'
import type { FilterSpec } from '@sluice/contract'
import { eventOf, routeOf } from '../test/sample-filters.ts'
import { buildFilter } from './build-filter.ts'
import { comparedNames, comparedText } from './compared-text.ts'
import { explain } from './explain.ts'
import { RouteIndex } from './route-index.ts'

type Case = [string, FilterSpec, Record<string, AttributeValue>, boolean]

/** By the index and by `explain`, which must agree. */
function accepts(filter: FilterSpec, attributes: Record<string, AttributeValue> = {}): boolean {
  const index = new RouteIndex()
  index.put(routeOf('r', filter))
  const matches = index.match(eventOf(attributes)).length === 1
  expect(explain(eventOf(attributes), filter).matches).toBe(matches)
  return matches
}

const five = { n: 5, str: 'v' }

describe('filter.attributes', () => {
  const cases: Case[] = [
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
    [
      'a time equals the text it came as',
      { attributes: { time: '2018-04-26T14:48:09+02:00' } },
      { time: '2018-04-26T14:48:09+02:00' },
      true,
    ],
    [
      'and not another way to write it',
      { attributes: { time: '2018-04-26T12:48:09Z' } },
      { time: '2018-04-26T14:48:09+02:00' },
      false,
    ],
    ['an absent time is not present', { attributes: { time: '' } }, {}, false],
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

const fourDialects = [
  { exact: { type: 'exact.event.type' } },
  { prefix: { type: 'prefix.' } },
  { suffix: { type: '.suffix' } },
  { not: { prefix: { type: 'no' } } },
]

describe('filters', () => {
  const cases: Case[] = [
    ['FLT-08 exact: every attribute equal', { filters: [{ exact: { type: 'a.b', source: '/s' } }] }, {}, true],
    ['FLT-08 exact: one attribute differs', { filters: [{ exact: { type: 'a.b', source: 'x' } }] }, {}, false],
    ['FLT-09 prefix: every attribute begins so', { filters: [{ prefix: { type: 'a', source: '/' } }] }, {}, true],
    ['FLT-09 prefix: one attribute does not', { filters: [{ prefix: { type: 'a', source: 's' } }] }, {}, false],
    ['FLT-10 suffix: every attribute ends so', { filters: [{ suffix: { type: '.b', source: 's' } }] }, {}, true],
    ['FLT-10 suffix: one attribute does not', { filters: [{ suffix: { type: '.b', source: 'x' } }] }, {}, false],
    ['prefix: a text begins with itself', { filters: [{ prefix: { type: 'a.b' } }] }, {}, true],
    ['prefix: case counts', { filters: [{ prefix: { type: 'A' } }] }, {}, false],
    ['prefix: an integer begins with its digits', { filters: [{ prefix: { n: '5' } }] }, five, true],
    ['suffix: a boolean ends with its letters', { filters: [{ suffix: { b: 'ue' } }] }, { b: true }, true],
    ['FLT-12 any: the first agrees', { filters: [{ any: fourDialects }] }, { type: 'exact.event.type' }, true],
    ['FLT-12 any: the second agrees', { filters: [{ any: fourDialects }] }, { type: 'prefix.event.type' }, true],
    ['FLT-12 any: the third agrees', { filters: [{ any: fourDialects }] }, { type: 'no.type.suffix' }, true],
    ['FLT-12 any: a not agrees', { filters: [{ any: fourDialects }] }, { type: 'other' }, true],
    ['FLT-12 any: none agrees', { filters: [{ any: fourDialects }] }, { type: 'not.event.type' }, false],
    [
      'FLT-13 any of three exact ones: the last',
      { filters: [{ any: [{ exact: { type: '1' } }, { exact: { type: '2' } }, { exact: { type: 'a.b' } }] }] },
      {},
      true,
    ],
    [
      'FLT-13 any of three exact ones: none',
      { filters: [{ any: [{ exact: { type: '1' } }, { exact: { type: '2' } }, { exact: { type: '3' } }] }] },
      {},
      false,
    ],
    [
      'FLT-14 all: every clause agrees',
      { filters: [{ all: [{ exact: { type: 'a.b' } }, { prefix: { source: '/' } }, { suffix: { str: 'v' } }] }] },
      five,
      true,
    ],
    [
      'FLT-14 all: two of three agree',
      { filters: [{ all: [{ exact: { type: 'a.b' } }, { prefix: { source: '/' } }, { suffix: { str: 'w' } }] }] },
      five,
      false,
    ],
    ['FLT-15 the list is an all', { filters: [{ exact: { type: 'a.b' } }, { prefix: { source: '/' } }] }, {}, true],
    [
      'FLT-15 one clause of the list fails',
      { filters: [{ exact: { type: 'a.b' } }, { suffix: { source: 'x' } }] },
      {},
      false,
    ],
    ['FLT-16 exact on a missing extension', { filters: [{ exact: { missing: 'x' } }] }, {}, false],
    ['FLT-16 prefix on a missing extension', { filters: [{ prefix: { missing: 'x' } }] }, {}, false],
    ['FLT-16 suffix on a missing extension', { filters: [{ suffix: { missing: 'x' } }] }, {}, false],
    ['FLT-16 all on a missing extension', { filters: [{ all: [{ exact: { missing: 'x' } }] }] }, {}, false],
    ['FLT-16 any on a missing extension', { filters: [{ any: [{ exact: { missing: 'x' } }] }] }, {}, false],
    ['FLT-17 an empty list leaves it to the attributes', { filters: [], attributes: { type: 'other' } }, {}, false],
    [
      'FLT-18 a list wins over the attributes',
      { filters: [{ exact: { type: 'a.b' } }], attributes: { type: 'other' } },
      {},
      true,
    ],
    ['FLT-20 not: inverts a no', { filters: [{ not: { exact: { type: 'x' } } }] }, {}, true],
    ['FLT-20 not: inverts a yes', { filters: [{ not: { exact: { type: 'a.b' } } }] }, {}, false],
    ['FLT-20 not: a missing attribute is a no', { filters: [{ not: { exact: { subject: 'x' } } }] }, {}, true],
    ['FLT-20 not: of a not', { filters: [{ not: { not: { exact: { type: 'a.b' } } } }] }, {}, true],
    ['FLT-11 cesql: both comparisons hold', { filters: [{ cesql: "type = 'a.b' AND source = '/s'" }] }, {}, true],
    ['FLT-11 cesql: one does not', { filters: [{ cesql: "type = 'a.b' AND source = '/t'" }] }, {}, false],
    ['FLT-12 not of a cesql LIKE', { filters: [{ not: { cesql: "type LIKE 'a%'" } }] }, {}, false],
    [
      'FLT-12 any with a cesql',
      { filters: [{ any: [{ exact: { type: 'x' } }, { cesql: "type LIKE '%b'" }] }] },
      {},
      true,
    ],
    ['FLT-14 all with a cesql', { filters: [{ all: [{ exact: { type: 'a.b' } }, { cesql: 'n > 5' }] }] }, five, false],
    ['FLT-16 cesql on a missing extension', { filters: [{ cesql: "missing = 'x'" }] }, {}, false],
    ['FLT-21 cesql: a missing attribute is an error', { filters: [{ cesql: "subject = 'x' OR TRUE" }] }, {}, false],
    ['FLT-21 cesql: one that is not needed is none', { filters: [{ cesql: "TRUE OR subject = 'x'" }] }, {}, true],
    ['FLT-21 cesql: NOT of an error is an error', { filters: [{ cesql: "NOT (subject = 'x')" }] }, {}, false],
    [
      'FLT-21 cesql: a not around an error lets nothing through',
      { filters: [{ not: { cesql: "subject = 'x'" } }] },
      {},
      false,
    ],
    ['FLT-21 cesql: nor two', { filters: [{ not: { not: { cesql: "subject = 'x'" } } }] }, {}, false],
    [
      'FLT-21 cesql: nor one around an any that nobody settles',
      { filters: [{ not: { any: [{ exact: { type: 'x' } }, { cesql: "subject = 'x'" }] } }] },
      {},
      false,
    ],
    [
      'FLT-21 cesql: an all that another settles is not met, whatever fails',
      { filters: [{ not: { all: [{ cesql: "subject = 'x'" }, { exact: { type: 'x' } }] } }] },
      {},
      true,
    ],
    ['FLT-21 cesql: a failed cast', { filters: [{ cesql: 'type < 5' }] }, {}, false],
    ['FLT-21 cesql: a division by zero', { filters: [{ cesql: 'n / 0 = 0' }] }, five, false],
    ['FLT-23 cesql: the text of a number is cast', { filters: [{ cesql: 'ttl < 30' }] }, { ttl: '5' }, true],
    ['FLT-23 cesql: and compared as one', { filters: [{ cesql: 'ttl < 30' }] }, { ttl: '300' }, false],
    ['cesql: an integer equals its text', { filters: [{ cesql: "n = '5'" }] }, five, true],
    [
      'cesql: a text that casts to the integer is not the text',
      { filters: [{ cesql: "n = '5'" }] },
      { n: '05' },
      false,
    ],
    ['cesql: a boolean has its type', { filters: [{ cesql: 'b' + ' = TRUE' }] }, { b: true }, true],
    ['cesql: names in capitals are attributes', { filters: [{ cesql: "TYPE = 'a.b'" }] }, {}, true],
    [
      'cesql: the hop counter does not exist',
      { filters: [{ cesql: 'EXISTS knativebrokerttl' }] },
      { knativebrokerttl: 9 },
      false,
    ],
    ['cesql: two texts for one attribute', { filters: [{ cesql: "n = '5' AND n = '6'" }] }, five, false],
    ['an empty clause accepts', { filters: [{}] }, {}, true],
    ['an empty clause accepts nothing that another refuses', { filters: [{}, { exact: { type: 'x' } }] }, {}, false],
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
})

describe('what no check saw', () => {
  const broken: [string, unknown, string][] = [
    ['a dialect that is not known', [{ regex: { type: 'a' } }], 'spec.filters[0].regex: is not a dialect'],
    ['an inherited name', [{ constructor: { type: 'a' } }], 'spec.filters[0].constructor: is not a dialect'],
    ['two dialects in one clause', [{ exact: { type: 'a' }, prefix: {} }], 'spec.filters[0]: has exact and prefix'],
    ['an empty value', [{}, { exact: { type: '' } }], 'spec.filters[1].exact.type: must be a text that is not empty'],
    ['a value that is no string', [{ exact: { type: 5 } }], 'spec.filters[0].exact.type: must be a text'],
    ['a dialect that is no map', [{ exact: ['type'] }], 'spec.filters[0].exact: must be a map'],
    ['a dialect that is null', [{ prefix: null }], 'spec.filters[0].prefix: must be a map'],
    ['a clause that is no map', ['exact'], 'spec.filters[0]: must be a map with one dialect'],
    ['an all that is empty', [{ any: [{ all: [] }] }], 'spec.filters[0].any[0].all: must be a list of at least one'],
    ['an any that is no list', [{ any: {} }], 'spec.filters[0].any: must be a list'],
    ['a not that says nothing', [{ not: {} }], 'spec.filters[0].not: says nothing'],
    ['FLT-30 an expression that is none', [{ cesql: 'type = ' }], 'spec.filters[0].cesql: line 1, column 8: expected'],
    ['FLT-22 an expression that yields a String', [{ cesql: "'x'" }], 'spec.filters[0].cesql: yields a String'],
    [
      'FLT-22 an expression that is an attribute',
      [{ any: [{ cesql: 'type' }] }],
      'any[0].cesql: yields what the attribute',
    ],
    ['a function that does not exist', [{ cesql: 'FOO()' }], 'spec.filters[0].cesql: there is no function FOO'],
    ['an expression that is no text', [{ cesql: 5 }], 'spec.filters[0].cesql: line 1, column 1: expected a text'],
    ['every problem of it', [{ exact: {} }, { not: { sql: '' } }], 'text; spec.filters[1].not.sql: is not a dialect'],
    ['one nested too deep', [nested(33)], `spec.filters[0]${'.not'.repeat(32)}: is nested more than 32 clauses deep`],
  ]
  test.each(broken)('%s is a problem that names its place, and rejects every event', (_, filters, problem) => {
    const spec = { filters } as FilterSpec
    const index = new RouteIndex()
    expect(index.put(routeOf('r', spec))).toEqual({ problem: expect.stringContaining(problem) })
    expect(index.match(eventOf({ type: 'a' }))).toEqual([])
    expect(index.refused).toBe(1)
    expect(explain(eventOf(), spec)).toEqual({ matches: false, reason: expect.stringContaining(problem) })
  })

  test('clauses 32 deep are built', () => {
    expect(buildFilter({ filters: [nested(32)] } as FilterSpec)).toHaveProperty('filter')
  })
})

function nested(depth: number): object {
  return depth === 1 ? { exact: { a: 'b' } } : { not: nested(depth - 1) }
}

test('values are compared as a header would write them', () => {
  const event = eventOf({ n: -7, b: false, s: ' x ' })
  expect(['n', 'b', 's', 'none'].map((each) => comparedText(event, each))).toEqual(['-7', 'false', ' x ', undefined])
})

test('every name that has a text is among those that may have one', () => {
  const event = eventOf({ schemaurl: 'u', datacontenttype: 'text/plain' })
  const names = [...comparedNames(event)]
  expect(new Set(names).size).toBe(names.length)
  for (const name of ['type', 'schemaurl', 'dataschema', 'datamediatype']) expect(names).toContain(name)
})
