import { describe, expect, test } from '@jest/globals'
import { createTimetable, readSchedule, type Schedule } from '@sluice/cron'
import { type AgendaInput, agendaOf } from './agenda.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const START = Date.UTC(2026, 0, 1)

const everySecond = createTimetable(readSchedule('* * * * * *') as Schedule, 'UTC')
const everyMinute = createTimetable(readSchedule('* * * * *') as Schedule, 'UTC')
const agenda = (changes: Partial<AgendaInput> = {}) =>
  agendaOf({ timetable: everyMinute, done: START, awake: START, now: START, missed: 'skip', ...changes })
const minutes = (run: readonly number[]) => run.map((tick) => (tick - START) / MINUTE_MS)

describe('what is to be run', () => {
  test('is nothing before the next tick', () => {
    expect(agenda({ now: START + MINUTE_MS - 1 })).toEqual({ run: [], skipped: 0 })
  })

  test('is every tick of the time in which somebody ran it, and of a minute around the time in which nobody did', () => {
    const at = { awake: START + 3 * MINUTE_MS, now: START + 10 * MINUTE_MS }
    const { run, skipped } = agenda(at)
    expect(minutes(run)).toEqual([1, 2, 3, 4, 10])
    expect(skipped).toBe(5)
    expect(minutes(agenda({ ...at, missed: 'once' }).run)).toEqual([1, 2, 3, 4, 9, 10])
    expect(minutes(agenda({ ...at, missed: 'all' }).run)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('is at most the newest 10,000 of an outage, and the others are counted', () => {
    const now = START + 4 * HOUR_MS
    const { run, skipped } = agenda({ timetable: everySecond, awake: now, now })
    expect([run.length, run[0], run.at(-1), skipped]).toEqual([10_000, now - 9_999 * SECOND_MS, now, 4_400])
  })

  test('is found in no time after years of seconds in which nobody ran it', () => {
    const now = START + 50_000 * HOUR_MS
    const { run, skipped } = agenda({ timetable: everySecond, missed: 'all', now })
    expect(run).toHaveLength(60 + 1_000 + 60)
    expect(skipped).toBe(10_000)
  })
})
