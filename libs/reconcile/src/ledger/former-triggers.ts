import type { DeliveryRow, FormerTrigger, LogRow } from '@sluice/contract'

/** Of one log; the longest gone are forgotten first. */
const MAX_FORMER_TRIGGERS = 1_000
/** What waits for a Trigger that is gone is parked when it comes up, at the latest after the longest back-off. */
const LONGEST_WAIT_MS = 86_400_000

export interface FormerInput {
  /** Deliveries that ended; those of other logs are left out. */
  readonly gone: readonly DeliveryRow[]
  readonly isInForce: (queue: string) => boolean
  /** ms since the epoch. */
  readonly now: number
  readonly parkedRetentionMs: number
}

/**
 * The log with the names of Triggers and Subscriptions that ended: their parked events are found by name, for as long
 * as any can be there. The very log, if nothing changed.
 */
export function formerOf(log: LogRow, { gone, isInForce, now, parkedRetentionMs }: FormerInput): LogRow {
  const known = log.formerTriggers ?? []
  const added = gone
    .filter(({ channel }) => channel === log.queues)
    .map(({ uid, name }): FormerTrigger => ({ queue: uid, name, goneAt: now }))
  const kept = [...known, ...added]
    .filter(({ queue, goneAt }) => !isInForce(queue) && goneAt + parkedRetentionMs + LONGEST_WAIT_MS > now)
    .slice(-MAX_FORMER_TRIGGERS)
  if (kept.length === known.length && added.length === 0) return log
  const { formerTriggers: _, ...rest } = log
  return kept.length === 0 ? rest : { ...rest, formerTriggers: kept }
}
