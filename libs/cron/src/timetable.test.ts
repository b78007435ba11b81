import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { readSchedule, type Schedule } from './schedule.ts'
import { createTimetable } from './timetable.ts'

const lines = readFileSync(new URL('../test/robfig/ticks.tsv', import.meta.url), 'utf8')
  .trim()
  .split('\n')

function scheduleOf(text: string): Schedule {
  const read = readSchedule(text)
  if ('problem' in read) throw new TypeError(read.problem)
  return read
}

function due(schedule: string, zone: string, from: string, to: string): number[] {
  const { after } = createTimetable(scheduleOf(schedule), zone)
  const times: number[] = []
  const end = Date.parse(to)
  for (let at = after(Date.parse(from)); at !== undefined && at < end; at = after(at)) times.push(at)
  return times
}

const iso = (times: readonly number[]) => times.map((at) => new Date(at).toISOString().slice(0, 16))

describe('beside robfig/cron v3 over ten years', () => {
  /** Where robfig/cron leaves its own rule: how many times more (or fewer) there are here. The next tests say which. */
  const SLIPS: Readonly<Record<string, number>> = {
    'America/Havana 0 6 1-7 * 1': -2,
    'America/Santiago 0 6 1-7 * 1': -2,
    'Asia/Beirut 15 1 * * 0': 10,
    'Asia/Beirut 0 12 31 * *': 2,
    'Australia/Lord_Howe @daily': 20,
    'Australia/Lord_Howe @weekly': 20,
    'Australia/Lord_Howe @monthly': 3,
    'Australia/Lord_Howe 0 6 1-7 * 1': 20,
    'Australia/Lord_Howe 0 0 */10 * ?': 3,
    'Australia/Lord_Howe 0 0 1,15 * 3': 3,
    'Australia/Lord_Howe 45 1 * 3,4,10,11 *': -10,
    'Australia/Lord_Howe 20 0 */2 * SUN': 20,
    'Australia/Lord_Howe 0 */6 * * *': 20,
  }

  test('every one of 400,000 times is the same, but for its slips', () => {
    let ticks = 0
    const differing: Record<string, number> = {}
    for (const line of lines) {
      const [schedule = '', zone = '', from = '', to = '', count, sum] = line.split('\t')
      const times = due(schedule, zone, from, to)
      ticks += times.length
      const hash = createHash('sha256')
      hash.update(times.map((at) => `${at / 1_000}\n`).join(''))
      if (hash.digest('hex').slice(0, 16) !== sum) differing[`${zone} ${schedule}`] = times.length - Number(count)
    }
    expect(differing).toEqual(SLIPS)
    expect(ticks).toBeGreaterThan(400_000)
  })

  test('a day whose midnight is skipped keeps its other times', () => {
    expect(iso(due('15 1 * * 0', 'Asia/Beirut', '2015-03-28', '2015-03-30'))).toEqual(['2015-03-28T22:15'])
  })

  test('a day after one whose midnight is skipped is not taken for it', () => {
    expect(iso(due('0 6 1-7 * 1', 'America/Havana', '2015-03-07', '2015-03-10'))).toEqual([
      ...['2015-03-07T11:00', '2015-03-09T10:00'],
    ])
  })

  test('clocks that are moved by half an hour lose no midnight and repeat no minute', () => {
    expect(iso(due('@daily', 'Australia/Lord_Howe', '2015-04-04', '2015-04-07'))).toEqual([
      ...['2015-04-04T13:00', '2015-04-05T13:30', '2015-04-06T13:30'],
    ])
    expect(iso(due('45 1 * * *', 'Australia/Lord_Howe', '2015-10-03', '2015-10-05'))).toEqual([
      ...['2015-10-03T15:15', '2015-10-04T14:45'],
    ])
  })
})

describe('when clocks are moved', () => {
  test('a time that is skipped does not come', () => {
    expect(iso(due('30 2 * * *', 'America/New_York', '2024-03-09', '2024-03-12'))).toEqual([
      ...['2024-03-09T07:30', '2024-03-11T06:30'],
    ])
  })

  test('a time that is repeated comes twice', () => {
    expect(iso(due('30 1 * * *', 'America/New_York', '2024-11-02', '2024-11-04'))).toEqual([
      ...['2024-11-02T05:30', '2024-11-03T05:30', '2024-11-03T06:30'],
    ])
  })

  test('what comes every five minutes comes every five minutes', () => {
    const times = due('*/5 * * * *', 'Europe/Berlin', '2024-10-26', '2024-10-28')
    expect(new Set(times.slice(1).map((at, i) => at - (times[i] as number)))).toEqual(new Set([300_000]))
  })
})

describe('what is due', () => {
  test('is after the time given, to the second', () => {
    const { after } = createTimetable(scheduleOf('30 * * * * *'), 'UTC')
    const at = Date.UTC(2026, 0, 1, 0, 0, 30)
    expect([after(at - 1), after(at), after(at + 1)]).toEqual([at, at + 60_000, at + 60_000])
  })

  test('is never, for a day that no month has', () => {
    expect(due('0 0 30 2 *', 'UTC', '2026-01-01', '2100-01-01')).toEqual([])
  })

  test('is 29 February over the century that has none', () => {
    expect(iso(due('0 0 29 2 *', 'UTC', '2095-01-01', '2105-01-01'))).toEqual(['2096-02-29T00:00', '2104-02-29T00:00'])
  })

  test('a zone before the fields goes before the one beside them', () => {
    expect(iso(due('CRON_TZ=Asia/Tokyo 0 9 * * *', 'America/New_York', '2026-01-01', '2026-01-02'))).toEqual([])
    expect(iso(due('CRON_TZ=Asia/Tokyo 0 9 * * *', 'UTC', '2025-12-31T23:00:00Z', '2026-01-01T01:00:00Z'))).toEqual([
      '2026-01-01T00:00',
    ])
  })
})
