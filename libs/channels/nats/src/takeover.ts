import type { ChannelKind } from '@sluice/channel'
import { DEDUP_ENTRIES } from './config.ts'
import { NO_CURSOR, type Open, readCursor } from './cursor.ts'
import { isUnavailable } from './errors.ts'
import { itemOf } from './item.ts'
import { Lane, type LaneDeps } from './lane.ts'
import { decodeMessage, type StoredEntry } from './message.ts'
import type { ChannelNames } from './names.ts'
import { countOf, type Received, scan } from './reader.ts'
import { deleteAt, newest, store } from './store.ts'
import { streamState } from './streams.ts'

export interface TakeoverDeps extends Omit<LaneDeps, 'subject'> {
  readonly names: ChannelNames
  readonly kind: ChannelKind
  readonly subscription: string
  readonly isLive: (member: string) => boolean
  readonly onGarbled: (received: Received, error: unknown) => void
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
  const { link, names, subscription, stream, isLive, member } = deps
  const subject = names.cursor(subscription, number)
  const found = await newest(link, stream, subject)
  const cursor = found === undefined ? NO_CURSOR : readCursor(found.text)
  if (cursor.owner !== null && cursor.owner !== member && isLive(cursor.owner)) return undefined
  const isCrash = cursor.owner !== null
  const state = await streamState(link, names.events)
  if (state === undefined) return undefined

  const lane = new Lane(number, found?.seq ?? 0, { ...deps, subject })
  // A server that lost its newest messages gives their places again.
  lane.handed = Math.min(cursor.handed, state.last_seq)
  lane.inherited = state.last_seq
  for (const place of cursor.gone) lane.gone.add(place)
  const open = new Map(cursor.open.map((each) => [each.seq, counted(each, isCrash)]))
  const blamed = new Map(cursor.suspects.map((each) => [each.id, counted(each, isCrash).handOuts]))
  const first = Math.min(cursor.open[0]?.seq ?? Number.POSITIVE_INFINITY, lane.handed + 1)

  if (!(await fence(lane, open))) return undefined
  await indexAside(lane, blamed, deps)
  for (const { seq } of lane.aside.values()) {
    open.delete(seq)
    lane.open.delete(seq)
  }
  const filter = deps.kind === 'log' ? names.lane(number) : names.queue(number, '*')
  const isBehind = (await countOf(link, { stream: names.events, filter, from: { seq: first } })) > 0
  // A quiet lane is not read from where its last event was, which may be far back.
  lane.read = isBehind ? first - 1 : Math.max(first - 1, state.last_seq)
  return { lane, open, from: Math.max(lane.read + 1 - (deps.kind === 'log' ? 0 : DEDUP_ENTRIES), state.first_seq) }
}

function counted<T extends { isOut: boolean; handOuts: number }>(each: T, isCrash: boolean): T {
  return { ...each, isOut: false, handOuts: each.handOuts + (isCrash && each.isOut ? 1 : 0) }
}

/** Until they are read, the open places stand in the cursor as they were found. */
async function fence(lane: Lane, open: ReadonlyMap<number, Open>): Promise<boolean> {
  for (const { seq, handOuts, bytes } of open.values()) {
    const place = { id: String(seq), seq, lane, queue: '', storedAt: 0, dedupKey: undefined, bytes }
    const facts = { aside: 0, attempt: 1, handOuts, note: undefined, due: 0, envelope: undefined }
    lane.open.set(seq, itemOf({ ...place, ...facts }))
  }
  try {
    await lane.flush()
    return true
  } catch (error) {
    if (isUnavailable(error)) return false
    throw error
  }
}

async function indexAside(lane: Lane, blamed: ReadonlyMap<string, number>, deps: TakeoverDeps): Promise<void> {
  const { link, names, subscription, onGarbled } = deps
  const filter = names.waiting(subscription, lane.number, '*', '*')
  for await (const each of scan(link, { stream: names.aside, filter, from: { seq: 1 }, headersOnly: true })) {
    if (lane.gone.has(each.seq)) continue
    let entry: StoredEntry
    try {
      entry = decodeMessage(each.message.headers ?? [], each.message.data, true)
    } catch (error) {
      onGarbled(each, error)
      continue
    }
    addAside(lane, each, entry, blamed)
  }
}

export function addAside(
  lane: Lane,
  { seq }: Pick<Received, 'seq'>,
  entry: StoredEntry,
  blamed: ReadonlyMap<string, number>,
) {
  const { place, dedupKey, queue, attempt, note, bytes } = entry
  if (place === undefined) return undefined
  const { id, storedAt, due } = place
  const handOuts = blamed.get(id) ?? place.handOuts
  const where = { id, seq: Number(id) || 0, lane, queue, storedAt, dedupKey, bytes, aside: seq }
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

/** Takes up what was redriven: from now on it is this lane's, waiting aside. */
export async function adoptRedriven(
  lane: Lane,
  { seq, message }: Received,
  deps: TakeoverDeps,
): Promise<ReturnType<typeof addAside>> {
  const { link, names } = deps
  const waiting = message.subject.replace('.redriven.', '.wait.')
  const headers = message.headers
  if (headers === undefined) return undefined
  const aside = await store(link, waiting, message.data, { encode: () => Buffer.from(headers.toString(), 'latin1') })
  // Ours before it leaves the redriven ones: somebody may be counting.
  const item = addAside(lane, { seq: aside }, decodeMessage(headers, message.data), new Map())
  await deleteAt(link, names.aside, seq).catch(() => undefined)
  return item
}
