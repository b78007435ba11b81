import type { Delivery } from '@sluice/channel'
import type { Journal } from '@sluice/journal'
import { backoffMs } from './backoff.ts'
import { type DeliverDeps, deliver, deliverDeadLetter } from './deliver.ts'
import { endsOf, type Outcome, reasonOf } from './ends.ts'
import { factsOf, journaling } from './journaling.ts'
import { type Stage, stageOf } from './note.ts'
import type { Destination } from './program.ts'
import { retryAfterMs } from './retry-after.ts'
import { failed, type Verdict } from './verdict.ts'

/** An event that so often came without an outcome takes the process down with it, or might. */
const MAX_HAND_OUTS = 5

export interface DispatchDeps extends DeliverDeps {
  readonly destination: (queue: string) => Destination | undefined
  /** Ends an event of a queue that no row names. */
  readonly orphaned: (delivery: Delivery) => Promise<Outcome>
  /** In [0, 1). */
  readonly random: () => number
  readonly journal?: Journal | undefined
}

/**
 * Takes one delivery to its end; one request per hand-out. Rejects only when the channel does not store the end: then
 * the delivery is handed out again.
 *
 *   delivery ── subscriber 2xx, reply stored ──────────────► ack
 *        ├── fails, retries left ──────────────────────────► nack(back-off)
 *        └── fails for good ─┬─ sink: nack(0), stage noted ─► dead letter sink ── 2xx ──► ack
 *                            │                                      ├── retries left ───► nack(back-off)
 *                            └─ no sink ────────────────────────────┴── fails for good ─► park
 */
export async function dispatch(delivery: Delivery, deps: DispatchDeps): Promise<Outcome> {
  const destination = deps.destination(delivery.queue)
  if (destination === undefined) return deps.orphaned(delivery)
  const stage = stageOf(delivery)
  const ends = endsOf(delivery, stage, destination.events)
  const tell = journaling(delivery, stage, destination, deps)
  if (delivery.handOuts > MAX_HAND_OUTS) {
    const parked = await ends.park('NO_OUTCOME')
    tell?.(parked, { reason: 'NO_OUTCOME' })
    return parked
  }
  const verdict = await attempt(delivery, stage, destination, deps)
  const outcome = await end(verdict, stage, destination, ends, deps)
  tell?.(outcome, factsOf(outcome, verdict, stage))
  return outcome
}

/** What the verdict asks for, stored. */
function end(
  verdict: Verdict,
  stage: Stage,
  destination: Destination,
  ends: ReturnType<typeof endsOf>,
  { random, clock }: Pick<DispatchDeps, 'random' | 'clock'>,
): Promise<Outcome> {
  if (verdict.outcome === 'aborted') return ends.release()
  if (verdict.outcome === 'delivered') return ends.ack()

  const { spec } = destination.row
  const { failure, isRetryable, retryAfter } = verdict
  if (isRetryable && stage.retries < spec.retry) {
    const askedMs = retryAfterMs(retryAfter, spec.retryAfterMaxMs, clock.now())
    return ends.retry(failure, Math.max(backoffMs(spec, stage.retries, random), askedMs))
  }
  if (stage.at === 'subscriber' && destination.deadLetterSink !== undefined) return ends.handOn(failure)
  return ends.park(reasonOf(stage, verdict.isReply), failure)
}

/** The request that the stage asks for. A fault of ours counts as a failed request, so that it too comes to an end. */
async function attempt(
  delivery: Delivery,
  stage: Stage,
  destination: Destination,
  deps: DeliverDeps,
): Promise<Verdict> {
  const { subscriber, deadLetterSink } = destination
  try {
    if (stage.at === 'subscriber') return await deliver(delivery, destination, deps)
    if (deadLetterSink !== undefined) return await deliverDeadLetter(delivery, deadLetterSink, stage.failure, deps)
    const text = 'the trigger has no dead letter sink any more'
    return failed({ dest: '', status: 404, text, isRetryable: false, isReply: false })
  } catch (error) {
    destination.events.brokeDown(delivery, error)
    const text = 'dispatch error: internal'
    return failed({ dest: subscriber.url, status: 500, text, isRetryable: true, isReply: false })
  }
}
