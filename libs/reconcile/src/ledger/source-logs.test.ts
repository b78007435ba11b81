import { expect, test } from '@jest/globals'
import type { LogRow } from '@sluice/contract'
import { VirtualClock } from '@sluice/testkit'
import { keepSourceLogs, type SourceLogsDeps } from './source-logs.ts'

const DAY_MS = 86_400_000

function setUp(isDrained?: SourceLogsDeps['isDrained']) {
  const clock = new VirtualClock()
  const removed: string[] = []
  const logs = keepSourceLogs({ clock, parkedRetentionMs: DAY_MS, isDrained, remove: (owner) => removed.push(owner) })
  logs.add('ping', { uid: 'ping', goneAt: clock.now() } as LogRow)
  return { clock, removed, logs }
}

test('the log of a source that is gone goes once it holds nothing, however long that takes', async () => {
  let isEmpty = false
  const { clock, removed } = setUp(async () => isEmpty)
  await clock.advance(10 * DAY_MS)
  expect(removed).toEqual([])
  isEmpty = true
  await clock.advance(60_000)
  expect(removed).toEqual(['ping'])
})

test('a store that is away is asked again', async () => {
  let failures = 2
  const { clock, removed } = setUp(async () => {
    if (failures-- > 0) throw new Error('away')
    return true
  })
  await clock.advance(120_000)
  expect(removed).toEqual([])
  await clock.advance(60_000)
  expect(removed).toEqual(['ping'])
})

test('where nobody can say what it holds it goes a day after parked events do', async () => {
  const { clock, removed } = setUp()
  await clock.advance(2 * DAY_MS - 60_000)
  expect(removed).toEqual([])
  await clock.advance(60_000)
  expect(removed).toEqual(['ping'])
})
