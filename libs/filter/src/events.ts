import type { Clock } from '@sluice/clock'
import type { LogRow, RouteRow } from '@sluice/contract'
import { failureOf } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'
import type { EvaluationFailure } from './cesql-clause.ts'

type Count<T> = (name: string, description: string) => T

/** What is counted, by the kind of log. */
const COUNTERS = {
  broker: <T>(count: Count<T>) => ({
    matches: count('filter_matches_total', 'Copies published: one per trigger that an event matched'),
    unmatched: count('filter_unmatched_events_total', 'Events that no trigger of the broker matched'),
    retries: count('filter_publish_retries_total', 'Publishes of matches that failed and were tried again'),
    parked: count('filter_parked_events_total', 'Events parked because filtering them failed'),
  }),
  channel: <T>(count: Count<T>) => ({
    matches: count('channel_copies_total', 'Copies published: one per event and Subscription'),
    unmatched: count('channel_unsubscribed_events_total', 'Events of a channel without Subscriptions'),
    retries: count('channel_publish_retries_total', 'Publishes of copies that failed and were tried again'),
    parked: count('channel_parked_events_total', 'Events parked because copying them failed'),
  }),
}

/** Everything that can happen to an event of one log before it is copied: counters bound to its name, and the log line. */
export type FilterEvents = ReturnType<typeof filterEvents>

export function filterEvents(telemetry: Telemetry, row: LogRow) {
  const broker = { namespace: row.namespace, [row.kind]: row.name }
  const count = (name: string, description: string) => telemetry.counter(name, { description }).bind(broker)
  const { matches, unmatched, retries, parked } = COUNTERS[row.kind](count)
  const refusals = count('filter_refusals_total', 'Events refused by a trigger because its filter cannot be built')
  const { log } = telemetry
  return {
    matched: (copies: number) => matches.add(copies),
    unmatched: () => unmatched.add(1),
    refused: (routes: number) => refusals.add(routes),
    publishRetried(position: string, delayMs: number, error: unknown) {
      retries.add(1)
      log.warn({ ...broker, position, delayMs, code: failureOf(error).code, error }, 'matches not stored')
    },
    judgingFailed(position: string, tries: number, error: unknown) {
      log.error({ ...broker, position, tries, error }, 'filtering an event failed')
    },
    parked(position: string, reason: string) {
      parked.add(1)
      log.error({ ...broker, position, reason }, 'event parked by the filter')
    },
    endFailed(position: string, error: unknown) {
      log.warn({ ...broker, position, error }, 'end of a log delivery not stored; it comes again')
    },
    waiting(stamp: number, programmed: number) {
      log.info({ ...broker, stamp, programmed }, 'event waits for newer routes')
    },
    interrupted(error: unknown, delayMs: number) {
      log.warn({ ...broker, delayMs, error }, 'reading the log was interrupted')
    },
  }
}

/** A filter that can't be built rejects every event; whoever wrote it must be able to read why. */
export function routeRefused(telemetry: Telemetry, row: RouteRow, problem: string): void {
  telemetry.log.error(
    { namespace: row.namespace, trigger: row.name, problem },
    'filter can not be built; the trigger gets no events',
  )
}

const LOGGED_EVERY_MS = 600_000

/**
 * An expression that fails rejects its event. Each is counted; logged are the first of a trigger and then one in ten
 * minutes, with how many there were since: an attribute that some events lack is everyday.
 */
export function evaluationFailures({ telemetry, clock }: { readonly telemetry: Telemetry; readonly clock: Clock }) {
  const failures = telemetry.counter('filter_evaluation_failures_total', {
    description: 'Evaluations of a CESQL expression that failed; the expression was not met',
  })
  const logged = new WeakMap<RouteRow, { at: number; unsaid: number }>()
  return (row: RouteRow, { clause, error }: EvaluationFailure): void => {
    const trigger = { namespace: row.namespace, trigger: row.name }
    failures.add(1, { ...trigger, error })
    const now = clock.monotonic()
    const last = logged.get(row)
    if (last !== undefined && now - last.at < LOGGED_EVERY_MS) {
      last.unsaid += 1
      return
    }
    logged.set(row, { at: now, unsaid: 0 })
    telemetry.log.warn({ ...trigger, clause, error, unsaid: last?.unsaid ?? 0 }, 'expression failed; it was not met')
  }
}
