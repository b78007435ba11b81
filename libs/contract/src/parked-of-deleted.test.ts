import { expect, test } from '@jest/globals'
import type { ChannelDriver, Parked } from '@sluice/channel'
import { purgeParkedOfDeleted } from './parked-of-deleted.ts'

const DAY_MS = 86_400_000

/** So many parked entries, made by number, in pages as the port has them. */
function channelOf(count: number, make: (i: number) => Partial<Parked>) {
  let entries = Array.from({ length: count }, (_, i) => ({
    ...{ position: String(i), cursor: `c${i}`, queue: 'gone', reason: 'TRIGGER_DELETED', parkedAt: 0 },
    ...make(i),
  })) as Parked[]
  const driver: Pick<ChannelDriver, 'parked' | 'purge'> = {
    async parked(_, query) {
      const { after, limit } = query as Extract<typeof query, { limit: number }>
      const from = after === undefined ? -1 : Number(after.slice(1))
      return entries.filter(({ position }) => Number(position) > from).slice(0, limit)
    },
    async purge(_, which) {
      const positions = new Set('positions' in which ? which.positions : [])
      const before = entries.length
      entries = entries.filter(({ position }) => !positions.has(position))
      return before - entries.length
    },
  }
  const isKnown = (queue: string) => queue === 'known'
  const purge = () =>
    purgeParkedOfDeleted('queues', new Date(DAY_MS), { driver, isKnown, signal: new AbortController().signal })
  return { purge, left: () => entries.map(({ position }) => position) }
}

test('what waited for a trigger that is gone is deleted once its day is over, whatever page it is on', async () => {
  const { purge, left } = channelOf(300, (i) => (i % 3 === 0 ? { parkedAt: DAY_MS } : {}))
  expect(await purge()).toBe(200)
  expect(left()).toEqual(Array.from({ length: 100 }, (_, i) => String(i * 3)))
})

test('what was parked for another reason stays, and so does that of a trigger that is there', async () => {
  const { purge, left } = channelOf(3, (i) => [{}, { reason: 'DELIVERY_FAILED' }, { queue: 'known' }][i] as object)
  expect(await purge()).toBe(1)
  expect(left()).toEqual(['1', '2'])
})

test('of very many, ten thousand go at a time', async () => {
  const { purge, left } = channelOf(10_500, () => ({}))
  expect(await purge()).toBeGreaterThanOrEqual(10_000)
  expect(await purge()).toBeGreaterThan(0)
  expect(left()).toEqual([])
})
