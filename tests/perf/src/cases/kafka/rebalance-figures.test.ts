import { describe, expect, test } from '@jest/globals'
import { rebalanceFigures } from './rebalance-figures.ts'

const PHASES = [
  { name: 'alone', from: 1_000 },
  { name: 'kill', from: 2_000 },
]

describe('figures of a rebalance', () => {
  test('the slowest first arrival counts where it was sent, a repeat where it came, and what never came is lost', () => {
    const notes = ['0 1100 1110\n1 1200 1900\n', '2 1999 3000\n1 1200 2500\n3 2100 2130\n']
    expect(rebalanceFigures(notes, PHASES, 5)).toEqual({
      lost: 1,
      ...{ aloneMs: 1_001, aloneRepeats: 0 },
      ...{ killMs: 30, killRepeats: 1 },
    })
  })

  test('what was sent before the first phase is known, and slow in none', () => {
    expect(rebalanceFigures(['0 10 5000\n'], PHASES, 1)).toMatchObject({ lost: 0, aloneMs: 0, killMs: 0 })
  })
})
