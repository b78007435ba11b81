import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { readSchedule, type Schedule } from './schedule.ts'
import { createTimetable } from './timetable.ts'

const MINUTE_MS = 60_000
const DAY_MS = 1_440 * MINUTE_MS

/** Days around which clocks are moved, by an hour or half of one, at midnight or later. */
const MOVES = [
  ...['Europe/Berlin 2024-03-31', 'America/Havana 2024-03-10', 'America/Havana 2024-11-03'],
  ...['Australia/Lord_Howe 2024-04-07', 'Australia/Lord_Howe 2024-10-06', 'Pacific/Apia 2011-12-30'],
]

const number = (min: number, max: number) => fc.integer({ min, max })
const field = (min: number, max: number) =>
  fc.oneof(
    fc.constant('*'),
    number(1, max).map((step) => `*/${step}`),
    number(min, max).map(String),
    fc.uniqueArray(number(min, max), { minLength: 1, maxLength: 4 }).map((values) => values.join(',')),
    fc.tuple(number(min, max), number(min, max)).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
  )
const schedules = fc.tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6))
/** In the night of the move, and on no day near to it. */
const aimed = fc.tuple(field(0, 59), field(0, 3))
const runs = fc.constantFrom(...MOVES).chain((move) => {
  const day = Number(move.slice(-2))
  const near = aimed.map(([minute, hour]) => [minute, hour, String(day), '*', '*'])
  return fc.tuple(fc.constant(move), fc.oneof(schedules, near))
})

interface Shown {
  readonly at: number
  readonly day: number
  readonly month: number
  readonly weekday: number
  readonly hour: number
  readonly minute: number
}

/** What the clocks show in each minute of three days; once per move, it takes its time. */
const shownBy = new Map<string, readonly Shown[]>()
function shown(zone: string, from: number): readonly Shown[] {
  const known = shownBy.get(`${zone} ${from}`)
  if (known !== undefined) return known
  const numeric = 'numeric'
  const format = new Intl.DateTimeFormat('en-US', {
    ...{
      timeZone: zone,
      hourCycle: 'h23',
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
    },
  })
  const minutes = Array.from({ length: 3 * 1_440 }, (_, i): Shown => {
    const at = from + (i + 1) * MINUTE_MS
    const [month, day, year, hour, minute] = format.format(at).split(/\D+/).map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ]
    return { at, day, month, hour, minute, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay() }
  })
  shownBy.set(`${zone} ${from}`, minutes)
  return minutes
}

/** Every minute that the clocks show what the schedule says, found by looking at each. */
function looked(schedule: Schedule, zone: string, from: number): number[] {
  const { minutes, hours, daysOfMonth, months, daysOfWeek, days } = schedule
  return shown(zone, from)
    .filter(({ day, month, weekday, hour, minute }) => {
      const [isOfMonth, isOfWeek] = [daysOfMonth.includes(day), daysOfWeek.includes(weekday)]
      const isDay = days === 'both' ? isOfMonth && isOfWeek : isOfMonth || isOfWeek
      return isDay && months.includes(month) && hours.includes(hour) && minutes.includes(minute)
    })
    .map(({ at }) => at)
}

test('around the days on which clocks are moved, any schedule is due exactly when the clocks show what it says', () => {
  fc.assert(
    fc.property(runs, ([move, fields]) => {
      const [zone = '', day = ''] = move.split(' ')
      const schedule = readSchedule(fields.join(' ')) as Schedule
      const from = Date.parse(day) - DAY_MS
      const { after } = createTimetable(schedule, zone)
      const due: number[] = []
      for (let at = after(from); at !== undefined && at <= from + 3 * DAY_MS; at = after(at)) due.push(at)
      expect(due).toEqual(looked(schedule, zone, from))
    }),
    { numRuns: 200 },
  )
})
