import type { ChannelDriver, Entry, Parked } from '@sluice/channel'
import { eventBytes } from '@sluice/cloudevents'
import type { DeliveryRow, LogRow } from '@sluice/contract'
import type { RedeliveryEvents } from './events.ts'
import type { JobFacts, Tally } from './jobs.ts'
import type { Pace } from './pace.ts'
import { namesakeOf, ownersOf, type Place, type Rows } from './places.ts'
import { type ParkedSelection, walkParked } from './walk-parked.ts'

export interface ParkedJobDeps {
  readonly driver: ChannelDriver
  readonly contract: () => Rows
  readonly events: RedeliveryEvents
}

export interface ParkedJob {
  readonly facts: JobFacts
  readonly log: LogRow
  readonly places: readonly Place[]
  readonly selection: ParkedSelection
}

/**
 * Hands parked events out again with a fresh budget, to the trigger they were parked for and to no other; those of a
 * trigger that is gone to its namesake. What was parked under the broker is filtered again, for all its triggers.
 */
export async function redrive(
  { facts, log, places, selection }: ParkedJob,
  deps: ParkedJobDeps,
  { pace, tally }: { readonly pace: Pace; readonly tally: Tally },
): Promise<void> {
  const { driver, events, contract } = deps
  for await (const { place, page } of walkParked(places, selection, { driver, pace }, tally)) {
    if (facts.isDryRun) continue
    for (let i = 0; i < page.length; i += pace.turn) {
      await pace.next(Math.min(pace.turn, page.length - i))
      const owners = ownersOf(contract(), log)
      for (const [queue, entries] of Map.groupBy(page.slice(i, i + pace.turn), (entry) => entry.queue)) {
        const owner = place.where === 'log' ? undefined : owners.get(queue)
        const to = owner && (owner.delivery ?? namesakeOf(owners, owner.name))
        if (place.where === 'queue' && to === undefined) {
          tally.left += entries.length
          continue
        }
        if (to !== undefined)
          await pace.room(
            to,
            entries.reduce((sum, { event }) => sum + eventBytes(event), 0),
          )
        const done = await pace.insist(() =>
          to === undefined || to.uid === queue
            ? driver.redrive(place.channel, entries.map(positionOf))
            : handOver(entries, to, place, driver),
        )
        tally.done += done
        events.redriven(facts, done)
      }
    }
  }
}

/** Into the namesake's queue first, so that a crash in between leaves a repeat and no loss. */
async function handOver(
  entries: readonly Parked[],
  to: DeliveryRow,
  { channel }: Place,
  driver: Pick<ChannelDriver, 'publish' | 'purge'>,
): Promise<number> {
  const copies = entries.map(
    ({ event, headers, stamp, laneKey, queue, position }): Entry => ({
      ...{ event, headers, stamp, laneKey, queue: to.uid, dedupKey: `redrive/${queue}/${position}` },
    }),
  )
  await driver.publish(channel, copies)
  return driver.purge(channel, { positions: entries.map(positionOf) })
}

export function positionOf({ position }: Parked): string {
  return position
}
