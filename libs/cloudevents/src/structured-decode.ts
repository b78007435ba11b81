import { isAscii, isUtf8 } from 'node:buffer'
import { EventingError } from '@sluice/errors'
import { coreProblem, nameProblem, setProblem, typeProblem } from './attribute-rules.ts'
import type { AttributeValue, CloudEvent, DataKind } from './event.ts'
import { invalid, shown } from './invalid.ts'
import { JsonReader } from './json-reader.ts'
import { malformed } from './json-skip.ts'
import { charsetOf, isJsonContentType } from './media-type.ts'

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
const INTEGER = /^-?(?:0|[1-9][0-9]{0,9})$/

/** Where the text of a member's value lies in the body. */
interface Slice {
  readonly start: number
  readonly end: number
}

/** One event in the JSON format (application/cloudevents+json). `data` stays a view into `body`. Throws EVENT_INVALID. */
export function decodeStructured(body: Buffer): CloudEvent {
  const reader = openBody(body, 'event')
  const event = decodeEnvelope(reader)
  if (reader.peek() !== undefined) throw malformed(reader.at, 'unexpected text after the event')
  return event
}

/**
 * Events in the JSON batch format, all or none: a complaint names the index. Each `data` is copied, so that one slow
 * event does not keep the body of all. Throws EVENT_INVALID.
 */
export function decodeBatch(body: Buffer): readonly CloudEvent[] {
  const reader = openBody(body, 'batch')
  if (reader.peek() !== 0x5b) throw invalid(`a batch must be a JSON array, not ${kindAt(reader)}`)
  reader.expect(0x5b)
  const events: CloudEvent[] = []
  if (!reader.take(0x5d)) {
    do events.push(decodeMember(reader, events))
    while (reader.take(0x2c))
    reader.expect(0x5d)
  }
  if (reader.peek() !== undefined) throw malformed(reader.at, 'unexpected text after the batch')
  return events
}

function decodeMember(reader: JsonReader, before: readonly CloudEvent[]): CloudEvent {
  try {
    const event = decodeEnvelope(reader)
    const specversion = before[0]?.attributes.get('specversion') ?? event.attributes.get('specversion')
    if (event.attributes.get('specversion') !== specversion) {
      throw invalid('all events of a batch must have the same specversion')
    }
    return event.data === undefined ? event : eventOf(event.attributes, Buffer.from(event.data), event.dataKind)
  } catch (error) {
    if (error instanceof EventingError) throw invalid(`event ${before.length} of the batch: ${error.message}`)
    throw error
  }
}

function openBody(body: Buffer, what: string): JsonReader {
  if (!isUtf8(body)) throw invalid(`the body of the ${what} is not UTF-8`)
  const marked = body.length >= 3 && BYTE_ORDER_MARK.equals(body.subarray(0, 3))
  const reader = new JsonReader(body, marked ? 3 : 0) // RFC 8259 lets a parser ignore the mark
  if (reader.peek() === undefined) throw invalid(`the body of the ${what} is empty`)
  return reader
}

function decodeEnvelope(reader: JsonReader): CloudEvent {
  if (reader.peek() !== 0x7b) throw invalid(`an event must be a JSON object, not ${kindAt(reader)}`)
  reader.expect(0x7b)
  const attributes = new Map<string, AttributeValue>()
  let others: Set<string> | undefined // members that are no attribute: null ones, and data
  let data: Slice | undefined
  let dataBase64: Slice | undefined
  if (!reader.take(0x7d)) {
    do {
      const name = reader.readString()
      if (attributes.has(name) || others?.has(name)) throw invalid(`member ${shown(name)} is given twice`)
      reader.expect(0x3a)
      if (name === 'data') {
        data = { start: reader.skipValue(), end: reader.at }
      } else if (name === 'data_base64') {
        if (reader.peek() === 0x6e) reader.skipValue()
        else dataBase64 = { start: reader.skipValue(), end: reader.at }
      } else {
        const value = readAttribute(reader, name)
        if (value !== undefined) {
          attributes.set(name, value)
          continue
        }
      }
      others ??= new Set()
      others.add(name)
    } while (reader.take(0x2c))
    reader.expect(0x7d)
  }
  const problem = setProblem(attributes, (name) => name)
  if (problem !== undefined) throw invalid(problem)
  return withData(reader.bytes, attributes, data, dataBase64)
}

function readAttribute(reader: JsonReader, name: string): AttributeValue | undefined {
  const wrongName = nameProblem(name)
  if (wrongName !== undefined) throw invalid(wrongName)
  const value = readScalar(reader, name)
  if (value === undefined) return undefined
  const problem = typeProblem(name, value) ?? coreProblem(name, value)
  if (problem !== undefined) throw invalid(problem)
  return value
}

/** A string, boolean or number; undefined for null, which stands for an absent attribute. */
function readScalar(reader: JsonReader, name: string): AttributeValue | undefined {
  const first = reader.peek()
  if (first === 0x22) return reader.readString()
  if (first === 0x7b || first === 0x5b) {
    throw invalid(`attribute ${shown(name)} is ${kindAt(reader)}: only strings, integers, booleans`)
  }
  const text = reader.bytes.toString('latin1', reader.skipValue(), reader.at)
  if (text === 'null') return undefined
  if (text === 'true' || text === 'false') return text === 'true'
  if (INTEGER.test(text)) return Number(text) + 0 // -0 becomes 0
  throw invalid(`attribute ${shown(name)} is ${shown(text)}: numbers must be integers from -2147483648 to 2147483647`)
}

function withData(
  bytes: Buffer,
  attributes: Map<string, AttributeValue>,
  data: Slice | undefined,
  dataBase64: Slice | undefined,
): CloudEvent {
  if (dataBase64 !== undefined) {
    if (attributes.get('specversion') === '0.3') {
      throw invalid('specversion 0.3 has no "data_base64": send "data" with "datacontentencoding": "base64"')
    }
    if (data !== undefined) throw invalid('"data" and "data_base64" must not both be given')
    return eventOf(attributes, decodeBase64(bytes, dataBase64, 'data_base64'), 'binary')
  }
  if (data === undefined) return eventOf(attributes, undefined, undefined)
  if (isBase64Encoded(attributes)) {
    // tells how this member is written, not what the event holds; 0.3 has it ignored where data is no string
    attributes.delete('datacontentencoding')
    if (bytes[data.start] === 0x22) return eventOf(attributes, decodeBase64(bytes, data, 'data'), 'binary')
  }
  const mediaType = attributes.get('datacontenttype') as string | undefined
  if (isJsonContentType(mediaType)) return eventOf(attributes, bytes.subarray(data.start, data.end), 'json')
  return eventOf(attributes, decodeText(bytes, data, mediaType as string), 'text')
}

function eventOf(
  attributes: ReadonlyMap<string, AttributeValue>,
  data: Uint8Array | undefined,
  dataKind: DataKind | undefined,
): CloudEvent {
  return { attributes, data, dataKind }
}

/** True for an event of specversion 0.3 whose `datacontentencoding` says that its data is written as base64 text. */
export function isBase64Encoded(attributes: ReadonlyMap<string, AttributeValue>): boolean {
  if (attributes.get('specversion') !== '0.3') return false
  const encoding = attributes.get('datacontentencoding')
  return typeof encoding === 'string' && encoding.toLowerCase() === 'base64'
}

function decodeBase64(bytes: Buffer, slice: Slice, member: string): Buffer {
  if (bytes[slice.start] !== 0x22) throw invalid(`"${member}" must be a string of base64`)
  const text = new JsonReader(bytes, slice.start).readString()
  const decoded = Buffer.from(text, 'base64')
  // Node decodes leniently; only RFC 4648 base64 comes out again as it went in
  if (decoded.toString('base64') !== text) throw invalid(`"${member}" is not base64 (RFC 4648, padded)`)
  return decoded
}

function decodeText(bytes: Buffer, slice: Slice, mediaType: string): Buffer {
  if (bytes[slice.start] !== 0x22) {
    throw invalid(`"data" must be a string under datacontenttype ${shown(mediaType)}, or "data_base64"`)
  }
  const text = new JsonReader(bytes, slice.start).readString()
  if (!text.isWellFormed()) throw invalid('"data" has a lone surrogate, which no UTF-8 text can hold')
  const data = Buffer.from(text, 'utf8')
  if (isTextAs(mediaType, data)) return data
  throw invalid(`"data" under datacontenttype ${shown(mediaType)} must be sent as "data_base64"`)
}

/** True when UTF-8 bytes are what the media type's charset makes of the text. */
export function isTextAs(mediaType: string, data: Uint8Array): boolean {
  const charset = charsetOf(mediaType)
  if (charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii') return true
  return !charset.startsWith('utf-16') && !charset.startsWith('utf-32') && isAscii(data)
}

function kindAt(reader: JsonReader): string {
  switch (reader.peek()) {
    case 0x5b:
      return 'an array'
    case 0x7b:
      return 'an object'
    case 0x22:
      return 'a string'
    case 0x6e:
      return 'null'
    default:
      return 'a bare value'
  }
}
