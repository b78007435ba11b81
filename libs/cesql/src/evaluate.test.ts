import { describe, expect, test } from '@jest/globals'
import {
  compile,
  type EvaluationError,
  evaluate,
  explain,
  matches,
  missingFunctions,
  parse,
  type Value,
} from './index.ts'

const EVENT = {
  specversion: '1.0',
  id: 'order-7',
  source: '/shop/checkout',
  type: 'com.example.order.paid',
  time: '2026-11-25T08:00:00.120+02:00',
  amount: 42,
  zero: 0,
  paid: true,
  hops: '5',
  smile: 'a😀b',
  word: 'TRUE',
  min: -2_147_483_648,
  max: 2_147_483_647,
}

type Case = readonly [id: string, claim: string, expression: string, value: Value, error?: EvaluationError]

/** What the specification, its test kit and, where both are silent, its grammar say; `own` is decided by us. */
const CASES: Readonly<Record<string, readonly Case[]>> = {
  'literals and names': [
    ['LIT-01', 'keywords and Booleans in any case', 'tRUE aNd nOt False', true],
    ['LIT-02', 'single quotes', "'Ab c'", 'Ab c'],
    ['LIT-03', 'double quotes', '"Ab c"', 'Ab c'],
    ['LIT-04', 'a quote of the own kind behind a backslash', `'it\\'s'`, "it's"],
    ['LIT-05', 'a quote of the other kind as it is', `"it's"`, "it's"],
    ['LIT-06', 'a backslash before anything else stays', `'a\\nb\\\\c\\"'`, 'a\\nb\\\\c\\"'],
    ['LIT-07', 'own: a doubled quote is one', `'it''s'`, "it's"],
    ['LIT-08', 'the largest integer', '+2147483647', 2_147_483_647],
    ['LIT-09', 'the smallest integer', '-2147483648', -2_147_483_648],
    ['LIT-10', 'leading zeros', '007', 7],
    ['LIT-11', 'an integer beyond 32 bits is none', '2147483648', false, 'parse'],
    ['LIT-12', 'every white space of the grammar', '\t1\r\n +  1 ', 2],
    ['ATT-01', 'an attribute is what the event has', 'amount', 42],
    ['ATT-02', 'names in any case', 'AMOUNT', 42],
    ['ATT-03', 'time is the original text', "time = '2026-11-25T08:00:00.120+02:00'", true],
    ['ATT-04', 'a missing attribute is false', 'nope', false, 'missingAttribute'],
    ['ATT-05', 'a name may begin with a digit', '1st', false, 'missingAttribute'],
    ['ATT-06', 'what objects inherit is no attribute', 'constructor', false, 'missingAttribute'],
    ['ATT-07', 'names have no underscore', 'my_name', false, 'parse'],
    ['ATT-08', 'names of functions are names, too', 'left = 1', false, 'missingAttribute'],
    ['EXI-01', 'an attribute that is there', 'EXISTS amount', true],
    ['EXI-02', 'one that is not', 'EXISTS nope', false],
    ['EXI-03', 'false and 0 exist', 'EXISTS zero', true],
    ['EXI-04', 'negated', 'NOT EXISTS nope', true],
    ['EXI-05', 'only of a name', "EXISTS 'amount'", false, 'parse'],
  ],
  'casts and comparisons': [
    ['CMP-01', 'the left side becomes a Boolean', "'TRUE' = true", true],
    ['CMP-02', 'the left side becomes a text', "true = 'TRUE'", false],
    ['CMP-03', 'the left side becomes an integer', 'hops = 5', true],
    ['CMP-04', 'the left side can not become one', 'source = 5', false, 'cast'],
    ['CMP-05', 'a failed cast is not unequal either', 'source != 5', false, 'cast'],
    ['CMP-06', 'texts by case', "word = 'true'", false],
    ['CMP-07', 'both ways to say unequal', "1 <> 2 AND 'a' != 'b'", true],
    ['CMP-08', 'order is of integers', "hops < '10' AND '10' >= hops", true],
    ['CMP-09', 'and not of texts', "'a' < 'b'", false, 'cast'],
    ['CMP-10', 'Booleans count as 0 and 1', 'paid > false', true],
    ['CMP-11', 'a chain groups to the left', '1 < 2 < 2', true],
    ['CMP-12', 'a missing attribute is neither equal nor unequal', "nope != 'x'", false, 'missingAttribute'],
    ['CST-01', 'text to integer, with sign and zeros', "INT('-007')", -7],
    [
      'CST-02',
      'no white space, fraction, or nothing',
      "IS_INT(' 1') OR IS_INT('1.0') OR IS_INT('') OR IS_INT('-')",
      false,
    ],
    ['CST-03', 'beyond 32 bits', "INT('2147483648')", 0, 'cast'],
    ['CST-04', 'the smallest as text', "INT('-2147483648')", -2_147_483_648],
    ['CST-05', 'text to Boolean in any case', "BOOL('tRuE')", true],
    ['CST-06', 'no other text', "BOOL('1')", false, 'cast'],
    ['CST-07', 'integer to Boolean', 'NOT 0 AND -50', true],
    ['CST-08', 'Boolean to integer', '-TRUE', -1],
    ['CST-09', 'to text', "STRING(paid) = 'true' AND STRING(-1) = '-1'", true],
    ['CST-10', 'whether it could be', "IS_BOOL('False') AND IS_BOOL(1) AND IS_INT(TRUE) AND NOT IS_BOOL('no')", true],
    ['CST-11', 'whether what is missing could be', 'IS_INT(nope)', false, 'missingAttribute'],
  ],
  arithmetic: [
    ['MTH-01', 'division cuts towards zero', '-7 / 2', -3],
    ['MTH-02', 'the remainder has the sign of the dividend', '-7 % 2 + 10 * (7 % -2)', 9],
    ['MTH-03', 'by zero', '5 / zero', 0, 'math'],
    ['MTH-04', 'rest by zero', '5 % zero', 0, 'math'],
    ['MTH-05', 'own: a sum beyond 32 bits', 'max + 1', 0, 'math'],
    ['MTH-06', 'own: a difference beyond 32 bits', 'min - 1', 0, 'math'],
    ['MTH-07', 'own: a product beyond 32 bits', 'max * max', 0, 'math'],
    ['MTH-08', 'own: the one quotient beyond 32 bits', 'min / -1', 0, 'math'],
    ['MTH-09', 'own: the one negation beyond 32 bits', '-min', 0, 'math'],
    ['MTH-10', 'zero has no sign', '0 * -1', 0],
    ['MTH-11', 'what is missing comes before the zero', 'nope / 0', 0, 'missingAttribute'],
    ['MTH-12', 'chains group to the left', '20 - 5 - 3', 12],
    ['MTH-13', 'products before sums', '2 + 3 * 4 % 5', 4],
    ['MTH-14', 'own: a sign may touch what it subtracts', '5-3', 2],
    ['MTH-15', 'signs of signs', '--10', 10],
    ['MTH-16', 'an error is not computed with', '1 != 1 / 0', false, 'math'],
  ],
  logic: [
    ['LOG-01', 'AND needs no more than a false', 'FALSE AND 1 / 0 = 1', false],
    ['LOG-02', 'OR needs no more than a true', 'TRUE OR 1 / 0 = 1', true],
    ['LOG-03', 'XOR needs both', 'TRUE XOR 1 / 0 = 1', false, 'math'],
    ['LOG-04', 'an error on the left ends it', '1 / 0 = 1 OR TRUE', false, 'math'],
    ['LOG-05', 'an error is not inverted', 'NOT nope', false, 'missingAttribute'],
    ['LOG-06', 'one rank, grouped to the right: OR', 'TRUE OR FALSE AND FALSE', true],
    ['LOG-07', 'one rank, grouped to the right: AND', 'FALSE AND TRUE OR TRUE', false],
    ['LOG-08', 'one rank, grouped to the right: XOR', 'TRUE XOR TRUE XOR TRUE AND FALSE', false],
    ['LOG-09', 'NOT binds tighter than comparisons', "NOT 'true' = FALSE", true],
    ['LOG-10', 'NOT binds tighter than IN', "NOT 'b' IN ('a')", false, 'cast'],
    ['LOG-11', 'operands are cast', "'true' AND 1", true],
    ['LOG-12', 'or can not be', "paid AND 'yes'", false, 'cast'],
  ],
  'LIKE and IN': [
    ['LIK-01', 'the beginning', "source LIKE '/shop/%'", true],
    ['LIK-02', 'the end', "type LIKE '%.paid'", true],
    ['LIK-03', 'beginning and end may not overlap', "'aba' LIKE 'ab%ba'", false],
    ['LIK-04', 'the middle, more than once', "type LIKE '%.%.%.%' AND type NOT LIKE '%.%.%.%.%'", true],
    ['LIK-05', 'one character, which may take two units', "smile LIKE 'a_b'", true],
    ['LIK-06', 'no half character', "smile LIKE 'a__b'", false],
    ['LIK-07', 'escaped wildcards', "'5%_' LIKE '5\\%\\_' AND '5xy' NOT LIKE '5\\%\\_'", true],
    ['LIK-08', 'another backslash is itself', "'a\\b' LIKE 'a\\b' AND 'a\\\\x' LIKE 'a\\\\_'", false],
    ['LIK-09', 'nothing special about other signs', "'axb' LIKE 'a.b' OR 'aa' LIKE 'a*' OR 'a' LIKE '[a]'", false],
    ['LIK-10', 'by case', "'ABC' LIKE 'abc'", false],
    ['LIK-11', 'the left side becomes a text', "amount LIKE '4_'", true],
    ['LIK-12', 'the empty pattern, the empty text', "'' LIKE '' AND '' LIKE '%' AND 'a' NOT LIKE ''", true],
    ['LIK-13', 'over lines', "'a\nb' LIKE 'a%b' AND 'a\nb' LIKE 'a_b'", true],
    ['LIK-16', 'wildcards in the text are nothing special', "'a%c' LIKE 'a%' AND '\\c' NOT LIKE '\\%'", true],
    ['LIK-14', 'the pattern is a literal', 'type LIKE source', false, 'parse'],
    ['LIK-15', 'not of what is missing', "nope NOT LIKE 'x%'", false, 'missingAttribute'],
    ['INN-01', 'one of them', 'amount IN (1, 2, 42)', true],
    ['INN-02', 'none of them', "type NOT IN ('a', source)", true],
    ['INN-03', 'they become what the left side is: integers', "amount IN ('42')", true],
    ['INN-04', 'texts', "'42' IN (42)", true],
    ['INN-05', 'Booleans', "paid IN ('TRUE')", true],
    ['INN-06', 'texts by case', "'TRUE' IN (TRUE)", false],
    ['INN-07', 'one that can not', "amount IN ('x', 42)", false, 'cast'],
    ['INN-08', 'it is not needed behind the right one', "amount IN (42, 'x')", true],
    ['INN-09', 'not in what can not', "amount NOT IN (1, 'x')", false, 'cast'],
    ['INN-10', 'a set is not empty', 'amount IN ()', false, 'parse'],
  ],
  functions: [
    ['FUN-01', 'names in any case', "lEnGtH('abc')", 3],
    ['FUN-02', 'one that is not there', 'TODAY()', false, 'missingFunction'],
    ['FUN-03', 'one that takes another number', "LENGTH('a', 'b')", false, 'missingFunction'],
    ['FUN-04', 'whose operands are not evaluated', 'TODAY(1 / 0)', false, 'missingFunction'],
    ['FUN-05', 'an operand that fails', "LENGTH(LEFT('abc', -1))", 0, 'functionEvaluation'],
    ['FUN-06', 'length in characters', 'LENGTH(smile)', 3],
    ['FUN-07', 'of what becomes text', 'LENGTH(FALSE)', 5],
    ['FUN-08', 'texts in a row', "CONCAT('a', 1, TRUE)", 'a1true'],
    ['FUN-09', 'of nothing', 'CONCAT()', ''],
    ['FUN-10', 'with something between', "CONCAT_WS('-', 'a', 'b', 'c')", 'a-b-c'],
    ['FUN-11', 'between nothing', "CONCAT_WS('-')", ''],
    ['FUN-12', 'which must be given', 'CONCAT_WS()', false, 'missingFunction'],
    ['FUN-13', 'cases', "LOWER('ÄB') = 'äb' AND UPPER('äb') = 'ÄB'", true],
    ['FUN-14', 'Unicode white space goes', "TRIM('\u2003\u0085 a b\u3000\t') = 'a b'", true],
    ['FUN-15', 'and nothing else', "LENGTH(TRIM('\uFEFFa\u200B'))", 3],
    ['FUN-16', 'the left', 'LEFT(smile, 2)', 'a😀'],
    ['FUN-17', 'more than there is', "LEFT('abc', 9)", 'abc'],
    ['FUN-18', 'less than nothing keeps the text', "LEFT('abc', -1)", 'abc', 'functionEvaluation'],
    ['FUN-19', 'the right', 'RIGHT(smile, 2)', '😀b'],
    ['FUN-20', 'nothing of it', "RIGHT('abc', 0)", ''],
    ['FUN-21', 'less than nothing keeps it, too', "RIGHT('abc', -1)", 'abc', 'functionEvaluation'],
    ['FUN-22', 'from a place on', 'SUBSTRING(smile, 2)', '😀b'],
    ['FUN-23', 'so many', 'SUBSTRING(smile, 2, 1)', '😀'],
    ['FUN-24', 'from the end', 'SUBSTRING(smile, -2, 1)', '😀'],
    ['FUN-25', 'more than there is', "SUBSTRING('abc', 2, 9)", 'bc'],
    ['FUN-26', 'from nowhere', "SUBSTRING('abc', 0)", ''],
    ['FUN-27', 'behind the end', "SUBSTRING('abc', 4)", '', 'functionEvaluation'],
    ['FUN-28', 'before the beginning', "SUBSTRING('abc', -4)", '', 'functionEvaluation'],
    ['FUN-29', 'less than nothing', "SUBSTRING('abc', 1, -1)", '', 'functionEvaluation'],
    ['FUN-30', 'without sign', 'ABS(-3) + ABS(3)', 6],
    ['FUN-31', 'the one that does not fit', 'ABS(min)', 2_147_483_647, 'math'],
  ],
}

describe.each(Object.entries(CASES))('%s', (_topic, cases) => {
  test.each(cases)('%s: %s: %s', (_id, _claim, expression, value, error = null as never) => {
    const expected = { value, error: error ?? null }
    expect(evaluate(expression, EVENT)).toEqual(expected)
    expect(explain(expression, EVENT)).toMatchObject(expected)
    const isMatch = value === true && expected.error === null
    expect(matches(expression, EVENT)).toBe(isMatch)
    if (error !== 'parse') expect(compile(expression)(new Map(Object.entries(EVENT)))).toBe(isMatch)
  })
})

test('no id stands for two cases', () => {
  const ids = Object.values(CASES).flatMap((cases) => cases.map(([id]) => id))
  expect(ids.length).toBe(new Set(ids).size)
})

test('calls of what does not exist are found without an event', () => {
  const parsed = parse("TRUE OR NOW() < ABS(LENGTH('a', TODAY(1))) AND CONCAT() = ''")
  expect(missingFunctions(parsed).map(({ name, start }) => [name, start])).toEqual([
    ['NOW', 8],
    ['LENGTH', 20],
    ['TODAY', 32],
  ])
})

describe('failing fast', () => {
  test.each<[string, Value, EvaluationError]>([
    ["LEFT('abc', -1)", '', 'functionEvaluation'],
    ['ABS(min)', 0, 'math'],
    ['nope', false, 'missingAttribute'],
    ['NONE()', false, 'missingFunction'],
  ])('%s yields the zero value of its type', (expression, value, error) => {
    expect(evaluate(expression, EVENT, { mode: 'failFast' })).toEqual({ value, error })
  })

  test('changes nothing where nothing fails', () => {
    expect(evaluate("LEFT('abc', 1)", EVENT, { mode: 'failFast' })).toEqual({ value: 'a', error: null })
  })
})

describe('whatever comes in', () => {
  test.each([undefined, null, 7, {}, [], { kind: 'not' }, { kind: 'unknown' }])('as expression: %p', (expression) => {
    expect(evaluate(expression as never, EVENT)).toEqual({ value: false, error: 'generic' })
    expect(matches(expression as never, EVENT)).toBe(false)
    expect(explain(expression as never, EVENT)).toMatchObject({ value: false, error: 'generic' })
  })

  test.each([undefined, null, { a: 1.5 }, { a: 2 ** 31 }, { a: Number.NaN }, { a: {} }, { a: 1n }])(
    'as attributes: %p',
    (attributes) => {
      expect(evaluate('a', attributes as never)).toEqual({ value: false, error: 'generic' })
    },
  )

  test('null and undefined are no values', () => {
    for (const a of [null, undefined]) {
      expect(evaluate('a', { a } as never).error).toBe('missingAttribute')
      expect(evaluate('EXISTS a', { a } as never)).toEqual({ value: false, error: null })
    }
  })

  test('an attribute may have any name that an object knows', () => {
    const event = JSON.parse('{"constructor": "c", "tostring": "t", "get": "g"}')
    expect(matches("constructor = 'c' AND tostring = 't' AND get = 'g'", event)).toBe(true)
  })

  test('the attributes every event has exist', () => {
    expect(matches('EXISTS id AND EXISTS source AND EXISTS type AND EXISTS specversion', {})).toBe(true)
  })

  test('attributes may be looked up', () => {
    expect(evaluate('amount + 1', new Map([['amount', 41]]))).toEqual({ value: 42, error: null })
  })
})

describe('the work of one evaluation is bounded', () => {
  const big = 'a'.repeat(1_048_576)
  const event = { big, twin: `${big.slice(1)}b`, zeros: `${'0'.repeat(1_048_576)}1`, part: 'x'.repeat(1_000) }
  test.each<[string, string, EvaluationError]>([
    ['a pattern that fits late everywhere', `big LIKE '%${'_'.repeat(60_000)}b%'`, 'generic'],
    ['lengths over lengths', `LENGTH(big) = 1${' OR LENGTH(big) = 1'.repeat(3_000)}`, 'generic'],
    ['large texts compared', `big = twin${' OR big = twin'.repeat(4_000)}`, 'generic'],
    ['digits without end', `zeros = 2${' OR zeros = 2'.repeat(4_000)}`, 'generic'],
    ['a text made longer than 1 MiB', `CONCAT(${'big, '.repeat(500)}big) = 'a'`, 'functionEvaluation'],
    [
      'a text made again and again',
      `${'UPPER('.repeat(100)}CONCAT(${'part,'.repeat(1_000)}1)${')'.repeat(100)}`,
      'generic',
    ],
  ])('%s', (_claim, expression, error) => {
    expect(evaluate(expression, event).error).toBe(error)
    expect(explain(expression, event).error).toBe(error)
    const errors: unknown[] = []
    expect(compile(expression, (each) => errors.push(each))(new Map(Object.entries(event)))).toBe(false)
    expect(errors).toEqual([error])
  })

  test('a large attribute is no large amount of work', () => {
    const expression = "big LIKE '%aa%a%' AND LENGTH(big) = 1048576 AND big != 'a' AND RIGHT(big, 1) = 'a'"
    expect(evaluate(expression, event)).toEqual({ value: true, error: null })
  })

  test('the deepest expression leaves the stack room', () => {
    const deep = `${'NOT TRUE AND 1 = 1 + 1 * ABS('.repeat(128)}1${" LIKE 'a'".repeat(128)}${')'.repeat(128)}`
    expect(evaluate(deep, {})).toEqual({ value: false, error: null })
    expect(compile(parse(deep))(new Map())).toBe(false)
  })
})
