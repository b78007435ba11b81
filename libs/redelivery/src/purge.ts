import type { Position } from '@sluice/channel'
import type { Tally } from './jobs.ts'
import type { Pace } from './pace.ts'
import type { ParkedJob, ParkedJobDeps } from './redrive.ts'
import { takeAway, walkParked } from './walk-parked.ts'

/** Deletes parked events for good, each of them named in the log. */
export async function purge(
  { facts, places, selection }: ParkedJob,
  { driver, events }: ParkedJobDeps,
  { pace, tally }: { readonly pace: Pace; readonly tally: Tally },
): Promise<void> {
  for await (const { place, page } of walkParked(places, selection, { driver, pace }, tally)) {
    if (facts.isDryRun) continue
    const remove = (positions: readonly Position[]) => driver.purge(place.channel, { positions })
    const done = await takeAway(place, page, remove, { driver, pace })
    tally.done += done
    events.purged(facts, page, done)
  }
}
