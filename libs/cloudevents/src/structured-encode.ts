import { isUtf8 } from 'node:buffer'
import type { AttributeValue, CloudEvent } from './event.ts'
import { invalid } from './invalid.ts'
import { isJson } from './json-skip.ts'
import { BATCH_TYPE, charsetOf, EVENT_TYPE, isJsonContentType, isTextContentType } from './media-type.ts'
import { isBase64Encoded, isTextAs } from './structured-decode.ts'

export interface StructuredMessage {
  readonly contentType: string
  readonly body: Buffer
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** The event in the JSON format, attributes in their order, data last. JSON data keeps its very text. */
export function encodeStructured(event: CloudEvent): StructuredMessage {
  return { contentType: `${EVENT_TYPE}; charset=utf-8`, body: Buffer.concat(envelope(event)) }
}

/** Events of one specversion in the JSON batch format. Throws EVENT_INVALID for a mixture, which CloudEvents forbids. */
export function encodeBatch(events: readonly CloudEvent[]): StructuredMessage {
  const parts: Uint8Array[] = [Buffer.from('[')]
  for (const [index, event] of events.entries()) {
    if (event.attributes.get('specversion') !== events[0]?.attributes.get('specversion')) {
      throw invalid(`event ${index} of the batch: all events of a batch must have the same specversion`)
    }
    if (index > 0) parts.push(Buffer.from(','))
    parts.push(...envelope(event))
  }
  parts.push(Buffer.from(']'))
  return { contentType: `${BATCH_TYPE}; charset=utf-8`, body: Buffer.concat(parts) }
}

function envelope(event: CloudEvent): Uint8Array[] {
  const { attributes, data } = event
  if (data === undefined) return [Buffer.from(`${attributeMembers(attributes)}}`)]
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  switch (memberOf(event, bytes)) {
    case 'json':
      return [Buffer.from(`${attributeMembers(attributes)},"data":`), bytes, Buffer.from('}')]
    case 'text':
      return [Buffer.from(`${attributeMembers(attributes)},"data":${JSON.stringify(bytes.toString('utf8'))}}`)]
    case 'base64':
      return [Buffer.from(`${attributeMembers(attributes)}${base64Members(attributes, bytes)}}`)]
  }
}

function attributeMembers(attributes: ReadonlyMap<string, AttributeValue>): string {
  let members = ''
  for (const [name, value] of attributes) {
    members += `${members === '' ? '{' : ','}"${name}":${typeof value === 'string' ? JSON.stringify(value) : value}`
  }
  return members
}

/** How data goes into the envelope. Whatever does not fit the content type goes as base64, which fits everything. */
function memberOf(event: CloudEvent, data: Buffer): 'json' | 'text' | 'base64' {
  if (event.dataKind === 'binary' || isBase64Encoded(event.attributes)) return 'base64'
  const mediaType = event.attributes.get('datacontenttype') as string | undefined
  if (isJsonContentType(mediaType)) {
    if (event.dataKind === 'json') return 'json'
    // a body without a content type may be anything: CloudEvents forbids taking it for JSON
    return mediaType !== undefined && isCharsetUtf8(mediaType) && isJson(data) ? 'json' : 'base64'
  }
  const isText = event.dataKind === 'text' || isTextContentType(mediaType as string)
  return isText && isUtf8(data) && isTextAs(mediaType as string, data) ? 'text' : 'base64'
}

function base64Members(attributes: ReadonlyMap<string, AttributeValue>, data: Buffer): string {
  if (attributes.get('specversion') !== '0.3') return `,"data_base64":"${data.toString('base64')}"`
  if (!isBase64Encoded(attributes)) return `,"datacontentencoding":"base64","data":"${data.toString('base64')}"`
  // a 0.3 binary message that says so holds base64 text already
  const text = data.toString('latin1')
  const isEncoded = BASE64.test(text) && Buffer.from(text, 'base64').toString('base64') === text
  return `,"data":"${isEncoded ? text : data.toString('base64')}"`
}

function isCharsetUtf8(mediaType: string): boolean {
  const charset = charsetOf(mediaType)
  return charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii'
}
