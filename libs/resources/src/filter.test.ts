import { describe, expect, test } from '@jest/globals'
import { apiTable } from './api/index.ts'
import { formatProblem, joinFiles, manifestParser } from './manifests/index.ts'
import { triggerFilter } from './settings/index.ts'

const parseFile = manifestParser(apiTable())

const parse = (spec: string) =>
  joinFiles([
    parseFile(
      'a.yaml',
      new TextEncoder().encode(`apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {name: t}
spec:
  broker: default
  subscriber: {uri: "http://sink/"}
  ${spec}
`),
    ),
  ])

/** Without what they have in common. */
const problems = (spec: string) =>
  parse(spec).problems.map((problem) =>
    formatProblem(problem)
      .replace(/^a\.yaml:/, '')
      .replace(' (Trigger default/t)', ''),
  )

const filterOf = (spec: string) =>
  triggerFilter(parse(spec).objects[0]?.object.spec as Readonly<Record<string, unknown>>)

const nested = (depth: number): string => (depth === 1 ? '{exact: {a: b}}' : `{not: ${nested(depth - 1)}}`)

describe('what is accepted', () => {
  test.each([
    ['no filter', '', {}],
    ['an empty filter', 'filter: {}', {}],
    ['an empty list', 'filters: []', {}],
    ['a commented-out list', 'filters: # - exact:', {}],
    ['an empty clause', 'filters: [{}]', { filters: [{}] }],
    ['a commented-out clause', 'filters: [{exact: }]', { filters: [{}] }],
    [
      'filters win over filter',
      'filter: {attributes: {a: b}}\n  filters: [{exact: {c: d, e: f}}]',
      { filters: [{ exact: { c: 'd', e: 'f' } }] },
    ],
    ['filter wins over an empty list', 'filter: {attributes: {a: b}}\n  filters: []', { attributes: { a: 'b' } }],
    [
      'FLT-11: an expression',
      'filters: [{cesql: "type = \'a\' AND EXISTS n"}]',
      { filters: [{ cesql: "type = 'a' AND EXISTS n" }] },
    ],
    ['several attributes', 'filters: [{suffix: {a: b, c: d}}]', { filters: [{ suffix: { a: 'b', c: 'd' } }] }],
    [
      'dialects within dialects',
      'filters: [{prefix: {a: b}}, {any: [{exact: {c: d}}, {all: [{suffix: {e: f}}, {not: {exact: {g: h}}}]}]}]',
      {
        filters: [
          { prefix: { a: 'b' } },
          { any: [{ exact: { c: 'd' } }, { all: [{ suffix: { e: 'f' } }, { not: { exact: { g: 'h' } } }] }] },
        ],
      },
    ],
  ])('FLT-28: %s', (_, spec, filter) => {
    expect(problems(spec)).toEqual([])
    expect(filterOf(spec)).toEqual({ value: filter })
  })

  test('FLT-26: attribute names as CloudEvents has them', () => {
    const core = ['source', 'id', 'specversion', 'type', 'subject', 'time', 'datacontenttype', 'dataschema']
    const names = [...core, 'aaa', 'c1d2e3', 'a'.repeat(20)]
    const attributes = Object.fromEntries(names.map((name) => [name, 'x']))
    expect(filterOf(`filter: {attributes: ${JSON.stringify(attributes)}}`)).toEqual({ value: { attributes } })
  })

  test('clauses 32 deep', () => {
    expect(problems(`filters: [${nested(32)}]`)).toEqual([])
  })
})

describe('what is refused', () => {
  test.each(['SOURCE', 'souRce', 's pace', 's_x', 's-x', '123', '😊', '!@#', ''])(
    'FLT-25: the attribute name "%s", in every dialect that has names',
    (name) => {
      const path = /^[A-Za-z_][\w-]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
      const why = `an attribute name is lower-case letters and digits, a letter first, found ${JSON.stringify(name)}`
      const map = `{${JSON.stringify(name)}: x}`
      expect(problems(`filter: {attributes: ${map}}`)).toEqual([`7:25: spec.filter.attributes${path}: ${why}`])
      expect(problems(`filters: [{exact: ${map}}]`)).toEqual([`7:22: spec.filters[0].exact${path}: ${why}`])
      expect(problems(`filters: [{any: [{prefix: ${map}}]}]`)).toEqual([
        `7:30: spec.filters[0].any[0].prefix${path}: ${why}`,
      ])
      expect(problems(`filters: [{not: {suffix: ${map}}}]`)).toEqual([
        `7:29: spec.filters[0].not.suffix${path}: ${why}`,
      ])
    },
  )

  test.each([
    ['filter: {attributes: {n: 5}}', '7:28: spec.filter.attributes.n: must be a string, found 5: put it in quotes'],
    ['filter: {type: a}', '7:12: spec.filter.type: is not a known field: remove it'],
    ['filters: {exact: {type: a}}', '7:3: spec.filters: must be a list, found a map'],
    ['filters: [exact]', '7:13: spec.filters[0]: must be a map with one dialect, found "exact"'],
    ['filters: [{exact: {n: 5}}]', '7:25: spec.filters[0].exact.n: must be a string, found 5: put it in quotes'],
    ['filters: [{exact: {n: [a]}}]', '7:22: spec.filters[0].exact.n: must be a string, found a list'],
    ['filters: [{exact: {n: }}]', '7:14: spec.filters[0].exact: must name at least one attribute'],
    ['filters: [{exact: [a]}]', '7:14: spec.filters[0].exact: must be a map of attribute to text, found a list'],
    [
      'filters: [{exact: {type: ""}}]',
      '7:28: spec.filters[0].exact.type: must not be empty: to take any value use cesql: "EXISTS type"',
    ],
    [
      'filters: [{not: {suffix: {type: ""}}}]',
      '7:35: spec.filters[0].not.suffix.type: must not be empty: to take any value use cesql: "EXISTS type"',
    ],
    ['filters: [{exact: {}}]', '7:14: spec.filters[0].exact: must name at least one attribute'],
    ['filters: [{all: []}]', '7:14: spec.filters[0].all: must hold at least one clause'],
    ['filters: [{any: []}]', '7:14: spec.filters[0].any: must hold at least one clause'],
    ['filters: [{any: {exact: {a: b}}}]', '7:14: spec.filters[0].any: must be a list, found a map'],
    ['filters: [{all: [5]}]', '7:20: spec.filters[0].all[0]: must be a map with one dialect, found 5'],
  ])('FLT-29, FLT-31: %s', (spec, expected) => {
    expect(problems(spec)).toEqual([expected])
  })

  test('a clause that says nothing inside another: what it means would be a guess', () => {
    const says = 'says nothing: give it a dialect, or remove it'
    expect(problems('filters: [{not: {}}]')).toEqual([`7:14: spec.filters[0].not: ${says}`])
    expect(problems('filters: [{any: [{exact: {a: b}}, {}]}]')).toEqual([`7:37: spec.filters[0].any[1]: ${says}`])
    expect(problems('filters: [{all: [{exact: }]}]')).toEqual([`7:20: spec.filters[0].all[0]: ${says}`])
  })

  test.each([
    ['"type = "', 'line 1, column 8: expected'],
    ['"type = \'a\' AND (n > 3"', 'line 1, column 22: expected'],
    ["|\n        EXISTS a AND\n        LEFT(type) = 'b'", 'there is no function LEFT that takes 1 operands'],
    ['"source"', 'yields what the attribute holds, not a Boolean: compare it, or write BOOL(source)'],
    ['"LENGTH(source)"', 'yields an Integer, not a Boolean: compare it with something'],
    ['5', 'must be an expression in quotes, found 5'],
    ['true', 'must be an expression in quotes, found true'],
    ['""', 'line 1, column 1: expected'],
  ])('FLT-30: the expression %s', (expression, problem) => {
    expect(problems(`filters:\n    - cesql: ${expression}`)).toEqual([
      expect.stringContaining(`8:14: spec.filters[0].cesql: ${problem}`),
    ])
  })

  test('FLT-29: an expression inside other clauses, beside every other problem', () => {
    expect(problems('filters: [{any: [{cesql: "= 1"}, {not: {cesql: "FOO()"}}]}, {all: []}]')).toEqual([
      expect.stringContaining('7:28: spec.filters[0].any[0].cesql: line 1, column 1: expected'),
      expect.stringContaining('7:50: spec.filters[0].any[1].not.cesql: there is no function FOO'),
      '7:64: spec.filters[1].all: must hold at least one clause',
    ])
  })

  test('an expression longer or deeper than it may be', () => {
    expect(problems(`filters: [{cesql: "${'('.repeat(10_000)}"}]`)).toEqual([
      expect.stringContaining('.cesql: line 1,'),
    ])
    expect(problems(`filters: [{cesql: "type = '${'x'.repeat(500_000)}'"}]`)).toEqual([
      expect.stringMatching(/^7:21: spec\.filters\[0\]\.cesql: .{1,200}$/),
    ])
  })

  test('FLT-32: a dialect that is not known, by name and at any level', () => {
    expect(problems('filters: [{exakt: {a: b}}]')).toEqual([
      '7:14: spec.filters[0].exakt: is not a known field: did you mean "exact"?',
    ])
    const there = 'there are exact, prefix, suffix, all, any, not, cesql'
    expect(problems('filters: [{not: {regularexpression: {a: b}}}]')).toEqual([
      `7:20: spec.filters[0].not.regularexpression: is not a dialect: ${there}`,
    ])
    expect(problems('filters: [{constructor: {a: b}}]')).toEqual([
      '7:14: spec.filters[0].constructor: is not a known field: remove it',
    ])
  })

  test('FLT-27: two dialects in one clause, at any level', () => {
    expect(problems('filters: [{exact: {a: b}, prefix: {c: d}}]')).toEqual([
      '7:13: spec.filters[0]: has exact and prefix: one dialect per clause, write a clause for each',
    ])
    expect(problems('filters: [{any: [{exact: {a: b}, suffix: {c: d}}]}]')).toEqual([
      '7:20: spec.filters[0].any[0]: has exact and suffix: one dialect per clause, put a clause for each into an all',
    ])
  })

  test('clauses more than 32 deep', () => {
    const deep = problems(`filters: [${nested(33)}]`)
    expect(deep).toEqual([
      expect.stringMatching(/^7:\d+: spec\.filters\[0\](\.not){32}: is nested more than 32 clauses/),
    ])
    expect(problems(`filters: [${nested(2_000)}]`)).toEqual([expect.stringContaining('nested more than 100 levels')])
  })

  test('all problems of a filter are told at once, each with its place', () => {
    const spec = `filter: {attributes: {B: x}}
  filters:
    - exact: {A: b, c: ""}
      prefix: {d: 5}
    - any:
        - prefix: {}
        - sql: x
        - not:
            all: []`
    expect(problems(spec).map((problem) => problem.split(': ').slice(0, 2).join(' '))).toEqual([
      '7:25 spec.filter.attributes.B',
      '9:7 spec.filters[0]',
      '9:15 spec.filters[0].exact.A',
      '9:24 spec.filters[0].exact.c',
      '10:19 spec.filters[0].prefix.d',
      '12:11 spec.filters[1].any[0].prefix',
      '13:11 spec.filters[1].any[1].sql',
      '15:13 spec.filters[1].any[2].not.all',
    ])
  })
})
