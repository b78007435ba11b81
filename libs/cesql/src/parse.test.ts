import { describe, expect, test } from '@jest/globals'
import { type Expression, MAX_DEPTH, MAX_LENGTH, ParseError, parse, partsOf, print } from './index.ts'

function errorOf(text: string): ParseError {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof ParseError) return error
    throw error
  }
  throw new RangeError(`${text} was read`)
}

describe('what is wrong, where, and what would be right', () => {
  test.each([
    ['', 'line 1, column 1: expected an operand, found the end'],
    ['  ', 'line 1, column 3: expected an operand, found the end'],
    ['type = ', 'line 1, column 8: expected an operand, found the end'],
    ["type = 'a' type", 'line 1, column 12: expected an operator or the end, found "type"'],
    ["type = 'a", "line 1, column 8: expected a closing ' for the string that begins here, found the end"],
    ["'ends with \\'", "line 1, column 1: expected a closing ' for the string that begins here, found the end"],
    ["'😀' =\n  == 1", 'line 2, column 3: expected an operand, found "="'],
    ["'😀' == 1", 'line 1, column 6: expected an operand, found "="'],
    ['(1 = 1', 'line 1, column 7: expected an operator or ), found the end'],
    ['1 = 1)', 'line 1, column 6: expected an operator or the end, found ")"'],
    ['ABS(1', 'line 1, column 6: expected an operator, "," or ), found the end'],
    ['ABS(1,)', 'line 1, column 7: expected an operand, found ")"'],
    ['ABS2(1)', 'line 1, column 1: expected a function name of letters and _, found "ABS2"'],
    ['my_name', 'line 1, column 1: expected an attribute name of letters and digits, found "my_name"'],
    ['a IN ()', 'line 1, column 7: expected at least one value in the set, found ")"'],
    ['a IN b', 'line 1, column 6: expected ( and the values of the set after IN, found "b"'],
    ['a NOT b', 'line 1, column 7: expected LIKE or IN after NOT, found "b"'],
    ['a LIKE b', 'line 1, column 8: expected a pattern in quotes after LIKE, found "b"'],
    ['EXISTS in', 'line 1, column 8: expected the name of an attribute after EXISTS, found "in"'],
    ['a = 2147483648', 'line 1, column 5: expected an integer from -2147483648 to 2147483647, found "2147483648"'],
    ['a - -2147483649', 'line 1, column 5: expected an integer from -2147483648 to 2147483647, found "-2147483649"'],
    ['a # b', 'line 1, column 3: expected an operand or an operator, found "#"'],
    ['a ! b', 'line 1, column 3: expected an operand or an operator, found "!"'],
    ['a = 1\u00a0', 'line 1, column 6: expected an operand or an operator, found "\u00a0"'],
    ['ſource = 1', 'line 1, column 1: expected an operand or an operator, found "ſ"'],
    ['+ 5', 'line 1, column 1: expected an operand, found "+"'],
  ])('%j', (text, message) => {
    const error = errorOf(text)
    expect(error.message).toBe(message)
    expect(message).toBe(`line ${error.line}, column ${error.column}: expected ${error.expected}, found ${error.found}`)
  })

  test('what is no text', () => {
    expect(() => parse(7 as never)).toThrow(ParseError)
  })

  test('a message stays short, whatever it quotes', () => {
    expect(errorOf(`1 ${'x'.repeat(60_000)}`).message.length).toBeLessThan(120)
    expect(errorOf('9'.repeat(60_000)).message.length).toBeLessThan(150)
  })
})

describe('bounds', () => {
  test('a text longer than 65,536 units is refused unread', () => {
    expect(parse(`${' '.repeat(MAX_LENGTH - 1)}1`)).toMatchObject({ kind: 'literal', value: 1 })
    const { message, offset } = errorOf(' '.repeat(1_048_576))
    expect(message).toBe('line 1, column 65537: expected at most 65536 characters, found 1048576')
    expect(offset).toBe(MAX_LENGTH)
    expect(() => parse('1 = 1', { maxLength: 4 })).toThrow('expected at most 4 characters, found 5')
  })

  test.each([
    ['brackets', '(', '1', ')'],
    ['NOT', 'NOT ', 'TRUE', ''],
    ['signs', '-', 'a', ''],
    ['functions', 'ABS(', '1', ')'],
    ['sets', '1 IN (', '1', ')'],
  ])('%s nest 128 levels deep and no deeper, however many there are', (_what, open, inner, close) => {
    const nested = (depth: number) => open.repeat(depth) + inner + close.repeat(depth)
    expect(() => parse(nested(MAX_DEPTH))).not.toThrow()
    for (const depth of [MAX_DEPTH + 1, 8_000])
      expect(errorOf(nested(depth)).expected).toBe('at most 128 levels of nesting')
  })

  test('LIKE of LIKE and IN of IN are levels, too', () => {
    for (const repeated of [" LIKE 'a'", ' IN (1)'])
      expect(errorOf(`1${repeated.repeat(1_000)}`).expected).toBe('at most 128 levels of nesting')
  })

  test('chains are as long as the text allows', () => {
    for (const link of [' AND TRUE', ' = 1', '+1', '*1', " OR a LIKE ''", ' OR 1 IN (1)'])
      expect(parse(`1${link.repeat(4_000)}`)).toMatchObject({ operands: { length: 4_001 } })
  })
})

describe('an expression', () => {
  test('knows where each part stands, brackets being outside', () => {
    const text = "(type = 'a') AND\n NOT LENGTH( id ) IN (1, -2) "
    const shown: string[] = []
    const show = (expression: Expression) => {
      shown.push(`${expression.kind}: ${text.slice(expression.start, expression.end)}`)
      for (const part of partsOf(expression)) show(part)
    }
    show(parse(text))
    expect(shown).toEqual([
      "logic: (type = 'a') AND\n NOT LENGTH( id ) IN (1, -2)",
      "comparison: type = 'a'",
      'attribute: type',
      "literal: 'a'",
      'in: NOT LENGTH( id ) IN (1, -2)',
      'not: NOT LENGTH( id )',
      'call: LENGTH( id )',
      'attribute: id',
      'literal: 1',
      'literal: -2',
    ])
  })

  test.each([
    ["a='x'and(b=1 or c<>2)", "a = 'x' AND (b = 1 OR c <> 2)"],
    ['((1)+(2*3))*4', '(1 + 2 * 3) * 4'],
    ['a-(b-c)-d', 'a - (b - c) - d'],
    ['not(a)like"x\\"y"', `NOT a LIKE 'x"y'`],
    ['not(a like "x")', `NOT (a LIKE 'x')`],
    ['- 5', '-(5)'],
    ['-(-5)', '-(-5)'],
    ['"\\\'"', `"\\'"`],
    ['EXISTS Id and concat_ws("", a ,b) not in("it\'s")', `EXISTS id AND CONCAT_WS('', a, b) NOT IN ('it\\'s')`],
  ])('%s is printed as %s, which is the same', (text, printed) => {
    expect(print(parse(text))).toBe(printed)
    expect(print(parse(printed))).toBe(printed)
  })
})
