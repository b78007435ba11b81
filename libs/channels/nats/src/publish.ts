import { createHash } from 'node:crypto'
import { nuid } from '@nats-io/transport-node'
import { type ChannelKind, type Entry, laneOf, type Position } from '@sluice/channel'
import { eventBytes } from '@sluice/cloudevents'
import { ADDED_BYTES, MAX_NOTE_BYTES } from './config.ts'
import { tooLarge } from './errors.ts'
import type { Link } from './link.ts'
import { encodeMessage, type Message, messageId } from './message.ts'
import { type ChannelNames, tokenOf } from './names.ts'
import { store } from './store.ts'

export interface PublishDeps {
  readonly link: Link
  readonly names: ChannelNames
  readonly kind: ChannelKind
  readonly lanes: number
  /** The first; a queue has no other. */
  readonly subscription: string
}

interface Outgoing extends Message {
  readonly subject: string
  /** Known before it is stored; else its place in the stream. */
  readonly id: string | undefined
}

/** Stores all entries, or some and rejects. What is too large is refused before anything is sent. */
export async function publish(deps: PublishDeps, entries: readonly Entry[]): Promise<readonly Position[]> {
  const { link } = deps
  void link.connection
  const single = entries.length === 1 ? (entries[0] as Entry) : undefined
  if (single !== undefined) return [await send(link, outgoing(single, deps))]
  const messages = entries.map((entry) => outgoing(entry, deps))
  return Promise.all(messages.map((message) => send(link, message)))
}

async function send(link: Link, { subject, payload, headers, id }: Outgoing): Promise<Position> {
  const seq = await store(link, subject, payload, headers)
  return id ?? String(seq)
}

function outgoing(entry: Entry, { link, names, kind, lanes, subscription }: PublishDeps): Outgoing {
  const lane = laneOf(entry.laneKey, lanes)
  const { dedupKey, queue = '', parked, note } = entry
  const extra = dedupKey === undefined ? '' : messageId(dedupKey)
  const isParked = kind === 'queue' && parked !== undefined
  const id = isParked ? parkedId(dedupKey) : undefined
  const place = id === undefined ? undefined : { id, lane, storedAt: 0, handOuts: 0, due: 0, reason: parked as string }
  const message = encodeMessage(entry, place, extra)
  checkSize(entry, note, message, link.maxPayload)
  if (kind === 'log') return { ...message, id, subject: names.lane(lane) }
  const token = tokenOf(queue)
  return {
    ...message,
    id,
    subject: id === undefined ? names.queue(lane, token) : names.parked(subscription, token, id),
  }
}

function parkedId(dedupKey: string | undefined): string {
  if (dedupKey === undefined) return `p${nuid.next()}`
  return `p${createHash('sha256').update(dedupKey).digest('hex').slice(0, 32)}`
}

function checkSize({ event }: Entry, note: string | undefined, message: Message, maxPayload: number): void {
  const maxBytes = maxPayload - ADDED_BYTES
  const noteBytes = note === undefined ? 0 : Buffer.byteLength(note)
  const bytes = Math.max(eventBytes(event), message.headerBytes + message.payload.length - ADDED_BYTES / 4)
  if (bytes <= maxBytes && noteBytes <= MAX_NOTE_BYTES) return
  throw tooLarge(bytes + noteBytes, maxBytes)
}
