import type { Timetable } from '@sluice/cron'

/** Ticks that nobody ran for so short a time are run: a hand-over, a restart. */
export const GRACE_MS = 60_000
/** Ticks of an outage that are kept at most; older ones are given up. */
const MAX_LATE = 10_000
/** Ticks of a time in which nobody ran the source that are made up for at most. */
const MAX_MADE_UP = 1_000
const MAX_COUNTED = 10_000
const FIRST_WINDOW_MS = 60_000
const NOTHING: Agenda = { run: [], skipped: 0 }

/** Times of `(from, to]`. */
export interface Span {
  readonly from: number
  readonly to: number
}

export interface AgendaInput {
  readonly timetable: Timetable
  /** The last tick that is done, or where the source began. */
  readonly done: number
  /** Until when somebody is known to have run the source, at least `done`. */
  readonly awake: number
  readonly now: number
  readonly missed: 'skip' | 'once' | 'all'
  /** What a start before left out, in order: it stays out. */
  readonly gaps?: readonly Span[]
}

/** Ticks of `(done, now]` that are to be run, in their order, and what is left out of them. */
export interface Agenda {
  readonly run: readonly number[]
  /** How many are left out, counted to 10,000. */
  readonly skipped: number
  /** Where ticks are left out between such as are run. */
  readonly gap?: Span
}

/**
 *   done ──── somebody ran it ──── awake ─ grace ─── nobody did ─── grace ─ now
 *              all are run                        as `missed` says      all are run
 */
export function agendaOf({ timetable, done, awake, now, missed, gaps = [] }: AgendaInput): Agenda {
  if ((timetable.after(done) ?? Number.POSITIVE_INFINITY) > now) return NOTHING
  const deserted = { from: Math.max(done, Math.min(awake + GRACE_MS, now)), to: Math.max(done, now - GRACE_MS) }
  if (deserted.to <= deserted.from) return newestBeside(gaps, timetable, { from: done, to: now })
  const before = newestBeside(gaps, timetable, { from: done, to: deserted.from })
  const kept = missed === 'skip' ? 0 : missed === 'once' ? 1 : MAX_MADE_UP
  const within = newest(timetable, deserted.from, deserted.to, kept)
  const after = newest(timetable, deserted.to, now, MAX_LATE)
  return {
    run: [...before.run, ...within.run, ...after.run],
    skipped: Math.min(before.skipped + within.skipped + after.skipped, MAX_COUNTED),
    ...(within.skipped > 0 && { gap: { from: deserted.from, to: (within.run[0] ?? deserted.to + 1) - 1 } }),
  }
}

/** The newest ticks of what of `span` is in none of `gaps`. */
function newestBeside(gaps: readonly Span[], timetable: Timetable, span: Span): Agenda {
  let all = NOTHING
  let { to } = span
  for (const gap of [...gaps, { from: span.from, to: span.from }].sort((a, b) => b.to - a.to)) {
    const from = Math.max(span.from, gap.to)
    if (from < to) {
      const { run, skipped } = newest(timetable, from, to, MAX_LATE - all.run.length)
      all = { run: [...run, ...all.run], skipped: all.skipped + skipped }
    }
    to = Math.min(to, Math.max(span.from, gap.from))
  }
  return all
}

/** The newest `max` ticks of `(from, to]`, found from the end, so that years of seconds cost nothing. */
function newest(timetable: Timetable, from: number, to: number, max: number): Agenda {
  for (let windowMs = FIRST_WINDOW_MS; ; windowMs *= 2) {
    const start = Math.max(from, to - windowMs)
    const ticks: number[] = []
    for (let tick = timetable.after(start); tick !== undefined && tick <= to; tick = timetable.after(tick))
      ticks.push(tick)
    if (ticks.length < max && start > from) continue
    const run = ticks.slice(Math.max(0, ticks.length - max))
    return { run, skipped: ticks.length - run.length + countOf(timetable, from, start) }
  }
}

function countOf(timetable: Timetable, from: number, to: number): number {
  let count = 0
  for (
    let tick = timetable.after(from);
    tick !== undefined && tick <= to && count < MAX_COUNTED;
    tick = timetable.after(tick)
  )
    count++
  return count
}
