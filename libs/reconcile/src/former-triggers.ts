import type { Contract, DeliveryRow, FormerTrigger, LogRow } from '@sluice/contract'

/** Of one Broker; the longest gone are forgotten first. */
const MAX_FORMER_TRIGGERS = 1_000
/** What waits for a Trigger that is gone is parked when it comes up, at the latest after the longest back-off. */
const LONGEST_WAIT_MS = 86_400_000

export interface FormerTriggersInput {
  readonly former: Pick<Contract, 'logs' | 'deliveries'>
  /** All that are to be in force. */
  readonly deliveries: readonly DeliveryRow[]
  /** ms since the epoch. */
  readonly now: number
  readonly parkedRetentionMs: number
}

/**
 * The log with the names of Triggers that were deleted: their parked events are found by name, for as long as any can be
 * there. A Trigger that moved to another Broker left its name here, too.
 */
export function withFormerTriggers(log: LogRow, input: FormerTriggersInput): LogRow {
  const { former, deliveries, now, parkedRetentionMs } = input
  const isInForce = new Set(deliveries.map(({ uid }) => uid))
  const known = former.logs.find(({ uid }) => uid === log.uid)?.formerTriggers ?? []
  const gone = former.deliveries
    .filter(({ uid, channel }) => channel === log.queues && !isInForce.has(uid))
    .map(({ uid, name }): FormerTrigger => ({ queue: uid, name, goneAt: now }))
  const formerTriggers = [...known, ...gone]
    .filter(({ queue, goneAt }) => !isInForce.has(queue) && goneAt + parkedRetentionMs + LONGEST_WAIT_MS > now)
    .slice(-MAX_FORMER_TRIGGERS)
  return formerTriggers.length === 0 ? log : { ...log, formerTriggers }
}
