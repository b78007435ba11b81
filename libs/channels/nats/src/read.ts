import type { Beginning, Position, Stored, StoredEntry } from '@sluice/channel'
import { type BacklogDeps, cursorOf } from './backlog.ts'
import { decodeMessage } from './message.ts'
import { type ReadingFrom, type Received, scan } from './reader.ts'
import { entryAt } from './store.ts'
import { streamState } from './streams.ts'

export type From = Position | Date | 'oldest'
export type ReadDeps = Omit<BacklogDeps, 'queue'>

function start(from: From): ReadingFrom['from'] {
  if (from instanceof Date) return { time: from }
  return { seq: from === 'oldest' ? 1 : Number(from) }
}

/** All of a log from somewhere on; what is no CloudEvent is passed over. */
export async function* readLog(
  { link, names }: Pick<ReadDeps, 'link' | 'names'>,
  from: From,
  signal: AbortSignal,
): AsyncGenerator<Stored> {
  if (signal.aborted || !isPlace(from)) return
  for await (const each of scan(link, { stream: names.events, filter: names.lane('*'), from: start(from) })) {
    if (signal.aborted) return
    const entry = decode(each)
    if (entry !== undefined) yield { ...entry.envelope, position: String(each.seq), queue: '', storedAt: each.storedAt }
  }
}

/** False for a position that no entry can have. */
function isPlace(from: From): boolean {
  return from instanceof Date || from === 'oldest' || /^[1-9]\d{0,15}$/.test(from)
}

/** What a foreign publisher left at the beginning is passed over, as in reading. */
export async function beginningOf({ link, names }: Pick<ReadDeps, 'link' | 'names'>): Promise<Beginning> {
  const state = await streamState(link, names.events)
  const isCut = (state?.first_seq ?? 1) > 1
  for await (const { position, storedAt } of readLog({ link, names }, 'oldest', NEVER))
    return { oldest: { position, storedAt }, isCut }
  return { oldest: undefined, isCut }
}

const NEVER = new AbortController().signal

interface Found {
  readonly id: string
  readonly stream: string
  readonly seq: number
  readonly queue: string
  readonly storedAt: number
}

/** What waits in a queue, aside or not, oldest first; contents are fetched one page at a time. */
export async function* readQueue(deps: ReadDeps, from: From, signal: AbortSignal): AsyncGenerator<Stored> {
  if (signal.aborted) return
  const found = await waitingIn(deps, from, signal)
  for (let i = 0; i < found.length && !signal.aborted; i += PAGE) {
    const page = found.slice(i, i + PAGE)
    const entries = await Promise.all(page.map(({ stream, seq }) => entryAt(deps.link, stream, seq)))
    for (const [j, entry] of entries.entries()) {
      const { id, queue, storedAt } = page[j] as Found
      if (entry !== undefined && !signal.aborted) yield { ...entry.envelope, position: id, queue, storedAt }
    }
  }
}

const PAGE = 16

async function waitingIn(deps: ReadDeps, from: From, signal: AbortSignal): Promise<Found[]> {
  const { link, names, subscription, lanes } = deps
  const isOpen = await Promise.all(Array.from({ length: lanes }, (_, lane) => openIn(lane, deps)))
  const found = new Map<string, Found>()
  const notBefore = from instanceof Date ? from.getTime() : Number.NEGATIVE_INFINITY
  const first = from instanceof Date || from === 'oldest' ? 0 : Number(from) || 0
  const events = { stream: names.events, filter: names.queue('*', '*'), from: start(from), headersOnly: true }
  for await (const each of scan(link, events)) {
    if (signal.aborted) return []
    const lane = Number(each.message.subject.split('.').at(-2))
    const entry = isOpen[lane]?.(each.seq) === true ? decode(each, true) : undefined
    if (entry === undefined) continue
    const id = String(each.seq)
    found.set(id, { id, stream: names.events, seq: each.seq, queue: entry.queue, storedAt: each.storedAt })
  }
  for (const state of ['waiting', 'redriven'] as const) {
    const filter = names[state](subscription, '*', '*', '*')
    for await (const each of scan(link, { stream: names.aside, filter, from: { seq: 1 }, headersOnly: true })) {
      const entry = decode(each, true)
      if (entry?.place === undefined) continue
      const { id, storedAt = 0 } = entry.place
      if (storedAt < notBefore || Number(id) < first) continue
      found.set(id, { id, stream: names.aside, seq: each.seq, queue: entry.queue, storedAt })
    }
  }
  return [...found.values()].sort((a, b) => (Number(a.id) || 0) - (Number(b.id) || 0))
}

async function openIn(lane: number, deps: ReadDeps): Promise<(seq: number) => boolean> {
  const owned = deps.ownedLane(lane)?.lane
  if (owned !== undefined) return (seq) => seq > owned.read || owned.open.has(seq)
  const { handed, open } = await cursorOf(lane, deps)
  const places = new Set(open.map(({ seq }) => seq))
  return (seq) => seq > handed || places.has(seq)
}

function decode({ message }: Received, isHeadersOnly = false): StoredEntry | undefined {
  try {
    return decodeMessage(message.headers ?? [], message.data, isHeadersOnly)
  } catch {
    return undefined
  }
}
