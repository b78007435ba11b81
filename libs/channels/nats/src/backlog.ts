import {
  type Backlog,
  type ChannelKind,
  type Cursor,
  type Lane,
  NO_CURSOR,
  readCursor,
  type StoredEntry,
} from '@sluice/channel'
import type { Link } from './link.ts'
import { decodeMessage } from './message.ts'
import { type ChannelNames, tokenOf } from './names.ts'
import { type ReadingFrom, type Received, scan } from './reader.ts'
import { newest } from './store.ts'

export interface BacklogDeps {
  readonly link: Link
  readonly names: ChannelNames
  readonly stateStream: string
  readonly kind: ChannelKind
  readonly lanes: number
  readonly subscription: string
  /** What this process knows of a lane it owns. */
  readonly ownedLane: (lane: number) => OwnedLane | undefined
  readonly queue: string | undefined
}

export interface OwnedLane {
  readonly lane: Lane
  readonly backlogOf: (queue: string | undefined) => Backlog
}

type Sizes = { readonly seq: number; readonly bytes: number; readonly id: string | undefined }[]

/** A part that is known at once, or to be asked when all of them are: memory moves on while the streams are read. */
type Part = Backlog | (() => Backlog)

/** Looked at one by one; beyond, their mean stands for the rest. */
const COUNTED = 2_000

/**
 * What waits: what the lanes' owners know of, from memory or from their cursors, and what lies behind it in the
 * streams, by headers alone.
 */
export async function backlog(deps: BacklogDeps): Promise<Backlog> {
  const { link, names, subscription, queue } = deps
  const filter = names.redriven(subscription, '*', queue === undefined ? '*' : tokenOf(queue), '*')
  const redriven: Sizes = []
  const all = await waiting(link, { stream: names.aside, filter, from: { seq: 1 } }, redriven)
  const numbers = Array.from({ length: deps.lanes }, (_, lane) => lane)
  const parts = await Promise.all(numbers.map((lane) => backlogOfLane(lane, deps)))
  // What an owner here has taken up meanwhile is among its own.
  const isOurs = (id: string | undefined) =>
    id !== undefined && numbers.some((lane) => deps.ownedLane(lane)?.lane.aside.has(id))
  const taken = less(redriven.filter(({ id }) => isOurs(id)))
  return sum([all, taken, ...parts.map((part) => (typeof part === 'function' ? part() : part))])
}

async function backlogOfLane(number: number, deps: BacklogDeps): Promise<Part> {
  const { link, names, kind, queue, ownedLane } = deps
  const filter = kind === 'log' ? names.lane(number) : names.queue(number, queue === undefined ? '*' : tokenOf(queue))
  const behind = (seq: number, sizes?: Sizes) =>
    waiting(link, { stream: names.events, filter, from: { seq: seq + 1 } }, sizes)
  const owned = ownedLane(number)
  if (owned !== undefined) {
    const sizes: Sizes = []
    const rest = await behind(owned.lane.read, sizes)
    // What was read meanwhile is in memory too.
    return () => sum([owned.backlogOf(queue), rest, less(sizes.filter(({ seq }) => seq <= owned.lane.read))])
  }
  const cursor = await cursorOf(number, deps)
  const rest = await behind(cursor.handed)
  if (queue !== undefined) return sum([rest, await ofQueue(number, cursor, deps)])
  let bytes = cursor.bytes
  for (const each of cursor.open) bytes += each.bytes
  return sum([rest, { events: cursor.open.length + cursor.events, bytes }])
}

/** To be taken off a sum. */
function less(sizes: Sizes): Backlog {
  return { events: -sizes.length, bytes: -sizes.reduce((total, { bytes }) => total + bytes, 0) }
}

export async function cursorOf(
  lane: number,
  { link, names, stateStream, subscription }: Pick<BacklogDeps, 'link' | 'names' | 'stateStream' | 'subscription'>,
): Promise<Cursor> {
  const found = await newest(link, stateStream, names.cursor(subscription, lane))
  return found === undefined ? NO_CURSOR : readCursor(found.text)
}

/** Cursors do not say which queue: what they name is looked up. */
async function ofQueue(lane: number, { open, handed }: Cursor, deps: BacklogDeps): Promise<Backlog> {
  const { link, names, subscription, queue = '' } = deps
  const token = tokenOf(queue)
  const aside = { stream: names.aside, filter: names.waiting(subscription, lane, token, '*'), from: { seq: 1 } }
  const first = open[0]
  if (first === undefined) return waiting(link, aside)
  const isOpen = new Set(open.map(({ seq }) => seq))
  const among = { stream: names.events, filter: names.queue(lane, token), from: { seq: first.seq } }
  const inEvents = await waiting(link, among, [], ({ seq }) => (seq > handed ? 'end' : isOpen.has(seq)))
  return sum([await waiting(link, aside), inEvents])
}

async function waiting(
  link: Link,
  reading: ReadingFrom,
  sizes: Sizes = [],
  counts: (each: Received) => boolean | 'end' = () => true,
): Promise<Backlog> {
  let events = 0
  let bytes = 0
  for await (const each of scan(link, { ...reading, headersOnly: true })) {
    const verdict = counts(each)
    if (verdict === 'end') break
    const entry = verdict ? decoded(each) : undefined
    if (entry !== undefined) {
      events++
      bytes += entry.bytes
      sizes.push({ seq: each.seq, bytes: entry.bytes, id: entry.place?.id })
    }
    if (events < COUNTED || each.pending === 0) continue
    return { events: events + each.pending, bytes: Math.round((bytes / events) * (events + each.pending)) }
  }
  return { events, bytes }
}

function decoded({ message }: Received): StoredEntry | undefined {
  try {
    return decodeMessage(message.headers ?? [], message.data, true)
  } catch {
    return undefined
  }
}

function sum(parts: readonly Backlog[]): Backlog {
  let events = 0
  let bytes = 0
  for (const part of parts) {
    events += part.events
    bytes += part.bytes
  }
  return { events, bytes }
}
