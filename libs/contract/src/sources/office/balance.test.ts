import { expect, test } from '@jest/globals'
import { balance } from './balance.ts'

const after = (loads: readonly number[], free: number) => {
  const { give, takeBack } = balance(loads, free, 0)
  const now = loads.map((load, i) => load - (takeBack[i] ?? 0) + give.filter((to) => to === i).length)
  return { now, given: give.length, moved: takeBack.reduce((sum, n) => sum + n, 0) }
}

test.each([
  ['the first replica gets all', [0], 5, [5], 0],
  ['free rows go where least is', [3, 1], 2, [3, 3], 0],
  ['nothing moves where nobody has two more than another', [3, 2, 2], 0, [3, 2, 2], 0],
  ['one that joins gets its share, and no more moves', [5, 4, 0], 0, [3, 3, 0], 3],
  ['what is free comes before what would have to move', [4, 0], 4, [4, 4], 0],
])('%s', (_, loads, free, now, moved) => {
  expect(after(loads, free)).toEqual({ now, given: free, moved })
})

test('what is on its way counts for who will get it', () => {
  expect(balance([3, 3, 0], 0, 3)).toEqual({ give: [], takeBack: [0, 0, 0] })
})
