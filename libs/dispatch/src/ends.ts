import type { Delivery } from '@sluice/channel'
import type { DeliveryEvents } from './events.ts'
import { deadLetterNote, parkedNote, type Stage } from './note.ts'
import type { Failure } from './verdict.ts'

/** How one hand-out ended. */
export type Outcome = 'delivered' | 'dead-lettered' | 'retried' | 'handed-on' | 'parked' | 'released' | 'repeated'

/** Why a delivery is parked. `DELIVERY_FAILED`: no dead letter sink was there to take it. */
export type ParkReason =
  | 'DELIVERY_FAILED'
  | 'REPLY_FAILED'
  | 'DEAD_LETTER_FAILED'
  | 'NO_OUTCOME'
  | 'TRIGGER_DELETED'
  | 'SUBSCRIPTION_DELETED'

/** The ends of one delivery, each stored first and told afterwards. Reject when the channel does not store it. */
export function endsOf(delivery: Delivery, stage: Stage, events: DeliveryEvents) {
  return {
    async ack(): Promise<Outcome> {
      await delivery.ack()
      if (stage.at === 'subscriber') {
        events.delivered()
        return 'delivered'
      }
      events.deadLettered(delivery)
      return 'dead-lettered'
    },
    /** Another delivery of the same event is here, or was. */
    async drop(): Promise<Outcome> {
      await delivery.ack()
      events.repeated(delivery)
      return 'repeated'
    },
    async retry(failure: Failure, delayMs: number): Promise<Outcome> {
      await delivery.nack(delayMs, stage.at === 'subscriber' ? undefined : delivery.note)
      events.retried(delivery, delayMs, failure)
      return 'retried'
    },
    /** The subscriber is done with; the dead letter sink is next, even if we crash now. */
    async handOn(failure: Failure): Promise<Outcome> {
      await delivery.nack(0, deadLetterNote(stage.retries + 1, failure, delivery.attempt))
      events.handedOn(delivery, failure)
      return 'handed-on'
    },
    async park(reason: ParkReason, failure?: Failure): Promise<Outcome> {
      await delivery.park(reason, failure === undefined ? delivery.note : parkedNote(stage, failure))
      events.parked(delivery, reason, failure)
      return 'parked'
    },
    async release(delayMs = 0): Promise<Outcome> {
      await delivery.release(delayMs)
      events.released()
      return 'released'
    },
  }
}

/** Why a delivery is parked whose last request failed at that stage. */
export function reasonOf(stage: Stage, isReply: boolean): ParkReason {
  if (stage.at === 'dead-letter') return 'DEAD_LETTER_FAILED'
  return isReply ? 'REPLY_FAILED' : 'DELIVERY_FAILED'
}
