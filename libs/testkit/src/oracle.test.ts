import { describe, expect, test } from '@jest/globals'
import { judge } from './oracle.ts'

const sent = ['a1', 'b1', 'a2', 'b2', 'a3']
const keyOf = (id: string) => id[0] ?? ''

describe('the oracle', () => {
  test('finds nothing wrong with every id once, keys interleaved differently', () => {
    expect(judge({ sent, received: ['b1', 'b2', 'a1', 'a2', 'a3'], keyOf })).toEqual({
      missing: [],
      surplus: [],
      duplicates: new Map(),
      repeats: 0,
      unexplained: new Map(),
      disorder: [],
    })
  })

  test('catches a planted loss', () => {
    expect(judge({ sent, received: ['a1', 'b1', 'b2', 'a3'] }).missing).toEqual(['a2'])
    expect(judge({ sent, received: [] }).missing).toEqual(sent)
  })

  test('catches planted duplicates and counts each id', () => {
    const { duplicates, repeats, missing } = judge({ sent, received: [...sent, 'a1', 'a1', 'b2'] })
    expect([...duplicates]).toEqual([
      ['a1', 2],
      ['b2', 1],
    ])
    expect(repeats).toBe(3)
    expect(missing).toEqual([])
  })

  test('explains as many repeats of an id as are allowed for it, and catches one planted beyond', () => {
    const received = [...sent, 'a1', 'a1', 'b2']
    const allowedOf = (id: string) => (id === 'a1' ? 2 : 1)
    expect(judge({ sent, received, allowedOf }).unexplained).toEqual(new Map())
    expect(judge({ sent, received: [...received, 'a1', 'b2'], allowedOf }).unexplained).toEqual(
      new Map([
        ['a1', 1],
        ['b2', 1],
      ]),
    )
  })

  test('counts as duplicates only receipts beyond those that an id takes', () => {
    const timesOf = (id: string) => (id === 'a2' ? 3 : 1)
    expect(judge({ sent, received: [...sent, 'a2', 'a2'], timesOf }).repeats).toBe(0)
    expect(judge({ sent, received: [...sent, 'a2', 'a2', 'a2'], timesOf }).unexplained).toEqual(new Map([['a2', 1]]))
  })

  test('catches a planted surplus, and does not call its repeats duplicates', () => {
    const { surplus, repeats } = judge({ sent, received: [...sent, 'x', 'x'] })
    expect(surplus).toEqual(['x', 'x'])
    expect(repeats).toBe(0)
  })

  test('catches a planted swap within a key, and names both', () => {
    expect(judge({ sent, received: ['a2', 'b1', 'a1', 'b2', 'a3'], keyOf }).disorder).toEqual([
      { key: 'a', id: 'a1', after: 'a2' },
    ])
  })

  test('a swap between keys, or a repeat of an old id, is no disorder', () => {
    expect(judge({ sent, received: ['b1', 'a1', 'a2', 'a1', 'b2', 'a3', 'b1'], keyOf }).disorder).toEqual([])
  })

  test('an id sent again under the same id is one id', () => {
    const verdict = judge({ sent: ['a1', 'a2', 'a1'], received: ['a1', 'a2'], keyOf })
    expect(verdict.missing).toEqual([])
    expect(verdict.repeats).toBe(0)
  })
})
