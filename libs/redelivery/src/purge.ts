import type { Tally } from './jobs.ts'
import type { Pace } from './pace.ts'
import { type ParkedJob, type ParkedJobDeps, positionOf } from './redrive.ts'
import { walkParked } from './walk-parked.ts'

/** Deletes parked events for good, each of them named in the log. */
export async function purge(
  { facts, places, selection }: ParkedJob,
  { driver, events }: ParkedJobDeps,
  { pace, tally }: { readonly pace: Pace; readonly tally: Tally },
): Promise<void> {
  for await (const { place, page } of walkParked(places, selection, { driver, pace }, tally)) {
    if (facts.isDryRun) continue
    const done = await pace.insist(() => driver.purge(place.channel, { positions: page.map(positionOf) }))
    tally.done += done
    events.purged(facts, page, done)
  }
}
