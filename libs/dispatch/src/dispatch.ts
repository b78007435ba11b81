import type { Delivery } from '@sluice/channel'
import type { Journal } from '@sluice/journal'
import { retryAfterMs } from '@sluice/sender'
import { backoffMs } from './backoff.ts'
import { type DeliverDeps, deliver, deliverDeadLetter } from './deliver.ts'
import { endsOf, type Outcome, reasonOf } from './ends.ts'
import type { Sign } from './gate/gate.ts'
import { factsOf, journaling } from './journaling.ts'
import { type Stage, stageOf } from './note.ts'
import type { Destination } from './program.ts'
import { failed, type Verdict } from './verdict.ts'

/** An event that so often came without an outcome takes the process down with it, or might. */
const MAX_HAND_OUTS = 5
/** Under an order it is in hand all through an outage of its subscriber, and each death meets it. */
const MAX_HAND_OUTS_IN_ORDER = 25

export interface DispatchDeps extends DeliverDeps {
  readonly destination: (queue: string) => Destination | undefined
  /** Ends an event of a queue that no row names. */
  readonly orphaned: (delivery: Delivery) => Promise<Outcome>
  /** In [0, 1). */
  readonly random: () => number
  readonly journal?: Journal | undefined
}

/**
 * Takes one delivery to its end; one request per hand-out, or under an order all its requests. Rejects only when the
 * channel does not store the end: then the delivery is handed out again.
 *
 *   delivery ── may not go yet ────────────────────────────► release
 *        ├── subscriber 2xx, reply stored or taken ────────► ack
 *        ├── fails, retries left ──────────────────────────► nack(back-off); under an order the next request
 *        └── fails for good ─┬─ sink: nack(0), stage noted ─► dead letter sink ── 2xx ──► ack
 *                            │                                      ├── retries left ───► nack(back-off)
 *                            └─ no sink ────────────────────────────┴── fails for good ─► park
 */
export async function dispatch(delivery: Delivery, deps: DispatchDeps): Promise<Outcome> {
  const destination = deps.destination(delivery.queue)
  if (destination === undefined) return deps.orphaned(delivery)
  const { gate, events } = destination
  const stage = stageOf(delivery)
  if (delivery.handOuts > (gate.isOrdered ? MAX_HAND_OUTS_IN_ORDER : MAX_HAND_OUTS)) {
    const tell = journaling(delivery, stage, destination, deps)
    const parked = await endsOf(delivery, stage, events).park('NO_OUTCOME')
    tell?.(parked, { reason: 'NO_OUTCOME' })
    return parked
  }
  const entering = gate.enter(delivery, stage.at === 'subscriber')
  const pass = typeof entering === 'string' ? entering : await entering
  if (pass === 'back') return giveBack(delivery, stage, destination)
  if (pass === 'repeat') {
    const outcome = await endsOf(delivery, stage, events).drop()
    journaling(delivery, stage, destination, deps)?.(outcome, {})
    return outcome
  }
  if (gate.isOrdered && stage.at === 'subscriber') return dispatchInOrder(delivery, stage, destination, deps)

  return finish(await request(delivery, stage, destination, deps), delivery, stage, destination)
}

/** Retries in hand, so that the event keeps its place; its key goes on once its end is stored, or can't be. */
async function dispatchInOrder(
  delivery: Delivery,
  first: Stage,
  begun: Destination,
  deps: DispatchDeps,
): Promise<Outcome> {
  const { gate } = begun
  const { event, position, queue } = delivery
  let stage = first
  let delayMs = 0
  try {
    for (;;) {
      const isBack = delayMs > 0 && (await gate.again(delivery, delayMs)) === 'back'
      // Its row may have changed meanwhile
      const destination = deps.destination(queue) ?? begun
      if (isBack) return await giveBack(delivery, stage, destination)
      const made = await request(delivery, stage, destination, deps)
      const { verdict, backMs } = made
      if (verdict.outcome !== 'failed' || (made.delayMs === undefined && backMs === undefined)) {
        return await finish(made, delivery, stage, destination)
      }
      made.tell?.('retried', factsOf('retried', verdict, stage))
      delayMs = Math.max(1, backMs ?? made.delayMs ?? 0)
      if (backMs !== undefined) continue
      destination.events.retried({ event, position, attempt: stage.retries + 1 }, delayMs, verdict.failure)
      stage = { ...stage, retries: stage.retries + 1 }
    }
  } finally {
    gate.ended(delivery)
  }
}

async function giveBack(delivery: Delivery, stage: Stage, { gate, events }: Destination): Promise<Outcome> {
  try {
    return await endsOf(delivery, stage, events).release()
  } finally {
    gate.gaveBack()
  }
}

/** What came of one request. */
interface Made {
  readonly verdict: Verdict
  /** Until the next request of this stage; undefined: there is none. */
  readonly delayMs: number | undefined
  /** It only asked whether the subscriber is there: comes again after this time, uncounted. */
  readonly backMs: number | undefined
  readonly tell: ReturnType<typeof journaling>
}

async function request(delivery: Delivery, stage: Stage, destination: Destination, deps: DispatchDeps): Promise<Made> {
  const tell = journaling(delivery, stage, destination, deps)
  const { gate } = destination
  const { round } = gate
  const verdict = await attempt(delivery, stage, destination, deps)
  const backMs = stage.at === 'subscriber' ? gate.judged(delivery, signOf(verdict), round) : undefined
  return { tell, verdict, backMs, delayMs: retryDelayMs(verdict, stage, destination, deps) }
}

async function finish(made: Made, delivery: Delivery, stage: Stage, destination: Destination): Promise<Outcome> {
  destination.gate.ending()
  const outcome = await end(made, stage, destination, endsOf(delivery, stage, destination.events))
  made.tell?.(outcome, factsOf(outcome, made.verdict, stage))
  return outcome
}

/** Until the next request of this stage; undefined: there is none. */
function retryDelayMs(
  verdict: Verdict,
  stage: Stage,
  { row: { spec } }: Destination,
  { random, clock }: Pick<DispatchDeps, 'random' | 'clock'>,
): number | undefined {
  if (verdict.outcome !== 'failed' || !verdict.isRetryable || stage.retries >= spec.retry) return undefined
  const askedMs = retryAfterMs(verdict.retryAfter, spec.retryAfterMaxMs, clock.now())
  return Math.max(backoffMs(spec, stage.retries, random), askedMs)
}

/** What the verdict asks for, stored. */
function end(
  { verdict, delayMs, backMs }: Made,
  stage: Stage,
  { deadLetterSink }: Destination,
  ends: ReturnType<typeof endsOf>,
): Promise<Outcome> {
  if (verdict.outcome === 'aborted') return ends.release()
  if (backMs !== undefined) return ends.release(backMs)
  if (verdict.outcome === 'delivered') return ends.ack()
  const { failure, isReply } = verdict
  if (delayMs !== undefined) return ends.retry(failure, delayMs)
  if (stage.at === 'subscriber' && deadLetterSink !== undefined) return ends.handOn(failure)
  return ends.park(reasonOf(stage, isReply), failure)
}

/** What came of a request to the subscriber, as far as it says something about the subscriber. */
function signOf(verdict: Verdict): Sign {
  if (verdict.outcome === 'delivered') return 'good'
  if (verdict.outcome === 'aborted') return 'nothing'
  if (verdict.lost !== undefined) return verdict.lost
  const { status } = verdict.failure
  return !verdict.isReply && (status === 429 || status === 503) ? 'congested' : 'alive'
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
