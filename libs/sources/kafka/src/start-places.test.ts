import { describe, expect, test } from '@jest/globals'
import type { Place } from './record-group.ts'
import { startPlaces } from './start-places.ts'

const place = (partition: number, high: number, committed?: number): Place => ({
  ...{ topic: 'orders', partition, low: 0, high, committed },
})
const LATEST = { topics: ['orders'], initialOffset: 'latest' } as const
const EARLIEST = { topics: ['orders'], initialOffset: 'earliest' } as const

function memory() {
  const kept = new Map<string, string>()
  return {
    kept,
    get: async (key: string) => kept.get(key),
    async put(changes: Readonly<Record<string, string | undefined>>) {
      for (const [key, value] of Object.entries(changes)) kept.set(key, value ?? '')
    },
  }
}

describe('a group that committed nothing begins', () => {
  test('SRC-22: behind the newest record with latest, and there also after records that came before the first commit', async () => {
    const state = memory()
    const first = await startPlaces(LATEST, state, [place(0, 7), place(1, 0)])
    expect([first('orders', 0), first('orders', 1)]).toEqual([7, 0])
    const second = await startPlaces(LATEST, state, [place(0, 90), place(1, 5)])
    expect([second('orders', 0), second('orders', 1)]).toEqual([7, 0])
  })

  test('SRC-21: with the oldest record with earliest, also if that is changed later', async () => {
    const state = memory()
    expect((await startPlaces(EARLIEST, state, [place(0, 7)]))('orders', 0)).toBeUndefined()
    expect((await startPlaces(LATEST, state, [place(0, 9)]))('orders', 0)).toBeUndefined()
  })

  test('with the oldest record of a partition that was added, of a topic made anew, and where what was kept is no list', async () => {
    const state = memory()
    await startPlaces(LATEST, state, [place(0, 7)])
    const later = await startPlaces(LATEST, state, [place(0, 3), place(1, 4)])
    expect([later('orders', 0), later('orders', 1)]).toEqual([undefined, undefined])
    await state.put({ 'start/orders': '{' })
    expect((await startPlaces(LATEST, state, [place(0, 7)]))('orders', 0)).toBeUndefined()
  })

  test('of a topic that is added, as for a first one', async () => {
    const state = memory()
    await startPlaces(LATEST, state, [place(0, 7)])
    const both = { topics: ['orders', 'bills'], initialOffset: 'latest' } as const
    const starts = await startPlaces(both, state, [place(0, 9), { ...place(0, 4), topic: 'bills' }])
    expect([starts('orders', 0), starts('bills', 0)]).toEqual([7, 4])
  })
})

test('what a group has committed goes before all of it, also what an operator set back', async () => {
  expect((await startPlaces(LATEST, memory(), [place(0, 7, 3)]))('orders', 0)).toBeUndefined()
  const state = memory()
  await startPlaces(LATEST, state, [place(0, 7)])
  expect((await startPlaces(LATEST, state, [place(0, 9, 2)]))('orders', 0)).toBeUndefined()
})

test('nothing begins that could not be written down', async () => {
  const state = { ...memory(), put: () => Promise.reject(new Error('away')) }
  await expect(startPlaces(LATEST, state, [place(0, 7)])).rejects.toThrow('away')
})
