import type { Entry, Place, StoredEntry } from '@sluice/channel'
import {
  type AttributeValue,
  attributeText,
  type CloudEvent,
  type DataKind,
  decodeHeaderValue,
  decodeHttp,
  encodeHeaderValue,
  eventBytes,
  isLiteral,
} from '@sluice/cloudevents'
import type { RawHeaders } from './link.ts'

/**
 * How an entry lies in a stream: the CloudEvents NATS binding in binary mode, the data as payload, and one header of
 * ours, JSON in ASCII, with what the binding has no place for; what is absent is left out. A foreign publisher's message
 * has no such header and may be structured.
 */
interface Meta {
  /** Lane key. */
  readonly k: string
  readonly s?: number
  readonly d?: string
  readonly h?: Readonly<Record<string, string>>
  /** Names of attributes that are integers, of those that are booleans. */
  readonly i?: readonly string[]
  readonly b?: readonly string[]
  /** Data of no bytes, which is not the same as no data. */
  readonly e?: 1
  readonly c?: DataKind
  readonly q?: string
  readonly a?: number
  readonly n?: string
  readonly t?: number
  readonly p?: Place
}

const OURS = 'Sluice'
const MSG_ID = 'Nats-Msg-Id'
const MSG_SIZE = 'Nats-Msg-Size'
const NOT_ASCII = /[\u007f-\uffff]/g
const EMPTY = new Uint8Array()

export interface Message {
  readonly headers: RawHeaders
  readonly headerBytes: number
  readonly payload: Uint8Array
}

/** `extra` is more header lines, each ended, e.g. those that make the server compare revisions. */
export function encodeMessage(
  entry: Omit<Entry, 'notBefore' | 'parked'> & { notBefore?: number | undefined },
  place?: Place,
  extra = '',
): Message {
  const { event, headers, stamp, laneKey, dedupKey, queue, attempt, note, notBefore } = entry
  let text = 'NATS/1.0\r\n'
  const integers: string[] = []
  const booleans: string[] = []
  for (const [name, value] of event.attributes) {
    if (typeof value === 'string') {
      text += `ce-${name}: ${encodeHeaderValue(value)}\r\n`
      continue
    }
    text += `ce-${name}: ${value}\r\n`
    if (typeof value === 'number') integers.push(name)
    else booleans.push(name)
  }
  const meta: Meta = {
    k: laneKey,
    ...(stamp === undefined ? undefined : { s: stamp }),
    ...(dedupKey === undefined ? undefined : { d: dedupKey }),
    ...(headers === undefined ? undefined : { h: headers }),
    ...(integers.length === 0 ? undefined : { i: integers }),
    ...(booleans.length === 0 ? undefined : { b: booleans }),
    ...(event.data !== undefined && event.data.length === 0 ? { e: 1 as const } : undefined),
    ...(event.dataKind === undefined ? undefined : { c: event.dataKind }),
    ...(queue === undefined || queue === '' ? undefined : { q: queue }),
    ...(attempt === undefined || attempt === 1 ? undefined : { a: attempt }),
    ...(note === undefined ? undefined : { n: note }),
    ...(notBefore === undefined ? undefined : { t: notBefore }),
    ...(place === undefined ? undefined : { p: place }),
  }
  text += `${OURS}: ${ascii(JSON.stringify(meta))}\r\n${extra}\r\n`
  const encoded = Buffer.from(text, 'latin1')
  return { headers: { encode: () => encoded }, headerBytes: encoded.length, payload: event.data ?? EMPTY }
}

/** The header that makes the server store a repeated key once. */
export function messageId(key: string): string {
  return `${MSG_ID}: ${encodeHeaderValue(key)}\r\n`
}

function ascii(json: string): string {
  return json.replace(NOT_ASCII, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Names as sent, in order; a name given twice has two values. */
export type Headers = Iterable<readonly [string, readonly string[]]>

/**
 * Reads a message of ours or of a foreign publisher. Without its payload (`isHeadersOnly`) the event has no data but
 * its size is known. Throws EVENT_INVALID, or whatever a garbled header makes of it: either way it is no CloudEvent.
 */
export function decodeMessage(headers: Headers, payload: Uint8Array, isHeadersOnly = false): StoredEntry {
  let meta: Meta | undefined
  let size = payload.length
  for (const [name, values] of headers) {
    if (name === OURS) meta = JSON.parse(values[0] as string) as Meta
    else if (isHeadersOnly && name === MSG_SIZE) size = Number(values[0])
  }
  const event = meta === undefined ? foreignEvent(headers, payload, isHeadersOnly) : ownEvent(headers, payload, meta)
  const bytes = isHeadersOnly ? eventBytes({ ...event, data: undefined }) + size : eventBytes(event)
  const { k = foreignLaneKey(event), s: stamp, h, d, q = '', a = 1, n, t, p } = meta ?? {}
  const envelope = { event, headers: h, stamp, laneKey: k }
  return { envelope, dedupKey: d, queue: q, attempt: a, note: n, notBefore: t, place: p, bytes }
}

function ownEvent(headers: Headers, payload: Uint8Array, { i, b, e, c }: Meta): CloudEvent {
  const attributes = new Map<string, AttributeValue>()
  for (const [header, values] of headers) {
    if (!header.startsWith('ce-')) continue
    const value = values[0] as string
    attributes.set(header.slice(3), isLiteral(value) ? value : (decodeHeaderValue(value) ?? value))
  }
  if (i !== undefined) for (const name of i) attributes.set(name, Number(attributes.get(name)))
  if (b !== undefined) for (const name of b) attributes.set(name, attributes.get(name) === 'true')
  // A copy, so that one slow event does not keep what arrived with it in memory.
  const data = payload.length > 0 || e === 1 ? Buffer.from(payload) : undefined
  return { attributes, data, dataKind: c }
}

/** The binding is HTTP's, but for the content type, which binary mode carries like any other attribute. */
function foreignEvent(headers: Headers, payload: Uint8Array, isHeadersOnly: boolean): CloudEvent {
  const raw: string[] = []
  let contentType: string | undefined
  for (const [name, values] of headers) {
    const lower = name.toLowerCase()
    for (const value of values) {
      const bytes = Buffer.from(value, 'utf8').toString('latin1')
      if (lower === 'content-type') contentType = bytes
      else if (lower === 'ce-datacontenttype') contentType ??= decodeHeaderValue(bytes)
      else raw.push(name, bytes)
    }
  }
  if (contentType !== undefined) raw.push('content-type', contentType)
  const body = Buffer.from(payload)
  // Without its payload a structured event can't be read: it counts by its size alone.
  if (isHeadersOnly && contentType?.toLowerCase().startsWith('application/cloudevents')) return NAMELESS
  const { events, mode } = decodeHttp(raw, body)
  if (mode === 'batch') throw new TypeError('the NATS binding knows no batches')
  return events[0] as CloudEvent
}

const NAMELESS: CloudEvent = { attributes: new Map(), data: undefined, dataKind: undefined }

/** As the ingress has it for events without an order key of their own. */
function foreignLaneKey({ attributes }: CloudEvent): string {
  const key = attributes.get('partitionkey')
  if (key !== undefined) return attributeText(key)
  return `${attributes.get('source')} ${attributes.get('id')}`
}
