/** No zone has moved its clocks and back again within that: the shortest were the weeks of Ramadan. */
const LONGEST_MS = 7 * 86_400_000

/** For a while the clocks of a zone run like UTC's, `offsetMs` ahead of them. Times are ms since the epoch. */
export interface Stretch {
  readonly from: number
  readonly until: number
  readonly offsetMs: number
  /** Clocks are moved at its end; else it ends for being a week long. */
  readonly isMoved: boolean
}

/** What the clocks of a time zone show from a whole second on. Throws RangeError for a name that `timezoneProblem` refuses. */
export function zonedTime(timezone: string): (from: number) => Stretch {
  const offsetAt = offsets(timezone)
  let last: Stretch = { from: 0, until: 0, offsetMs: 0, isMoved: false }
  return (from) => {
    if (from < last.from || from >= last.until) last = stretch(from, offsetAt)
    return last
  }
}

function stretch(from: number, offsetAt: (at: number) => number): Stretch {
  const offsetMs = offsetAt(from)
  let until = from + LONGEST_MS
  if (offsetAt(until) === offsetMs) return { from, until, offsetMs, isMoved: false }
  for (let same = from; until - same > 1_000; ) {
    const middle = Math.floor((same + until) / 2_000) * 1_000
    if (offsetAt(middle) === offsetMs) same = middle
    else until = middle
  }
  return { from, until, offsetMs, isMoved: true }
}

function offsets(timeZone: string): (at: number) => number {
  if (timeZone === 'UTC') return () => 0
  const numeric = 'numeric'
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
    ...{ year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric },
  })
  return (at) => {
    const [month = 0, day, year = 0, hour, minute, second] = format.format(at).split(/\D+/).map(Number)
    return Date.UTC(year, month - 1, day, hour, minute, second) - at
  }
}
