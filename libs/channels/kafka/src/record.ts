import { isUtf8 } from 'node:buffer'
import type { Entry, Place, StoredEntry } from '@sluice/channel'
import {
  type AttributeValue,
  attributeText,
  type CloudEvent,
  type DataKind,
  decodeHttp,
  encodeHeaderValue,
  eventBytes,
} from '@sluice/cloudevents'

/**
 * How an entry lies in a topic: the CloudEvents Kafka binding in binary mode, and one header of ours with what the
 * binding has no place for. A foreign producer's record has no such header and may be structured.
 */
export interface KafkaRecord {
  /** The event's partition key; what partition it lies in is decided by the lane key. */
  readonly key: Buffer | null
  /** Null: no data. No bytes: data of no bytes. */
  readonly value: Buffer | null
  /** A text is stored as UTF-8. */
  readonly headers: Readonly<Record<string, string | Buffer>>
}

/** As a client hands it out. */
export interface ReceivedRecord {
  readonly key?: Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, Buffer | string | readonly (Buffer | string)[] | undefined>>
}

export interface RecordEntry extends StoredEntry {
  /** Of publishing, over all lanes; undefined in a foreign producer's record. */
  readonly order: number | undefined
}

/** What a record says of its entry besides. */
export interface Beside {
  readonly order?: number
  readonly place?: Place
  /** Of a topic in which a record without value deletes: no data is told from it. */
  readonly isKept?: boolean
}

/** Our header, JSON; what is absent is left out. */
interface Meta {
  /** Lane key. */
  readonly k: string
  readonly s?: number
  readonly d?: string
  readonly h?: Readonly<Record<string, string>>
  /** Names of attributes that are integers, of those that are booleans. */
  readonly i?: readonly string[]
  readonly b?: readonly string[]
  readonly c?: DataKind
  readonly q?: string
  readonly a?: number
  readonly n?: string
  readonly t?: number
  /** Order of publishing, place of what was moved, and 1 for no data where a value has to be. */
  readonly o?: number
  readonly p?: Place
  readonly z?: 1
}

const OURS = 'sluice'
const PREFIX = 'ce_'
const CONTENT_TYPE = 'content-type'
const TYPE_ATTRIBUTE = 'datacontenttype'
const STRUCTURED = 'application/cloudevents'

/** A key only where the event names one: other entries must not look like versions of each other. */
export function encodeRecord(
  entry: Omit<Entry, 'parked' | 'notBefore'> & { readonly notBefore?: number | undefined },
  { order, place, isKept = false }: Beside = {},
): KafkaRecord {
  const { event, headers: passed, stamp, laneKey, dedupKey, queue, attempt, note, notBefore } = entry
  const headers: Record<string, string> = {}
  const meta: Writable<Meta> = { k: laneKey }
  for (const [name, value] of event.attributes) {
    const header = name === TYPE_ATTRIBUTE && typeof value === 'string' ? CONTENT_TYPE : PREFIX + name
    headers[header] = attributeText(value)
    if (typeof value === 'number') meta.i = [...(meta.i ?? []), name]
    else if (typeof value === 'boolean') meta.b = [...(meta.b ?? []), name]
  }
  if (stamp !== undefined) meta.s = stamp
  if (dedupKey !== undefined) meta.d = dedupKey
  if (passed !== undefined) meta.h = passed
  if (event.dataKind !== undefined) meta.c = event.dataKind
  if (queue !== undefined && queue !== '') meta.q = queue
  if (attempt !== undefined && attempt !== 1) meta.a = attempt
  if (note !== undefined) meta.n = note
  if (notBefore !== undefined) meta.t = notBefore
  if (order !== undefined) meta.o = order
  if (place !== undefined) meta.p = place
  if (isKept && event.data === undefined) meta.z = 1
  headers[OURS] = JSON.stringify(meta)
  const partitionKey = event.attributes.get('partitionkey')
  return {
    key: partitionKey === undefined ? null : Buffer.from(attributeText(partitionKey), 'utf8'),
    value: event.data === undefined ? (isKept ? Buffer.alloc(0) : null) : viewOf(event.data),
    headers,
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function viewOf(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

/** Of all that a record brings, in bytes. */
export function recordBytes({ key, value, headers }: KafkaRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0)
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] as string | Buffer) + 2
  return bytes
}

/** Reads a record of ours or of a foreign producer. Throws EVENT_INVALID or TypeError for what is no CloudEvent, as a tombstone. */
export function decodeRecord({ key, value, headers = {} }: ReceivedRecord): RecordEntry {
  const own = headers[OURS]
  const meta = own === undefined ? undefined : (JSON.parse(textOf(OURS, own)) as Meta)
  const event = meta === undefined ? foreignEvent(headers, value) : ownEvent(headers, value, meta)
  const { k = foreignLaneKey(event, key), s: stamp, h, d, q = '', a = 1, n, t, o, p } = meta ?? {}
  const envelope = { event, headers: h, stamp, laneKey: k }
  const bytes = eventBytes(event)
  return { envelope, dedupKey: d, queue: q, attempt: a, note: n, notBefore: t, place: p, order: o, bytes }
}

type Headers = NonNullable<ReceivedRecord['headers']>

function ownEvent(headers: Headers, value: Buffer | null, { i, b, c, z }: Meta): CloudEvent {
  const attributes = new Map<string, AttributeValue>()
  for (const [header, text] of Object.entries(headers)) {
    if (header === CONTENT_TYPE) attributes.set(TYPE_ATTRIBUTE, textOf(header, text))
    else if (header.startsWith(PREFIX)) attributes.set(header.slice(PREFIX.length), textOf(header, text))
  }
  if (i !== undefined) for (const name of i) attributes.set(name, Number(attributes.get(name)))
  if (b !== undefined) for (const name of b) attributes.set(name, attributes.get(name) === 'true')
  return { attributes, data: z === 1 ? undefined : dataOf(value), dataKind: c }
}

/** By the rules of HTTP's binding, but that values are UTF-8 as they stand and that null is told from no bytes. */
function foreignEvent(headers: Headers, value: Buffer | null): CloudEvent {
  const raw: string[] = []
  let contentType: string | undefined
  for (const [header, given] of Object.entries(headers)) {
    const name = header.toLowerCase()
    const isOfEvent = name === CONTENT_TYPE || name.startsWith(PREFIX)
    // Headers of Kafka may have no value, which the type of the client does not say
    if (!isOfEvent || (given as Buffer | null | undefined) === null || given === undefined) continue
    const text = textOf(header, given)
    if (name === CONTENT_TYPE) contentType = Buffer.from(text, 'utf8').toString('latin1')
    else raw.push(`ce-${name.slice(PREFIX.length)}`, encodeHeaderValue(text))
  }
  const isStructured = contentType?.toLowerCase().startsWith(STRUCTURED) === true
  if (contentType !== undefined) raw.push(CONTENT_TYPE, contentType)
  const { events, mode } = decodeHttp(raw, value === null ? undefined : Buffer.from(value))
  if (mode === 'batch') throw new TypeError('the Kafka binding knows no batches')
  const event = events[0] as CloudEvent
  return isStructured ? event : { ...event, data: dataOf(value) }
}

/** A copy, so that one slow event does not keep what arrived with it in memory. */
function dataOf(value: Buffer | null): Buffer | undefined {
  return value === null ? undefined : Buffer.from(value)
}

function textOf(header: string, value: Headers[string]): string {
  if (Array.isArray(value)) throw new TypeError(`record header ${header} is given twice`)
  if (typeof value === 'string') return value
  const bytes = value as Buffer | null | undefined
  if (bytes === null || bytes === undefined) throw new TypeError(`record header ${header} has no value`)
  if (!isUtf8(bytes)) throw new TypeError(`record header ${header} is not UTF-8`)
  return bytes.toString('utf8')
}

/** The key is what keeps a foreign producer's records in order. */
function foreignLaneKey({ attributes }: CloudEvent, key: Buffer | null | undefined): string {
  const partitionKey = attributes.get('partitionkey')
  if (partitionKey !== undefined) return attributeText(partitionKey)
  if (key !== null && key !== undefined) return key.toString(isUtf8(key) ? 'utf8' : 'base64')
  return `${attributes.get('source')} ${attributes.get('id')}`
}

const ORDER = /"o":(\d+)/

/** The order of publishing, without reading the rest. Inside a text of the header its quotes would be escaped. */
export function orderIn({ headers = {} }: Pick<ReceivedRecord, 'headers'>): number | undefined {
  const own = headers[OURS]
  const [, order] = Buffer.isBuffer(own) ? (ORDER.exec(own.toString('latin1')) ?? []) : []
  return order === undefined ? undefined : Number(order)
}

/** The key it was published with; of a foreign producer's record, none. */
export function dedupKeyIn({ headers = {} }: Pick<ReceivedRecord, 'headers'>): string | undefined {
  const own = headers[OURS]
  if (!Buffer.isBuffer(own)) return undefined
  try {
    return (JSON.parse(own.toString('utf8')) as Meta).d
  } catch {
    return undefined
  }
}
