import type { Schedule } from './schedule.ts'
import { zonedTime } from './zoned-time.ts'

const DAY_MS = 86_400_000
/** No time zone has moved its clocks further at once than by a day. */
const SHIFT_MS = 2 * DAY_MS
/** A day that comes at all comes within that: 29 February over a century without one. */
const LONGEST_DAYS = 9 * 366

/** When a schedule is due. */
export interface Timetable {
  /** The first due time after that one, both ms since the epoch; undefined: never, as for 30 February. */
  after(instant: number): number | undefined
}

/**
 * Due is each whole second at which the clocks of the zone show what the schedule says: a time that is skipped when
 * clocks go forward does not come, one that is repeated comes twice. Source: robfig/cron v3 spec.go, less its slips on
 * days whose midnight is skipped and with clocks that are moved by half an hour.
 */
export function createTimetable(schedule: Schedule, timezone: string): Timetable {
  const stretchAt = zonedTime(schedule.timezone ?? timezone)
  return {
    after(instant) {
      const end = instant + LONGEST_DAYS * DAY_MS
      for (let from = (Math.floor(instant / 1_000) + 1) * 1_000; from < end; ) {
        const { offsetMs, until, isMoved } = stretchAt(from)
        const wall = nextOnWall(schedule, from + offsetMs)
        if (wall === undefined) return undefined
        const due = wall - offsetMs
        if (due < until) return due
        // A move may repeat what was; without one nothing comes before, whatever clocks do on the way, but near to when they do
        from = isMoved ? until : Math.max(until, due - SHIFT_MS)
      }
      return undefined
    },
  }
}

/** The first time from `wall` on by clocks that are never moved; what they show is ms as if it were UTC. */
function nextOnWall(schedule: Schedule, wall: number): number | undefined {
  let day = Math.floor(wall / DAY_MS)
  let time = wall - day * DAY_MS
  for (const last = day + LONGEST_DAYS; day <= last; ) {
    const date = new Date(day * DAY_MS)
    if (!schedule.months.includes(date.getUTCMonth() + 1)) {
      day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / DAY_MS
    } else {
      const due = isDay(schedule, date) ? nextOfDay(schedule, time) : undefined
      if (due !== undefined) return day * DAY_MS + due
      day++
    }
    time = 0
  }
  return undefined
}

function isDay({ daysOfMonth, daysOfWeek, days }: Schedule, date: Date): boolean {
  const isOfMonth = daysOfMonth.includes(date.getUTCDate())
  const isOfWeek = daysOfWeek.includes(date.getUTCDay())
  return days === 'both' ? isOfMonth && isOfWeek : isOfMonth || isOfWeek
}

/** The first time of day from `time` on, ms since midnight. */
function nextOfDay({ seconds, minutes, hours }: Schedule, time: number): number | undefined {
  const [hour, minute, second] = [Math.floor(time / 3_600_000), Math.floor(time / 60_000) % 60, (time / 1_000) % 60]
  const [firstMinute = 0] = minutes
  const [firstSecond = 0] = seconds
  if (hours.includes(hour)) {
    const sameMinute = minutes.includes(minute) ? seconds.find((value) => value >= second) : undefined
    if (sameMinute !== undefined) return msOf(hour, minute, sameMinute)
    const laterMinute = minutes.find((value) => value > minute)
    if (laterMinute !== undefined) return msOf(hour, laterMinute, firstSecond)
  }
  const laterHour = hours.find((value) => value > hour)
  return laterHour === undefined ? undefined : msOf(laterHour, firstMinute, firstSecond)
}

function msOf(hour: number, minute: number, second: number): number {
  return ((hour * 60 + minute) * 60 + second) * 1_000
}
