import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { packAscending, unpackAscending } from './positions.ts'

const ascending = fc.uniqueArray(fc.nat(2 ** 36), { maxLength: 200 }).map((values) => values.sort((a, b) => a - b))

test('positions survive packing, up to the largest a channel can have', () => {
  fc.assert(
    fc.property(ascending, (values) => {
      expect(unpackAscending(packAscending(values, values.length))).toEqual(values)
    }),
    { seed: 1, numRuns: 500 },
  )
})

test('task ids and doubled positions beyond 2^32 survive, as far as a number is exact', () => {
  const values = [0, 127, 128, 2 ** 33, 2 ** 33 + 1, 2 ** 37 + 1, 2 ** 52, Number.MAX_SAFE_INTEGER]
  expect(unpackAscending(packAscending(values, values.length))).toEqual(values)
})

test('nothing packs to nothing', () => {
  expect(packAscending([], 0)).toHaveLength(0)
  expect(unpackAscending(new Uint8Array())).toEqual([])
})

test('a thousand neighbours take a kilobyte', () => {
  const values = Array.from({ length: 1_000 }, (_, i) => 1_000_000 + i)
  expect(packAscending(values, values.length).length).toBeLessThanOrEqual(1_002)
})

test('any bytes unpack, in bounded time, to whole numbers that do not fall; a cut value is left out', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const values = unpackAscending(bytes)
      expect(values.length).toBeLessThanOrEqual(bytes.length)
      for (let i = 1; i < values.length; i++) expect(values[i]).toBeGreaterThanOrEqual(values[i - 1] as number)
    }),
    { seed: 1, numRuns: 500 },
  )
  const whole = packAscending([5, 70_000], 2)
  expect(unpackAscending(whole.subarray(0, whole.length - 1))).toEqual([5])
})
