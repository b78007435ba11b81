import type { ChannelDriver, Parked } from '@sluice/channel'
import type { CloudEvent } from '@sluice/cloudevents'
import type { Tally } from './jobs.ts'
import { behind, ofQueue, PARKED_PAGE } from './list-parked.ts'
import type { Pace } from './pace.ts'
import { keyOf, type Place, readKey } from './places.ts'

/** Which parked events a job takes. */
export interface ParkedSelection {
  /** These and no others. */
  readonly keys?: readonly string[] | undefined
  readonly reason?: string | undefined
  /** ms since the epoch. */
  readonly parkedBefore?: number | undefined
  readonly selects: (event: CloudEvent) => boolean
}

interface WalkDeps {
  readonly driver: Pick<ChannelDriver, 'parked' | 'parkedCount'>
  readonly pace: Pace
}

/**
 * The selected ones of those that are parked now, in pages of one place; what is parked while they are worked on is not
 * met. Counts what it looks at and what it found.
 */
export async function* walkParked(
  places: readonly Place[],
  selection: ParkedSelection,
  { driver, pace }: WalkDeps,
  tally: Tally,
): AsyncGenerator<{ readonly place: Place; readonly page: readonly Parked[] }> {
  const isSelected = ({ event, reason, parkedAt }: Parked) =>
    (selection.reason === undefined || reason === selection.reason) &&
    (selection.parkedBefore === undefined || parkedAt < selection.parkedBefore) &&
    selection.selects(event)
  for (const place of places) {
    const pages =
      selection.keys === undefined ? all(place, { driver, pace }) : named(place, selection.keys, { driver, pace })
    for await (const page of pages) {
      tally.examined += page.length
      const chosen = page.filter(isSelected)
      tally.matched += chosen.length
      if (chosen.length > 0) yield { place, page: chosen }
    }
  }
}

/** As many as there are at the beginning: what fails again while a job runs is parked behind them. */
async function* all(place: Place, { driver, pace }: WalkDeps): AsyncGenerator<readonly Parked[]> {
  let left = await pace.insist(() => driver.parkedCount(place.channel, place.queue))
  for (let cursor: string | undefined; left > 0; ) {
    const limit = Math.min(PARKED_PAGE, left)
    const page = await pace.insist(() => driver.parked(place.channel, { ...ofQueue(place), ...behind(cursor), limit }))
    const last = page.at(-1)
    if (last === undefined) return
    cursor = last.cursor
    left -= page.length
    yield page
  }
}

async function* named(
  place: Place,
  keys: readonly string[],
  { driver, pace }: WalkDeps,
): AsyncGenerator<readonly Parked[]> {
  const positions = [...new Set(keys)].flatMap((key) => {
    const read = readKey(key)
    return read?.where === place.where ? [read.position] : []
  })
  for (let i = 0; i < positions.length; i += PARKED_PAGE) {
    const some = positions.slice(i, i + PARKED_PAGE)
    const page = await pace.insist(() => driver.parked(place.channel, { positions: some }))
    yield page.filter((each) => keys.includes(keyOf(place, each)) && (place.queue ?? each.queue) === each.queue)
  }
}
