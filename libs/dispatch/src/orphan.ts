import type { Delivery } from '@sluice/channel'
import type { LogRow } from '@sluice/contract'
import type { Outcome, ParkReason } from './ends.ts'
import type { DispatcherEvents } from './events.ts'

const LOOK_AGAIN_MS = 500

export interface OrphanDeps {
  /** Revision of the contract in force. */
  readonly revision: () => number
  readonly events: DispatcherEvents
}

const REASONS: Readonly<Record<LogRow['kind'], ParkReason>> = {
  broker: 'TRIGGER_DELETED',
  channel: 'SUBSCRIPTION_DELETED',
}

/**
 * An event of a queue that no row names. Its Trigger or Subscription was deleted, so it is kept for a namesake; unless
 * the event is stamped newer than our contract: then it may be one we have not heard of yet.
 */
export async function orphaned(
  delivery: Delivery,
  { revision, events }: OrphanDeps,
  kind: LogRow['kind'] = 'broker',
): Promise<Outcome> {
  if ((delivery.stamp ?? 0) > revision()) {
    await delivery.release(LOOK_AGAIN_MS)
    return 'released'
  }
  await delivery.park(REASONS[kind], delivery.note)
  events.orphaned(delivery.queue, delivery.position)
  return 'parked'
}
