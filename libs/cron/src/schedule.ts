import { type Bounds, readField } from './field.ts'

/** When something is due, by the clock on the wall: the values of each field in ascending order. */
export interface Schedule {
  readonly seconds: readonly number[]
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly daysOfMonth: readonly number[]
  readonly months: readonly number[]
  /** 0 is Sunday. */
  readonly daysOfWeek: readonly number[]
  /** Whether a day has to be in both lists of days, or one of them is enough. */
  readonly days: 'both' | 'either'
  /** What `CRON_TZ=` or `TZ=` before the fields named. */
  readonly timezone?: string
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const SECOND: Bounds = { called: 'second', min: 0, max: 59 }
const FIELDS: readonly Bounds[] = [
  { called: 'minute', min: 0, max: 59 },
  { called: 'hour', min: 0, max: 23 },
  { called: 'day of month', min: 1, max: 31 },
  { called: 'month', min: 1, max: 12, names: MONTHS },
  { called: 'day of week', min: 0, max: 6, names: WEEKDAYS },
]

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/**
 * Reads five fields, or six that begin with seconds, or a descriptor. Source: robfig/cron v3 parser.go, as Knative's
 * PingSource uses it; stricter in that a field lists at least one value, without empty places between commas.
 */
export function readSchedule(text: string): Schedule | { readonly problem: string } {
  const { timezone, rest } = withoutTimezone(text.trim())
  if (rest.includes('@every'))
    return { problem: '@every is not supported: say when in five fields, such as "*/5 * * * *"' }
  const fields = (DESCRIPTORS[rest] ?? rest).split(/\s+/)
  if (rest.startsWith('@') && DESCRIPTORS[rest] === undefined)
    return { problem: `${JSON.stringify(rest)} is not one of ${Object.keys(DESCRIPTORS).join(', ')}` }
  if (rest === '' || fields.length < 5 || fields.length > 6)
    return { problem: `must have 5 fields, or 6 with seconds first, found ${rest === '' ? 0 : fields.length}` }
  const given = fields.length === 5 ? ['0', ...fields] : fields
  const read = [SECOND, ...FIELDS].map((bounds, i) => readField(given[i] ?? '', bounds))
  const problem = read.find((field) => 'problem' in field)
  if (problem !== undefined) return problem as { problem: string }
  const [second, minute, hour, day, month, weekday] = read as { values: readonly number[]; isAny: boolean }[]
  return {
    seconds: second?.values ?? [],
    minutes: minute?.values ?? [],
    hours: hour?.values ?? [],
    daysOfMonth: day?.values ?? [],
    months: month?.values ?? [],
    daysOfWeek: weekday?.values ?? [],
    days: day?.isAny || weekday?.isAny ? 'both' : 'either',
    ...(timezone !== undefined && { timezone }),
  }
}

function withoutTimezone(text: string): { readonly timezone?: string; readonly rest: string } {
  const [, timezone, rest] = /^(?:CRON_)?TZ=(\S*)\s*(.*)$/s.exec(text) ?? []
  return timezone === undefined ? { rest: text } : { timezone, rest: rest ?? '' }
}
