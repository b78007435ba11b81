import { hash } from 'node:crypto'

export interface Random {
  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number
}

/** The same numbers for the same seed (mulberry32), so that a failed run can be told to happen again. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { between: (low, high) => low + Math.floor(next() * (high - low + 1)) }
}

/** 32 bits that a text always gives, to seed what belongs to it alone. */
export function hashOf(text: string): number {
  return hash('sha1', text, 'buffer').readUInt32LE()
}
