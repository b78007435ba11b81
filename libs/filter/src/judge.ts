import type { ChannelDriver, Delivery, Entry } from '@sluice/channel'
import { type Clock, sleep } from '@sluice/clock'
import type { LogRow } from '@sluice/contract'
import type { Journal } from '@sluice/journal'
import type { FilterEvents } from './events.ts'
import type { HeldLanes } from './held-lanes.ts'
import type { RouteIndex } from './route-index.ts'

/** Parked events carry one of these as their reason. */
export const FILTER_FAILED = 'FILTER_FAILED'
export const NO_OUTCOME = 'NO_OUTCOME'

/** Names in one record of the journal. */
const MAX_TRIGGERS_TOLD = 100
const MAX_TRIES = 3
const MAX_HAND_OUTS = 5
const RETRY_MS = 100

export interface JudgeDeps {
  readonly driver: Pick<ChannelDriver, 'publish' | 'isRetryable'>
  readonly clock: Clock
  readonly routes: RouteIndex
  readonly events: FilterEvents
  readonly lanes: HeldLanes
  readonly journal?: Journal | undefined
  /** Aborted when the filter drains: what can't be stored now is given back. */
  readonly draining: AbortSignal
}

/**
 * Judges one delivery of a log once and takes it to its end. Never rejects; many run at a time.
 *
 *   delivery ── no route ──────────────────────────► ack
 *        └── copies published ── stored or ended ──► ack
 *                 ├── may pass ─► published again, the delivery and its lane held; released when draining
 *                 └── ours, three times ───────────► park
 */
export async function judge(delivery: Delivery, row: LogRow, deps: JudgeDeps): Promise<void> {
  try {
    if (delivery.handOuts > MAX_HAND_OUTS) return await park(delivery, row, NO_OUTCOME, deps)
    const outcome = await publishCopies(delivery, row, deps)
    if (outcome === 'done') await delivery.ack()
    else if (outcome === 'failed') await park(delivery, row, FILTER_FAILED, deps)
    else await delivery.release(0)
  } catch (error) {
    deps.events.endFailed(delivery.position, error)
  }
}

async function publishCopies(
  delivery: Delivery,
  row: LogRow,
  deps: JudgeDeps,
): Promise<'done' | 'failed' | 'draining'> {
  const { driver, events, draining, lanes } = deps
  const { lane, position } = delivery
  const turn = lanes.takeTurn()
  if (lanes.isHeld(lane)) await lanes.behind(lane, turn)
  let copies: readonly Entry[] | undefined
  for (let tries = 1; !draining.aborted; ) {
    try {
      copies ??= copiesOf(delivery, row, deps)
      if (copies.length > 0) await driver.publish(row.queues, copies)
      lanes.passed(lane, turn)
      return 'done'
    } catch (error) {
      if (driver.isRetryable(error)) {
        const { delayMs, again } = lanes.failed(lane, turn)
        events.publishRetried(position, delayMs, error)
        await again
        continue
      }
      events.judgingFailed(position, tries, error)
      // Whatever it is, it is this event's: the lane goes on
      lanes.passed(lane, turn)
      if (tries === MAX_TRIES) return 'failed'
      await sleep(deps.clock, RETRY_MS * 2 ** (tries++ - 1), draining)
    }
  }
  return 'draining'
}

/** One copy per match; the key tells a repeat after a crash from a first one. */
function copiesOf(delivery: Delivery, row: LogRow, { routes, events, journal }: JudgeDeps): readonly Entry[] {
  const { event, headers, stamp, laneKey, position } = delivery
  const copies: Entry[] = []
  const matched: string[] | undefined = journal && []
  for (const route of routes.match(event)) {
    // Without a stamp nobody knows better than today's routes.
    if (stamp !== undefined && stamp < route.since) continue
    copies.push({ event, headers, stamp, laneKey, queue: route.delivery, dedupKey: `${position}/${route.delivery}` })
    if (matched !== undefined && matched.length < MAX_TRIGGERS_TOLD) matched.push(route.name)
  }
  if (matched !== undefined) {
    const more = copies.length - matched.length
    const facts = more > 0 ? { triggers: matched, more } : { triggers: matched }
    journal?.record('judged', row.queues, event, facts)
  }
  if (routes.refused > 0) events.refused(routes.refused)
  if (copies.length === 0) events.unmatched()
  else events.matched(copies.length)
  return copies
}

async function park(delivery: Delivery, row: LogRow, reason: string, deps: JudgeDeps): Promise<void> {
  await delivery.park(reason)
  deps.events.parked(delivery.position, reason)
  deps.journal?.record('unjudged', row.queues, delivery.event, { reason })
}
