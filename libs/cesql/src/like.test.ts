import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { matcherOf } from './like.ts'
import { Run } from './run.ts'

/** The rules as they are said, by trying everything. */
function isLike(text: readonly string[], pattern: readonly string[]): boolean {
  const [one, next, ...rest] = pattern
  if (one === undefined) return text.length === 0
  const behind = pattern.slice(1)
  if (one === '%') return isLike(text, behind) || (text.length > 0 && isLike(text.slice(1), pattern))
  const isEscape = one === '\\' && (next === '%' || next === '_')
  const isFitting = isEscape ? text[0] === next : one === '_' ? text.length > 0 : text[0] === one
  return isFitting && isLike(text.slice(1), isEscape ? rest : behind)
}

const characters = fc.string({ unit: fc.constantFrom('a', 'a', 'b', '😀', '%', '%', '_', '\\'), maxLength: 8 })

test('a text is like a pattern when trying everything says so', () => {
  const run = new Run()
  fc.assert(
    fc.property(characters, characters, (text, pattern) => {
      expect(matcherOf(pattern)(text, run)).toBe(isLike(Array.from(text), Array.from(pattern)))
    }),
    { numRuns: 5_000 },
  )
})

test('a long text is judged as a short one', () => {
  const run = new Run()
  const long = 'c'.repeat(300)
  fc.assert(
    fc.property(characters, characters, (text, pattern) => {
      const expected = isLike(Array.from(text), Array.from(pattern))
      expect(matcherOf(`${long}${pattern}`)(`${long}${text}`, run)).toBe(expected)
    }),
    { numRuns: 2_000 },
  )
})

test('the middle does not reach into the end', () => {
  const run = new Run()
  expect(matcherOf('%a%ab')('ab', run)).toBe(false)
  expect(matcherOf('%a%ab')('aab', run)).toBe(true)
  expect(matcherOf('b%ab%b%b')('babb', run)).toBe(false)
})

test('what it looks at is counted, and ends when too much', () => {
  const run = new Run()
  run.left = 1_000
  expect(matcherOf('%a%b')('a'.repeat(999), run)).toBe(false)
  expect(run.error).toBe(null)
  expect(matcherOf('%a_b%')('a'.repeat(999), run)).toBe(false)
  expect(run.error).toBe('generic')
})
