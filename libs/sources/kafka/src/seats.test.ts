import { expect, test } from '@jest/globals'
import { seatsOf } from './seats.ts'

const places = (of: number) => Array.from({ length: of }, (_, rank) => ({ rank, of }))

test('one member, or all where a replica is alone or knows of no other, is the holder’s', () => {
  for (const place of [undefined, { rank: 0, of: 1 }]) {
    expect([true, false].map((isHolder) => seatsOf({ uid: 'u', consumers: 5 }, place, isHolder))).toEqual([5, 0])
  }
  expect([true, false].map((isHolder) => seatsOf({ uid: 'u', consumers: 1 }, { rank: 1, of: 3 }, isHolder))).toEqual([
    1, 0,
  ])
})

test('several are shared evenly by all replicas, whoever holds the source', () => {
  for (const consumers of [2, 3, 7, 12])
    for (const replicas of [2, 3, 5]) {
      const seats = places(replicas).map((place) => seatsOf({ uid: 'u1', consumers }, place, place.rank === 1))
      expect(seats.reduce((sum, each) => sum + each, 0)).toBe(consumers)
      expect(Math.max(...seats) - Math.min(...seats)).toBeLessThanOrEqual(1)
    }
})

test('many sources with two members each have them in all of three replicas alike', () => {
  const sums = [0, 0, 0]
  for (let n = 0; n < 300; n++)
    places(3).forEach((place) => {
      sums[place.rank] = (sums[place.rank] ?? 0) + seatsOf({ uid: `uid-${n}`, consumers: 2 }, place, false)
    })
  expect(Math.min(...sums)).toBeGreaterThan(150)
})
