import { describe, expect, test } from '@jest/globals'
import { evaluate } from '@sluice/cesql'
import type { AttributeValue } from '@sluice/cloudevents'
import type { FilterClause, FilterSpec } from '@sluice/contract'
import fc from 'fast-check'
import { attributes, clause, eventOf, filter, routeOf } from '../test/sample-filters.ts'
import { buildFilter } from './build-filter.ts'
import { MAX_WAYS } from './clause.ts'
import { comparedNames, comparedText, comparedValue } from './compared-text.ts'
import { explain } from './explain.ts'
import { RouteIndex } from './route-index.ts'

const matched = (index: RouteIndex, values: Record<string, AttributeValue> = {}) =>
  index
    .match(eventOf(values))
    .map(({ uid }) => uid)
    .sort()

describe('route index', () => {
  test('a replaced route answers by its new filter only', () => {
    const index = new RouteIndex()
    index.put(routeOf('r', { attributes: { type: 'a.b' } }))
    index.put(routeOf('r', { attributes: { type: 'c' } }))
    expect(matched(index)).toEqual([])
    expect(matched(index, { type: 'c' })).toEqual(['r'])
    expect(index.size).toBe(1)
  })

  test('a route whose filter gets fixed is refused no more', () => {
    const index = new RouteIndex()
    index.put(routeOf('r', { filters: [{ exact: { type: '' } }] }))
    index.put(routeOf('r', {}))
    expect(index.refused).toBe(0)
    expect(matched(index)).toEqual(['r'])
  })

  test('removing an unknown route changes nothing', () => {
    const index = new RouteIndex()
    index.put(routeOf('r', {}))
    index.remove('other')
    expect(index.size).toBe(1)
  })

  test('a route that no event can meet counts, and goes like any other', () => {
    const index = new RouteIndex()
    index.put(routeOf('r', { filters: [{ exact: { n: '5' } }, { exact: { n: '6' } }] }))
    expect([index.size, matched(index, { n: 5 })]).toEqual([1, []])
    index.remove('r')
    expect(index.size).toBe(0)
  })

  test('values that join to the same text are told apart', () => {
    const index = new RouteIndex()
    index.put(routeOf('r', { attributes: { a: 'x1:y', b: 'z' } }))
    expect(matched(index, { a: 'x', b: '1:yz' })).toEqual([])
    expect(matched(index, { a: 'x1:y', b: 'z' })).toEqual(['r'])
  })

  test('FLT-19 an event that goes two ways into a route matches it once', () => {
    const index = new RouteIndex()
    index.put(routeOf('one', { filters: [{ any: [{ exact: { type: 'a.b' } }, { exact: { source: '/s' } }] }] }))
    index.put(routeOf('two', { filters: [{ any: [{ exact: { type: 'a.b' } }, { exact: { type: 'c' } }] }] }))
    expect(matched(index)).toEqual(['one', 'two'])
    expect(matched(index, { type: 'c', source: 'x' })).toEqual(['two'])
    expect(matched(index, { type: 'd', source: 'x' })).toEqual([])
  })

  test('FLT-24 types by sources by extensions: each trigger gets exactly what its filter matches', () => {
    const index = new RouteIndex()
    const wanted = { type: ['', 't1'], source: ['', 's1'], ext: ['', 'e1', undefined] }
    for (const type of wanted.type)
      for (const source of wanted.source)
        for (const ext of wanted.ext) {
          const uid = [type || '*', source || '*', ext === undefined ? '-' : ext || '*'].join(' ')
          index.put(routeOf(uid, { attributes: { type, source, ...(ext !== undefined && { ext }) } }))
        }
    expect(matched(index, { type: 't1', source: 's1', ext: 'e1' })).toHaveLength(12)
    expect(matched(index, { type: 't1', source: 's2' })).toEqual(['* * -', 't1 * -'])
    expect(matched(index, { type: 't2', source: 's1', ext: 'e2' })).toEqual(['* * *', '* * -', '* s1 *', '* s1 -'])
    expect(matched(index, { type: 't2', source: 's2', ext: 'e1' })).toEqual(['* * *', '* * -', '* * e1'])
  })
})

describe('what the index answers without evaluating', () => {
  const waysOf = (...filters: FilterClause[]) => {
    const built = buildFilter({ filters })
    return 'filter' in built ? built.filter.ways.map(({ exact, rest }) => [Object.fromEntries(exact), rest.length]) : []
  }
  const types = (count: number) => Array.from({ length: count }, (_, i) => ({ exact: { type: `t${i}` } }))

  test.each<[string, FilterClause[], unknown]>([
    ['exact parts of a list', [{ exact: { a: '1' } }, { exact: { b: '2' } }], [[{ a: '1', b: '2' }, 0]]],
    [
      'exact parts of an all, the others behind them',
      [{ all: [{ prefix: { c: '3' } }, { exact: { a: '1' } }] }],
      [[{ a: '1' }, 1]],
    ],
    [
      'an any of exact ones, each beside the rest of the list',
      [{ exact: { a: '1' } }, { any: types(2) }],
      [
        [{ a: '1', type: 't0' }, 0],
        [{ a: '1', type: 't1' }, 0],
      ],
    ],
    [
      'an any whose members have an exact part each',
      [{ any: [{ exact: { a: '1' } }, { all: [{ exact: { b: '2' } }, { suffix: { c: '3' } }] }] }],
      [
        [{ a: '1' }, 0],
        [{ b: '2' }, 1],
      ],
    ],
    ['not an any with a member that has none', [{ any: [{ exact: { a: '1' } }, { prefix: { b: '2' } }] }], [[{}, 1]]],
    [
      'comparisons that an expression can not do without',
      [{ cesql: "a = '1' AND (b > 3 AND c = '2')" }],
      [[{ a: '1', c: '2' }, 1]],
    ],
    [
      'not those of an OR, of a cast or turned round',
      [{ cesql: "(a = '1' OR b = '2') AND c = 5 AND '1' = d AND e != '1'" }],
      [[{}, 1]],
    ],
    ['not a not', [{ not: { exact: { a: '1' } } }, { exact: { b: '2' } }], [[{ b: '2' }, 1]]],
    ['nothing of what contradicts itself', [{ exact: { a: '1' } }, { all: [{ exact: { a: '2' } }] }], []],
  ])('%s', (_, filters, ways) => {
    expect(waysOf(...filters)).toEqual(ways)
  })

  test('a filter has a bounded number of ways; beyond it is evaluated', () => {
    expect(waysOf({ any: types(MAX_WAYS) })).toHaveLength(MAX_WAYS)
    expect(waysOf({ any: types(MAX_WAYS + 1) })).toEqual([[{}, 1]])
    const any = (name: string) => ({ any: types(8).map((_, i) => ({ exact: { [name]: `${i}` } })) })
    expect(waysOf(any('a'), any('b'))).toEqual(Array.from({ length: 8 }, (_, i) => [{ a: `${i}` }, 1]))
  })
})

const step = fc.record({
  uid: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
  filter: fc.option(filter, { freq: 6 }),
})

test('it answers as each filter judged alone, and as explain, whatever is put, replaced and removed', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 30 }),
      fc.array(attributes, { minLength: 1, maxLength: 8 }),
      (steps, samples) => {
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
          const expected = [...alone].filter(([, spec]) => judged(spec, event)).map(([uid]) => uid)
          expect(matched(index, sample)).toEqual(expected.sort())
          for (const [uid, spec] of alone) expect(explain(event, spec).matches).toBe(expected.includes(uid))
        }
        expect(index.size).toBe(alone.size)
      },
    ),
    { numRuns: 1_000 },
  )
})

test('a route is found among hundreds whose filters name other attributes', () => {
  fc.assert(
    fc.property(clause, attributes, (clause, sample) => {
      const index = new RouteIndex()
      for (let i = 0; i < 200; i++) index.put(routeOf(`other${i}`, { attributes: { [`ext${i}`]: 'x', type: 'a.b' } }))
      index.put(routeOf('r', { filters: [clause] }))
      expect(matched(index, sample)).toEqual(judged({ filters: [clause] }, eventOf(sample)) ? ['r'] : [])
    }),
    { numRuns: 100 },
  )
})

/** The specification, read plainly: what the index and the built clauses are held against. */
function judged({ filters = [], attributes = {} }: FilterSpec, event: ReturnType<typeof eventOf>): boolean {
  const all = (texts: Readonly<Record<string, string>>, agrees: (text: string, wanted: string) => boolean) =>
    Object.entries(texts).every(([name, wanted]) => {
      const text = comparedText(event, name)
      return text !== undefined && agrees(text, wanted)
    })
  const seen = Object.fromEntries(
    [...comparedNames(event)].flatMap((name) => {
      const value = comparedValue(event, name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
  /** Undefined: it can't be evaluated. */
  const holds = ({ exact, prefix, suffix, all: every, any, not, cesql }: FilterClause): boolean | undefined => {
    if (exact !== undefined) return all(exact, (text, wanted) => text === wanted)
    if (prefix !== undefined) return all(prefix, (text, wanted) => text.startsWith(wanted))
    if (suffix !== undefined) return all(suffix, (text, wanted) => text.endsWith(wanted))
    if (cesql !== undefined) {
      const { value, error } = evaluate(cesql, seen)
      return error === null ? value === true : undefined
    }
    if (every !== undefined) return settled(every.map(holds), false)
    if (any !== undefined) return settled(any.map(holds), true)
    const inner = not === undefined ? false : holds(not)
    return inner === undefined ? undefined : !inner
  }
  if (filters.length > 0) return filters.every((clause) => holds(clause) === true)
  return all(attributes, (text, wanted) => (wanted === '' ? text !== '' : text === wanted))
}

/** One such verdict settles the whole; without it, one that is missing leaves it open. */
function settled(verdicts: readonly (boolean | undefined)[], by: boolean): boolean | undefined {
  if (verdicts.includes(by)) return by
  return verdicts.includes(undefined) ? undefined : !by
}
