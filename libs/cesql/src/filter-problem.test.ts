import { describe, expect, test } from '@jest/globals'
import { filterProblem } from './index.ts'

describe('what is no filter', () => {
  test.each([
    "type = 'a' AND EXISTS subject",
    'TRUE',
    'BOOL(flag)',
    'IS_INT(n)',
    'NOT flag',
    "LENGTH(CONCAT(type, 'x')) > 3",
    'n / 0 = 1',
  ])('%s is one', (text) => {
    expect(filterProblem(text)).toBeUndefined()
  })

  test.each([
    ['type = ', 'line 1, column 8: expected'],
    ['', 'line 1, column 1: expected'],
    [`${'('.repeat(100_000)}`, 'expected'],
    ["FOO(type) = 'a'", 'there is no function FOO that takes 1 operands'],
    ["TRUE OR LEFT(type) = 'a'", 'there is no function LEFT that takes 1 operands'],
    ["KN_VERIFY_CORRELATION_ID(a, 'n', 's', 'x', 0, 1)", 'there is no function KN_VERIFY_CORRELATION_ID'],
    ['source', 'yields what the attribute holds, not a Boolean: compare it, or write BOOL(source)'],
    ["'true'", 'yields a String, not a Boolean: compare it with something'],
    ['1 + 1', 'yields an Integer, not a Boolean: compare it with something'],
    ['LENGTH(type)', 'yields an Integer'],
  ])('%.60s is not, since ...%s', (text, problem) => {
    expect(filterProblem(text)).toContain(problem)
  })
})
