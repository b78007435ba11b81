import type { ChannelDriver, Entry, Stored } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { type CloudEvent, eventBytes, withAttributes } from '@sluice/cloudevents'
import type { DeliveryRow, LogRow } from '@sluice/contract'
import { isFailure } from '@sluice/errors'
import type { RedeliveryEvents } from './events.ts'
import type { JobFacts, Tally } from './jobs.ts'
import { logPages, type Window } from './log-pages.ts'
import type { Pace } from './pace.ts'
import { type Rows, triggerUnknown } from './places.ts'

/** Every replayed event has it, with the id of its replay. */
export const REPLAY_ATTRIBUTE = 'sluicereplay'
/** How long it judges before others get their turn. */
const TURN_MS = 5

export interface ReplayDeps {
  readonly driver: ChannelDriver
  readonly contract: () => Rows
  readonly clock: Clock
  readonly events: RedeliveryEvents
}

export interface Replay {
  readonly facts: JobFacts
  readonly log: LogRow
  readonly delivery: DeliveryRow
  readonly window: Window
  /** The trigger's own filter and the one asked for. */
  readonly selects: (event: CloudEvent) => boolean
}

/**
 * Puts what the log holds of a window into one trigger's queue, in the order of the log. A copy's key is the replay and
 * its position, so that a replay which goes on under the same id stores what it meets again only once.
 */
export async function replay(
  { facts, log, delivery, window, selects }: Replay,
  deps: ReplayDeps,
  { pace, tally, signal }: { readonly pace: Pace; readonly tally: Tally; readonly signal: AbortSignal },
): Promise<void> {
  const { driver, contract, clock, events } = deps
  const copyOf = ({ event, headers, stamp, laneKey, position }: Stored): Entry => ({
    event: withAttributes(event, { [REPLAY_ATTRIBUTE]: facts.id }),
    ...{ headers, stamp, laneKey, queue: delivery.uid },
    dedupKey: `replay/${facts.id}/${position}/${delivery.uid}`,
  })

  for await (const page of logPages({ driver, insist: (work) => pace.insist(work) }, log.channel, window, signal)) {
    if (!contract().deliveries.some(({ uid }) => uid === delivery.uid))
      throw triggerUnknown(facts.namespace, delivery.name, 'since the replay began, there is no longer the trigger')
    const chosen = await judged(page, selects, clock)
    tally.examined += page.length
    tally.matched += chosen.length
    for (let i = 0; i < chosen.length && !facts.isDryRun; i += pace.turn) {
      const turn = chosen.slice(i, i + pace.turn)
      await pace.room(
        delivery,
        turn.reduce((sum, { event }) => sum + eventBytes(event), 0),
      )
      await pace.next(turn.length)
      const done = await stored(turn)
      tally.done += done
      events.replayed(facts, done)
      tally.at = turn.at(-1)?.position as string
    }
    tally.at = page.at(-1)?.position as string
  }

  /** Of those that are refused for good alone, the others are stored. */
  async function stored(turn: readonly Stored[]): Promise<number> {
    try {
      await pace.insist(() => driver.publish(log.queues, turn.map(copyOf)))
      return turn.length
    } catch (error) {
      if (!isFailure(error, 'CHANNEL_EVENT_TOO_LARGE')) throw error
      if (turn.length > 1) {
        let done = 0
        for (const each of turn) done += await stored([each])
        return done
      }
      tally.failed += 1
      events.notStored(facts, turn[0]?.position ?? '', error)
      return 0
    }
  }
}

/** In turns, so that a page of expensive filters holds nobody up. */
async function judged(page: readonly Stored[], selects: (event: CloudEvent) => boolean, clock: Clock) {
  const chosen: Stored[] = []
  let turnEnds = clock.monotonic() + TURN_MS
  for (const each of page) {
    if (selects(each.event)) chosen.push(each)
    if (clock.monotonic() < turnEnds) continue
    await new Promise((resolve) => setImmediate(resolve))
    turnEnds = clock.monotonic() + TURN_MS
  }
  return chosen
}
