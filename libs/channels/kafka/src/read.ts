import { type Beginning, type Position, SeenKeys, type Stored } from '@sluice/channel'
import type { Lying } from './client/client.ts'
import { recordsAt, scan } from './fetcher.ts'
import type { Link } from './link.ts'
import { atOf, type ChannelNames, orderOf, positionOf, timeOf } from './names.ts'
import { decodeRecord, orderIn, type RecordEntry } from './record.ts'
import { type ReadDeps, stateOf } from './state.ts'

export type From = Position | Date | 'oldest'
type LogDeps = Pick<ReadDeps, 'link' | 'names' | 'lanes'>

const NEVER = new AbortController().signal
const REMEMBERED = 10_000
const PAGE = 16

/** All of a log from somewhere on, in the order of publishing; what is no CloudEvent, or a repeat, is passed over. */
export async function* readLog(deps: LogDeps, from: From, signal: AbortSignal): AsyncGenerator<Stored> {
  const at = typeof from === 'string' && from !== 'oldest' ? atOf(from) : undefined
  if (signal.aborted || (typeof from === 'string' && from !== 'oldest' && at === undefined)) return
  const { link, names, lanes } = deps
  const heads: Head[] = await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      const [start, end] = [await startOf(deps, lane, from), await link.end(names.events, lane)]
      return { lane, records: scan(link, names.events, lane, start, end), next: undefined, order: 0 }
    }),
  )
  const least = at?.order ?? 0
  const keys = new SeenKeys(REMEMBERED)
  await Promise.all(heads.map(advance))
  for (;;) {
    const head = heads.filter(({ next }) => next !== undefined).sort((a, b) => a.order - b.order || a.lane - b.lane)[0]
    if (head?.next === undefined) return
    const { next: record, lane } = head
    const { offset, storedAt } = record
    const order = orderOf(orderIn(record), storedAt)
    // Of the same millisecond, and before
    const isEarly = at !== undefined && (lane === at.lane ? offset < at.offset : order < least)
    const entry = isEarly ? undefined : decoded(record)
    if (entry !== undefined && (entry.dedupKey === undefined || keys.add(entry.dedupKey))) {
      yield { ...entry.envelope, position: positionOf({ lane, offset, order }), queue: '', storedAt }
    }
    if (signal.aborted) return
    await advance(head)
  }
}

interface Head {
  readonly lane: number
  readonly records: AsyncGenerator<Lying>
  next: Lying | undefined
  /** Never falls, whatever the clocks of those who published. */
  order: number
}

async function advance(head: Head): Promise<void> {
  const { value, done } = await head.records.next()
  head.next = done === true ? undefined : value
  if (head.next !== undefined) head.order = Math.max(head.order, orderOf(orderIn(head.next), head.next.storedAt))
}

async function startOf({ link, names }: LogDeps, lane: number, from: From): Promise<number> {
  if (from === 'oldest') return link.beginning(names.events, lane)
  if (from instanceof Date) return (await link.since(names.events, lane, from.getTime())) ?? Number.MAX_SAFE_INTEGER
  const at = atOf(from)
  if (at === undefined) return Number.MAX_SAFE_INTEGER
  if (at.lane === lane) return at.offset
  return (await link.since(names.events, lane, timeOf(at.order))) ?? Number.MAX_SAFE_INTEGER
}

/** The first place in a lane that is not older than `order`. */
export async function placeOfOrder(link: Link, names: ChannelNames, lane: number, order: number): Promise<number> {
  const end = await link.end(names.events, lane)
  const from = (await link.since(names.events, lane, timeOf(order))) ?? end
  for await (const record of scan(link, names.events, lane, from, end)) {
    if (orderOf(orderIn(record), record.storedAt) >= order) return record.offset
  }
  return end
}

/** What a foreign producer left at the beginning is passed over, as in reading. */
export async function beginningOf(deps: LogDeps): Promise<Beginning> {
  const { link, names, lanes } = deps
  const all = Array.from({ length: lanes }, (_, lane) => link.beginning(names.events, lane))
  const isCut = (await Promise.all(all)).some((offset) => offset > 0)
  for await (const { position, storedAt } of readLog(deps, 'oldest', NEVER))
    return { oldest: { position, storedAt }, isCut }
  return { oldest: undefined, isCut }
}

interface Found {
  readonly id: Position
  readonly topic: string
  readonly lane: number
  readonly offset: number
  readonly age: number
  readonly queue: string
  readonly storedAt: number
}

/** What waits in a queue, aside or not, oldest first; contents are fetched one page at a time. */
export async function* readQueue(deps: ReadDeps, from: From, signal: AbortSignal): AsyncGenerator<Stored> {
  if (signal.aborted) return
  const { link } = deps
  const lanes = Array.from({ length: deps.lanes }, (_, lane) => waitingIn(lane, deps))
  const least = from instanceof Date ? from.getTime() : Number.NEGATIVE_INFINITY
  const at = typeof from === 'string' ? atOf(from) : undefined
  const found = (await Promise.all(lanes))
    .flat()
    .filter(({ storedAt, age }) => storedAt >= least && age >= (at?.order ?? 0))
    .sort((a, b) => a.age - b.age)
  for (let i = 0; i < found.length && !signal.aborted; i += PAGE) {
    for (const each of found.slice(i, i + PAGE)) {
      const { topic, lane, offset, id, queue, storedAt } = each
      const record = (await recordsAt(link, topic, lane, [offset])).get(offset)
      const entry = record === undefined ? undefined : decoded(record)
      if (entry !== undefined && !signal.aborted) yield { ...entry.envelope, position: id, queue, storedAt }
    }
  }
}

async function waitingIn(lane: number, deps: ReadDeps): Promise<Found[]> {
  const { link, names } = deps
  const end = await link.end(names.events, lane)
  const owned = deps.ownedLane(lane)
  const found = new Map<string, Found>()
  let first: number
  let isOpen: (seq: number) => boolean
  if (owned === undefined) {
    const { cursor, asides, redriven } = await stateOf(lane, deps)
    const open = new Set(cursor.open.map(({ seq }) => seq))
    first = Math.min(cursor.open[0]?.seq ?? Number.POSITIVE_INFINITY, cursor.handed + 1)
    isOpen = (seq) => seq > cursor.handed || open.has(seq)
    for (const { offset, decode } of [...asides, ...redriven]) {
      const { place, queue } = decode()
      if (place === undefined) continue
      const { id, storedAt } = place
      found.set(id, { id, topic: names.lanes, lane, offset, age: atOf(id)?.order ?? 0, queue, storedAt })
    }
  } else {
    const { open, aside, read } = owned.lane
    const [firstOpen = read + 1] = open.keys()
    first = firstOpen
    // As it is at this moment, like what is aside: it may be moved there while the topic is read
    const openNow = new Set(open.keys())
    isOpen = (seq) => seq > read || openNow.has(seq)
    for (const { id, aside: place, age, queue, storedAt } of aside.values()) {
      found.set(id, { id, topic: names.lanes, lane, offset: place - 1, age, queue, storedAt })
    }
  }
  const keys = new Set<string>()
  for await (const record of scan(link, names.events, lane, Math.max(0, first - 1), end)) {
    const { offset, storedAt } = record
    const entry = isOpen(offset + 1) ? decoded(record) : undefined
    if (entry === undefined) continue
    if (entry.dedupKey !== undefined && keys.has(entry.dedupKey)) continue
    if (entry.dedupKey !== undefined) keys.add(entry.dedupKey)
    const age = orderOf(entry.order, storedAt)
    const id = positionOf({ lane, offset, order: age })
    if (!found.has(id)) found.set(id, { id, topic: names.events, lane, offset, age, queue: entry.queue, storedAt })
  }
  return [...found.values()]
}

function decoded(record: Lying): RecordEntry | undefined {
  try {
    return decodeRecord(record)
  } catch {
    return undefined
  }
}
