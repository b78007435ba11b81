import { describe, expect, test } from '@jest/globals'
import { FILTER_DIALECTS, filter, MAX_FILTER_DEPTH } from './filter-schema.ts'
import { problemsOf } from './schema.ts'

const problems = (value: unknown) => {
  const read = filter.safeParse(value)
  return read.success ? [] : problemsOf(read.error)
}

const nested = (depth: number): object => (depth === 1 ? { exact: { a: 'b' } } : { not: nested(depth - 1) })

describe('the filter of a route', () => {
  test('every dialect is taken as it came', () => {
    const spec = {
      attributes: { type: '' },
      filters: [
        {},
        { exact: { a: 'b' } },
        { any: [{ prefix: { a: 'b' } }, { all: [{ suffix: { a: 'b' } }, { not: { cesql: 'TRUE' } }] }] },
      ],
    }
    expect(filter.parse(spec)).toEqual(spec)
    expect(filter.parse({})).toEqual({})
    expect(FILTER_DIALECTS).toEqual(['exact', 'prefix', 'suffix', 'all', 'any', 'not', 'cesql'])
  })

  test('a dialect that it does not know refuses the row, at any level', () => {
    expect(problems({ filters: [{ regex: { a: 'b' } }] })).toEqual([expect.stringContaining('regex')])
    expect(problems({ filters: [{ any: [{ not: { regex: 'x' } }] }] })).toEqual(
      expect.arrayContaining([expect.stringMatching(/^filters\[0\]\.any\[0\]\.not: .*regex/)]),
    )
    expect(problems({ regex: {} })).toEqual([expect.stringContaining('regex')])
  })

  test.each([
    [{ filters: [{ exact: { a: 'b' }, prefix: { a: 'b' } }] }, 'filters[0]: must have one dialect at most'],
    [{ filters: [{ not: {} }] }, 'filters[0].not: must have one dialect'],
    [{ filters: [{ all: [] }] }, 'filters[0].all: '],
    [{ filters: [{ exact: {} }] }, 'filters[0].exact: must name at least one attribute'],
    [{ filters: [{ exact: { a: '' } }] }, 'filters[0].exact.a: '],
    [{ filters: [{ exact: { a: 5 } }] }, 'filters[0].exact.a: '],
    [{ filters: [{ exact: null }] }, 'filters[0].exact: '],
    [{ filters: [{ cesql: '' }] }, 'filters[0].cesql: '],
  ])('%j is refused with its place', (spec, problem) => {
    expect(problems(spec)).toEqual([expect.stringContaining(problem)])
  })

  test('clauses nest 32 deep and no deeper, however deep the document is', () => {
    expect(problems({ filters: [nested(MAX_FILTER_DEPTH)] })).toEqual([])
    expect(problems({ filters: [nested(MAX_FILTER_DEPTH + 1)] })).toEqual([
      expect.stringContaining('is nested more than 32 clauses deep'),
    ])
    expect(problems({ filters: [nested(5_000)] })).toHaveLength(1)
  })
})
