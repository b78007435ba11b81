import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { compile, type EvaluationError, type Expression, evaluate, explain, matches, parse, print } from './index.ts'

const SPAN = { start: 0, end: 0 }
const NAMES = ['a', 'b', 'id', 'constructor', 'missing']
const text = fc.oneof(
  fc.constantFrom('', 'true', 'FALSE', '0', '1', '-1', '007', '2147483648', 'abc', 'a_c', 'aé😀', ' x '),
  fc.string({ unit: fc.constantFrom('a', 'b', '%', '_', "'", '"', '😀', ' '), maxLength: 6 }),
)
const integer = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(2_147_483_647, -2_147_483_648, 65_536),
  fc.integer(),
)
const value = fc.oneof(text, integer, fc.boolean())
const attributes = fc.record(
  { a: value, b: value, id: text, constructor: value },
  { requiredKeys: [], noNullPrototype: true },
)

const { expression } = fc.letrec<{ expression: Expression; leaf: Expression }>((tie) => {
  const some = tie('expression')
  const chain = <const Kind extends string>(kind: Kind, ...operators: string[]) =>
    fc.array(fc.tuple(some, fc.constantFrom(...operators)), { minLength: 2, maxLength: 4 }).map((links) => ({
      kind,
      operands: links.map(([operand]) => operand),
      operators: links.slice(1).map(([, operator]) => operator),
      ...SPAN,
    }))
  const list = fc.array(some, { maxLength: 4 })
  const name = fc.constantFrom('INT', 'BOOL', 'STRING', 'IS_INT', 'IS_BOOL', 'ABS', 'LENGTH', 'LOWER', 'UPPER', 'TRIM')
  const wider = fc.constantFrom('CONCAT', 'CONCAT_WS', 'LEFT', 'RIGHT', 'SUBSTRING', 'NONE')
  return {
    leaf: fc.oneof(
      fc.record({ kind: fc.constant('literal'), value, ...constants() }),
      fc.record({ kind: fc.constantFrom('attribute', 'exists'), name: fc.constantFrom(...NAMES), ...constants() }),
    ) as fc.Arbitrary<Expression>,
    expression: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      tie('leaf'),
      fc.record({ kind: fc.constantFrom('not', 'negate'), operand: some, ...constants() }),
      fc.record({ kind: fc.constant('like'), operand: some, negated: fc.boolean(), pattern: text, ...constants() }),
      fc.record({
        kind: fc.constant('in'),
        operand: some,
        negated: fc.boolean(),
        set: fc.array(some, { minLength: 1, maxLength: 3 }),
        ...constants(),
      }),
      fc.record({ kind: fc.constant('call'), name, operands: fc.tuple(some), ...constants() }),
      fc.record({ kind: fc.constant('call'), name: wider, operands: list, ...constants() }),
      chain('logic', 'AND', 'OR', 'XOR'),
      chain('logic', 'AND'),
      chain('logic', 'OR'),
      chain('comparison', '=', '!=', '<>', '<', '<=', '>', '>='),
      chain('sum', '+', '-'),
      chain('product', '*', '/', '%'),
    ) as fc.Arbitrary<Expression>,
  }
})

function constants() {
  return { start: fc.constant(0), end: fc.constant(0) }
}

function withoutSpans(node: unknown): unknown {
  return JSON.parse(JSON.stringify(node, (key, inner) => (key === 'start' || key === 'end' ? undefined : inner)))
}

describe('a random expression', () => {
  test('compiled answers as it does when it is evaluated, and fails for the same reason', () => {
    fc.assert(
      fc.property(expression, attributes, (given, event) => {
        const errors: EvaluationError[] = []
        const predicate = compile(given, (error) => errors.push(error))
        const lookup = new Map(Object.entries(event))
        const { value, error } = evaluate(given, event)
        const isMatch = value === true && error === null
        // Twice, as nothing of one event may be left for the next
        for (let turn = 0; turn < 2; turn++) expect(predicate(lookup)).toBe(isMatch)
        expect(matches(given, event)).toBe(isMatch)
        expect(errors).toEqual(error === null ? [] : [error, error])
      }),
      { numRuns: 2_000 },
    )
  })

  test('compiled yields the value itself, seen by comparing it with what the evaluator says', () => {
    fc.assert(
      fc.property(expression, attributes, (given, event) => {
        const { value, error } = evaluate(given, event)
        fc.pre(error === null)
        const same = { kind: 'comparison', operands: [given, { kind: 'literal', value, ...SPAN }], operators: ['='] }
        expect(compile({ ...same, ...SPAN } as Expression)(new Map(Object.entries(event)))).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  test('printed and parsed is itself', () => {
    fc.assert(
      fc.property(expression, (given) => {
        const printed = print(given)
        expect(withoutSpans(parse(printed))).toEqual(withoutSpans(given))
      }),
      { numRuns: 1_000 },
    )
  })

  test('explained yields what it yields evaluated', () => {
    fc.assert(
      fc.property(expression, attributes, (given, event) => {
        const { value, error } = explain(given, event)
        expect({ value, error }).toEqual(evaluate(given, event))
      }),
    )
  })
})

test('a predicate judges the event at hand, whatever the last one was', () => {
  const predicate = compile("type = 'paid' AND amount > 10")
  const paid = new Map<string, string | number>([
    ['type', 'paid'],
    ['amount', '11'],
  ])
  expect(predicate(paid)).toBe(true)
  expect(predicate(new Map())).toBe(false)
  expect(predicate({ get: (name) => (name === 'type' ? 'paid' : 12) })).toBe(true)
})

test('a text that is no expression is not compiled', () => {
  expect(() => compile("type = 'paid' AND")).toThrow('line 1, column 18: expected an operand, found the end')
})

test('compiled counts as much work as evaluated, to the character', () => {
  const long = 'a'.repeat(1_100)
  for (const [most, error] of [
    [1_100, null],
    [1_099, 'generic'],
  ] as const) {
    const event = { big: 'b'.repeat(4_194_304 - most), long }
    for (const clause of [`long = '${long}'`, `'${long}' = long`, `long IN ('${long}')`, `long IN (1, long)`]) {
      const expression = `LENGTH(big) > 0 AND ${clause}`
      expect(evaluate(expression, event)).toEqual({ value: error === null, error })
      const errors: unknown[] = []
      expect(compile(expression, (each) => errors.push(each))(new Map(Object.entries(event)))).toBe(error === null)
      expect(errors).toEqual(error === null ? [] : [error])
    }
  }
})
