import { expect, test } from '@jest/globals'
import { type Explanation, explain } from './index.ts'

const lines = ({ text, value, error, reached, parts }: Explanation, depth = 0): string[] => [
  `${'  '.repeat(depth)}${text}: ${value}${error === null ? '' : ` (${error})`}${reached ? '' : ', not needed'}`,
  ...parts.flatMap((part) => lines(part, depth + 1)),
]

test('an explanation says what each part yields, needed or not', () => {
  const event = { type: 'order.paid', amount: '12' }
  expect(lines(explain("type LIKE 'user.%' AND amount > 10 AND NOT customer = 'x'", event))).toEqual([
    "type LIKE 'user.%' AND amount > 10 AND NOT customer = 'x': false",
    "  type LIKE 'user.%': false",
    '    type: order.paid',
    '  amount > 10: true, not needed',
    '    amount: 12, not needed',
    '    10: 10, not needed',
    "  NOT customer = 'x': false (missingAttribute), not needed",
    '    NOT customer: false (missingAttribute), not needed',
    '      customer: false (missingAttribute), not needed',
    "    'x': x, not needed",
  ])
})

test('a part is found in the text', () => {
  const text = "( id = 'a' )\nOR hop < 3"
  const { parts } = explain(text, { id: 'b', hop: 5 })
  expect(parts.map(({ start, end }) => text.slice(start, end))).toEqual(["id = 'a'", 'hop < 3'])
})

test('what can not be read is explained by what is wrong with it', () => {
  expect(explain("type LIKE 'a", {})).toEqual({
    text: "type LIKE 'a",
    kind: 'unreadable',
    start: 0,
    end: 12,
    value: false,
    error: 'parse',
    problem: "line 1, column 11: expected a closing ' for the string that begins here, found the end",
    reached: true,
    parts: [],
  })
})

test('long parts are cut, between characters', () => {
  const { text, parts } = explain(`type = '${'😀'.repeat(300)}'`, {})
  expect(Array.from(text)).toHaveLength(257)
  expect(text.isWellFormed()).toBe(true)
  expect(parts[1]?.text.endsWith('…')).toBe(true)
})

test('each part is evaluated once, however deep or wide the expression', () => {
  const count = ({ parts }: Explanation): number => parts.reduce((sum, part) => sum + count(part), 1)
  for (const [expression, parts, lookUps] of [
    [`${"(type = 'b' AND (".repeat(60)}1${'))'.repeat(60)}`, 241, 60],
    [`id = 5${' OR id = 1'.repeat(6_000)}`, 18_004, 6_001],
  ] as const) {
    let asked = 0
    const get = () => {
      asked += 1
      return '5'
    }
    expect(count(explain(expression, { get }))).toBe(parts)
    expect(asked).toBe(lookUps)
  }
})
