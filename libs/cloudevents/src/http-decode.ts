import { coreProblem, setProblem, textProblem } from './attribute-rules.ts'
import type { CloudEvent } from './event.ts'
import { decodeHeaderValue, isLiteral, unquoteHeaderValue } from './header-value.ts'
import { attributeOfHeader, isCloudEventHeader } from './headers.ts'
import { invalid, shown } from './invalid.ts'
import { BATCH_TYPE, charsetOf, EVENT_TYPE, essenceOf } from './media-type.ts'
import { decodeBatch, decodeStructured } from './structured-decode.ts'
import { isAbsoluteUri, isUriReference } from './uri.ts'

export type ContentMode = 'binary' | 'structured' | 'batch'

export interface Decoded {
  readonly mode: ContentMode
  /** One, or any number of a batch, none included. */
  readonly events: readonly CloudEvent[]
}

const PREFIX = 'application/cloudevents'

/**
 * Reads an HTTP message in any content mode. `rawHeaders` is Node's flat list (name, value, ...), one byte per
 * character; `body` is kept as it is, a view of it is the event's data. A binary body of zero bytes is no data.
 * Throws EVENT_INVALID, whose `problem` can be sent to the producer; nothing else.
 */
export function decodeHttp(rawHeaders: readonly string[], body: Buffer | undefined): Decoded {
  const contentType = contentTypeOf(rawHeaders)
  const mode = modeOf(contentType)
  if (mode === undefined) return { mode: 'binary', events: [decodeBinary(rawHeaders, contentType, body)] }
  const bytes = body ?? Buffer.alloc(0)
  if (mode === 'batch') return { mode, events: decodeBatch(bytes) }
  return { mode, events: [decodeStructured(bytes)] }
}

/**
 * What a message means to be: undefined when no header starts with `ce-` and the content type is no CloudEvents format.
 * Says nothing about its being valid. Throws EVENT_INVALID for a CloudEvents format other than JSON.
 */
export function contentMode(rawHeaders: readonly string[]): ContentMode | undefined {
  const mode = modeOf(contentTypeOf(rawHeaders))
  if (mode !== undefined) return mode
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (isCloudEventHeader(rawHeaders[i] as string)) return 'binary'
  }
  return undefined
}

function contentTypeOf(rawHeaders: readonly string[]): string | undefined {
  let found: string | undefined
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length !== 12 || (name.charCodeAt(0) | 0x20) !== 0x63 || name.toLowerCase() !== 'content-type') continue
    if (found !== undefined) throw invalid('header "content-type" is given twice')
    found = rawHeaders[i + 1] as string
  }
  return found === '' ? undefined : found
}

function modeOf(contentType: string | undefined): 'structured' | 'batch' | undefined {
  if (contentType === undefined || (contentType.charCodeAt(12) | 0x20) !== 0x63) return undefined // 'c'
  if (contentType.slice(0, PREFIX.length).toLowerCase() !== PREFIX) return undefined
  const format = essenceOf(contentType)
  if (format !== EVENT_TYPE && format !== BATCH_TYPE) {
    throw invalid(`event format ${shown(format)} is not supported: send ${EVENT_TYPE} or ${BATCH_TYPE}`)
  }
  const charset = charsetOf(contentType)
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw invalid(`charset ${shown(charset)} of the content type is not supported: JSON is UTF-8`)
  }
  return format === EVENT_TYPE ? 'structured' : 'batch'
}

function decodeBinary(rawHeaders: readonly string[], contentType: string | undefined, body: Buffer | undefined) {
  const attributes = new Map<string, string>()
  let count = 0
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const header = rawHeaders[i] as string
    if (!isCloudEventHeader(header)) continue
    const name = attributeOfHeader(header)
    attributes.set(name, readValue(name, rawHeaders[i + 1] as string))
    if (attributes.size !== ++count) throw invalid(`header ${shown(header.toLowerCase())} is given twice`)
  }
  if (attributes.has('datacontenttype')) {
    throw invalid('header "ce-datacontenttype" must not be sent in binary mode: Content-Type says it')
  }
  if (contentType !== undefined) {
    const problem = coreProblem('datacontenttype', contentType)
    if (problem !== undefined) throw invalid(`header "content-type" is not a media type: ${shown(contentType)}`)
    attributes.set('datacontenttype', contentType)
  }
  const problem = setProblem(attributes, (name) => `ce-${name}`)
  if (problem !== undefined) throw invalid(count === 0 ? noEvent(contentType) : problem)
  return { attributes, data: body === undefined || body.length === 0 ? undefined : body, dataKind: undefined }
}

function readValue(name: string, header: string): string {
  const value = isLiteral(header) ? header : decodeValue(name, header)
  const problem = coreProblem(name, value)
  if (problem !== undefined) throw invalid(problem)
  return value
}

function decodeValue(name: string, header: string): string {
  const value = decodeHeaderValue(header)
  if (value === undefined) throw invalid(`header ${shown(`ce-${name}`)} is not UTF-8: ${shown(header)}`)
  // Senders that do not encode (Go, Java) put a URI's own %XX into the header: decoding would spoil it
  const isUri = name === 'source' ? isUriReference : URI_NAMES.has(name) ? isAbsoluteUri : undefined
  if (isUri !== undefined && !isUri(value)) {
    const asSent = unquoteHeaderValue(header)
    if (isUri(asSent)) return asSent
  }
  const problem = textProblem(name, value)
  if (problem !== undefined) throw invalid(problem)
  return value
}

const URI_NAMES: ReadonlySet<string> = new Set(['dataschema', 'schemaurl'])

function noEvent(contentType: string | undefined): string {
  const format = contentType === undefined ? 'there is no Content-Type' : `Content-Type is ${shown(contentType)}`
  return `not a CloudEvent: no header ce-specversion, ce-id, ce-source, ce-type (binary mode), and ${format}, not ${EVENT_TYPE}`
}
