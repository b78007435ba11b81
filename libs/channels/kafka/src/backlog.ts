import type { Backlog } from '@sluice/channel'
import { scan } from './fetcher.ts'
import type { Kept } from './journal.ts'
import { atOf } from './names.ts'
import { decodeRecord, type RecordEntry } from './record.ts'
import { type OwnedLane, type ReadDeps, stateOf } from './state.ts'

/** Looked at one by one; beyond, their mean stands for the rest. */
const COUNTED = 2_000

/** What waits: what the lanes' owners know of, from memory or from their journals, and what lies behind it. */
export async function backlog(deps: ReadDeps, queue: string | undefined): Promise<Backlog> {
  const numbers = Array.from({ length: deps.lanes }, (_, lane) => lane)
  const parts = await Promise.all(numbers.map((lane) => ofLane(lane, deps, queue)))
  // Memory moves on while topics are read: it is asked when all of them are
  return sum(parts.map((part) => (typeof part === 'function' ? part() : part)))
}

async function ofLane(lane: number, deps: ReadDeps, queue: string | undefined): Promise<Backlog | (() => Backlog)> {
  const owned = deps.ownedLane(lane)
  return owned === undefined ? fromOutside(lane, deps, queue) : fromInside(lane, owned, deps, queue)
}

async function fromInside(
  number: number,
  { lane, grip, backlogOf }: OwnedLane,
  deps: ReadDeps,
  queue: string | undefined,
): Promise<() => Backlog> {
  await grip.caughtUp()
  const behind = await behindIn(number, lane.read, deps, (entry) => isIn(entry, queue))
  return () => {
    const unread = behind.filter(({ seq }) => seq > lane.read)
    const redriven = [...grip.redriven.values()]
      .map(decoded)
      .filter((entry) => entry !== undefined && isIn(entry, queue))
    const waiting = redriven.filter((entry) => !lane.aside.has(entry?.place?.id ?? ''))
    return sum([backlogOf(queue), sizeOf(unread), sizeOf(waiting as RecordEntry[])])
  }
}

async function fromOutside(lane: number, deps: ReadDeps, queue: string | undefined): Promise<Backlog> {
  const { cursor, asides, redriven } = await stateOf(lane, deps)
  const isOpen = new Set(cursor.open.map(({ seq }) => seq))
  const kept = [...asides, ...redriven].map(decoded)
  const aside = kept.filter((entry): entry is RecordEntry => entry !== undefined)
  const first = Math.min(cursor.open[0]?.seq ?? Number.POSITIVE_INFINITY, cursor.handed + 1)
  const places = new Set(aside.map(({ place }) => (atOf(place?.id ?? '')?.offset ?? -1) + 1))
  const behind = await behindIn(
    lane,
    first - 1,
    deps,
    (entry, seq) => (seq > cursor.handed || isOpen.has(seq)) && !places.has(seq) && isIn(entry, queue),
  )
  const waiting = [...new Map(aside.map((entry) => [entry.place?.id, entry])).values()]
  return sum([sizeOf(behind), sizeOf(waiting.filter((entry) => isIn(entry, queue)))])
}

interface Sized {
  readonly seq: number
  readonly bytes: number
  /** It stands for so many more. */
  readonly more?: number
}

/** What lies behind a place and counts. */
async function behindIn(
  lane: number,
  passed: number,
  { link, names }: ReadDeps,
  counts: (entry: RecordEntry, seq: number) => boolean,
): Promise<readonly Sized[]> {
  const end = await link.end(names.events, lane)
  const sizes: Sized[] = []
  const keys = new Set<string>()
  let bytes = 0
  for await (const record of scan(link, names.events, lane, passed, end)) {
    const seq = record.offset + 1
    let entry: RecordEntry
    try {
      entry = decodeRecord(record)
    } catch {
      continue
    }
    if (entry.dedupKey !== undefined && keys.has(entry.dedupKey)) continue
    if (entry.dedupKey !== undefined) keys.add(entry.dedupKey)
    if (!counts(entry, seq)) continue
    sizes.push({ seq, bytes: entry.bytes })
    bytes += entry.bytes
    if (sizes.length < COUNTED) continue
    // As many of those that are left as of those that were looked at
    const share = sizes.length / Math.max(1, seq - passed)
    const more = Math.round((end - seq) * share)
    if (more > 0) sizes.push({ seq: Number.MAX_SAFE_INTEGER, bytes: Math.round((bytes / sizes.length) * more), more })
    break
  }
  return sizes
}

function decoded({ decode }: Kept): RecordEntry | undefined {
  try {
    return decode()
  } catch {
    return undefined
  }
}

function isIn(entry: Pick<RecordEntry, 'queue'> | undefined, queue: string | undefined): boolean {
  return queue === undefined || entry?.queue === queue
}

function sizeOf(sizes: readonly { readonly bytes: number; readonly more?: number }[]): Backlog {
  let events = 0
  let bytes = 0
  for (const each of sizes) {
    events += each.more ?? 1
    bytes += each.bytes
  }
  return { events, bytes }
}

function sum(parts: readonly Backlog[]): Backlog {
  return { events: total(parts, ({ events }) => events), bytes: total(parts, ({ bytes }) => bytes) }
}

function total(parts: readonly Backlog[], of: (part: Backlog) => number): number {
  return parts.reduce((so, part) => so + of(part), 0)
}
