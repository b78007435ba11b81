import { CloudEvent as SdkEvent } from 'cloudevents'
import { createEvent } from './create.ts'
import type { AttributeValue, CloudEvent, DataKind } from './event.ts'
import { invalid, shown } from './invalid.ts'
import { isJson } from './json-skip.ts'
import { isJsonContentType, isTextContentType } from './media-type.ts'
import { isBase64Encoded, isTextAs } from './structured-decode.ts'

/** The SDK's event type, and anything shaped like it. */
export type SdkLike = Readonly<Record<string, unknown>>

/** The SDK's class without its habits: no time invented, none rewritten when it is turned into JSON. */
class ExactSdkEvent extends SdkEvent<unknown> {
  override toJSON(): Record<string, unknown> {
    const { data, ...rest } = this as Record<string, unknown>
    return data === undefined || rest.data_base64 !== undefined ? rest : { ...rest, data }
  }
}

/**
 * The event as an instance of the npm package's CloudEvent. JSON data is parsed (integers beyond 2^53 lose digits, as
 * everywhere in that package), text is a string, all else bytes with `data_base64`. Attributes are exact.
 */
export function toSdk(event: CloudEvent): SdkEvent<unknown> {
  const fields: Record<string, unknown> = Object.create(ExactSdkEvent.prototype) // its constructor invents id and time
  for (const [name, value] of event.attributes) Object.defineProperty(fields, name, { value, enumerable: true })
  if (event.data !== undefined) Object.assign(fields, dataFields(event, event.data))
  return Object.freeze(fields) as SdkEvent<unknown>
}

/**
 * The other way round. Properties that are undefined or null are absent; `data_base64` wins over the SDK's own `data`.
 * A string under a JSON content type is a JSON string. Throws EVENT_INVALID.
 */
export function fromSdk(event: SdkLike): CloudEvent {
  const attributes = new Map<string, AttributeValue>()
  for (const [name, value] of Object.entries(event)) {
    if (value === undefined || value === null || name === 'data' || name === 'data_base64') continue
    attributes.set(name, attributeOf(value))
  }
  if (event.data_base64 !== undefined && event.data_base64 !== null) {
    return createEvent(attributes, fromBase64(event.data_base64, 'data_base64'), 'binary')
  }
  if (event.data === undefined) return createEvent(attributes)
  if (typeof event.data === 'string' && isBase64Encoded(attributes)) {
    attributes.delete('datacontentencoding')
    return createEvent(attributes, fromBase64(event.data, 'data'), 'binary')
  }
  const [data, dataKind] = dataOf(event.data, attributes.get('datacontenttype'))
  return createEvent(attributes, data, dataKind)
}

function dataFields(event: CloudEvent, data: Uint8Array): Record<string, unknown> {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const mediaType = event.attributes.get('datacontenttype') as string | undefined
  if (event.dataKind !== 'binary') {
    const mayBeJson = isJsonContentType(mediaType) && (mediaType !== undefined || event.dataKind === 'json')
    if (mayBeJson && isJson(bytes)) return { data: JSON.parse(bytes.toString('utf8')) }
    if (mediaType !== undefined && !mayBeJson && isText(mediaType, event.dataKind, bytes)) {
      return { data: bytes.toString('utf8') }
    }
  }
  return { data: bytes, data_base64: bytes.toString('base64') }
}

function isText(mediaType: string, dataKind: DataKind | undefined, bytes: Buffer): boolean {
  if (dataKind !== 'text' && !isTextContentType(mediaType)) return false
  return isTextAs(mediaType, bytes) && Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes)
}

function attributeOf(value: unknown): AttributeValue {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return value as AttributeValue // createEvent refuses what is none
}

function dataOf(data: unknown, mediaType: AttributeValue | undefined): [Uint8Array, DataKind] {
  if (ArrayBuffer.isView(data)) return [new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 'binary']
  if (data instanceof ArrayBuffer) return [new Uint8Array(data), 'binary']
  if (!isJsonContentType(mediaType as string | undefined)) {
    if (typeof data !== 'string') throw invalid(`data must be a string or bytes under ${shown(mediaType)}`)
    if (!data.isWellFormed()) throw invalid('data has a lone surrogate, which no UTF-8 text can hold')
    return [Buffer.from(data, 'utf8'), 'text']
  }
  return [Buffer.from(jsonText(data), 'utf8'), 'json']
}

function jsonText(data: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(data)
  } catch (cause) {
    throw invalid(`data can't be written as JSON: ${shown(String(cause))}`)
  }
  if (text === undefined) throw invalid(`data can't be written as JSON: it is a ${typeof data}`)
  return text
}

function fromBase64(text: unknown, field: string): Buffer {
  const bytes = Buffer.from(typeof text === 'string' ? text : '', 'base64')
  if (bytes.toString('base64') !== text) throw invalid(`${field} is not base64`)
  return bytes
}
