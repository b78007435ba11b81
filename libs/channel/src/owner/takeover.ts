import { NO_CURSOR, type Open, readCursor } from './cursor.ts'
import { type Item, itemOf } from './item.ts'
import { Lane, type LaneDeps } from './lane.ts'
import type { StoredEntry } from './lane-store.ts'

export interface TakeoverDeps extends Omit<LaneDeps, 'grip'> {
  readonly isLive: (member: string) => boolean
  readonly onGarbled: (lane: number, place: number, error: unknown) => void
}

export interface Taken {
  readonly lane: Lane
  /** Places that the last owner had not ended. */
  readonly open: Map<number, Open>
  /** Where reading begins; what lies before the first open place only tells which keys were seen. */
  readonly from: number
}

/**
 * Takes a lane over: the cursor is rewritten under our name, which fences its last owner, and what waits aside is
 * indexed. Undefined if a live member has it, or another took it first.
 */
export async function takeOver(number: number, deps: TakeoverDeps): Promise<Taken | undefined> {
  const { store, isLive, member } = deps
  const grip = await store.take(number, member, (owner) => owner === member || !isLive(owner))
  if (grip === undefined) return undefined
  const cursor = grip.cursor === undefined ? NO_CURSOR : readCursor(grip.cursor)
  const isCrash = cursor.owner !== null

  const lane = new Lane(number, { ...deps, grip })
  // A server that lost its newest entries gives their places again.
  lane.handed = Math.min(cursor.handed, grip.end)
  lane.inherited = grip.end
  for (const place of cursor.gone) lane.gone.add(place)
  const open = new Map(cursor.open.map((each) => [each.seq, counted(each, isCrash)]))
  const blamed = new Map(cursor.suspects.map((each) => [each.id, counted(each, isCrash).handOuts]))
  const first = Math.min(cursor.open[0]?.seq ?? Number.POSITIVE_INFINITY, lane.handed + 1)
  lane.read = first - 1

  try {
    if (!(await fence(lane, open, deps))) return undefined
    for await (const { place, decode } of grip.asides()) {
      if (lane.gone.has(place)) continue
      try {
        addAside(lane, place, decode(), deps, blamed)
      } catch (error) {
        deps.onGarbled(number, place, error)
      }
    }
    for (const { seq } of lane.aside.values()) {
      open.delete(seq)
      lane.open.delete(seq)
    }
    const isBehind = await grip.hasFrom(first)
    if (!isBehind) forget(lane, open)
    // A quiet lane is not read from where its last event was, which may be far back.
    lane.read = isBehind ? first - 1 : Math.max(first - 1, grip.end)
    return { lane, open, from: await grip.historyFrom(lane.read + 1) }
  } catch (error) {
    lane.leave()
    grip[Symbol.dispose]()
    throw error
  }
}

/** None of it is there: it was deleted behind our back. */
function forget(lane: Lane, open: Map<number, Open>): void {
  for (const seq of open.keys()) lane.open.delete(seq)
  open.clear()
}

function counted<T extends { isOut: boolean; handOuts: number }>(each: T, isCrash: boolean): T {
  return { ...each, isOut: false, handOuts: each.handOuts + (isCrash && each.isOut ? 1 : 0) }
}

/** Until they are read, the open places stand in the cursor as they were found. */
async function fence(lane: Lane, open: ReadonlyMap<number, Open>, { store }: TakeoverDeps): Promise<boolean> {
  for (const { seq, handOuts, bytes } of open.values()) {
    const place = { id: String(seq), seq, age: seq, lane, queue: '', storedAt: 0, dedupKey: undefined, bytes }
    const facts = { aside: 0, attempt: 1, handOuts, note: undefined, due: 0, envelope: undefined }
    lane.open.set(seq, itemOf({ ...place, ...facts }))
  }
  try {
    await lane.flush()
    return true
  } catch (error) {
    lane.leave()
    lane.grip[Symbol.dispose]()
    if (store.isUnavailable(error)) return false
    throw error
  }
}

/** What waits aside at a place of its lane; an older copy of it is done with. */
export function addAside(
  lane: Lane,
  aside: number,
  entry: StoredEntry,
  { store }: Pick<TakeoverDeps, 'store'>,
  blamed: ReadonlyMap<string, number> = new Map(),
): Item | undefined {
  const { place, dedupKey, queue, attempt, note, bytes } = entry
  if (place === undefined) return undefined
  const { id, storedAt, due } = place
  const handOuts = blamed.get(id) ?? place.handOuts
  const where = { id, ...store.placeOf(id), lane, queue, storedAt, dedupKey, bytes, aside }
  const item = itemOf({ ...where, attempt, handOuts, note, due, envelope: undefined })
  const older = lane.aside.get(id)
  if (older !== undefined) {
    lane.asideBytes -= older.bytes
    lane.suspects.delete(older)
    lane.gone.add(older.aside)
  }
  lane.aside.set(id, item)
  lane.asideBytes += bytes
  if (handOuts > 0) lane.suspects.add(item)
  return item
}
