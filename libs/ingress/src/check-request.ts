import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { EventingError } from '@sluice/errors'
import { eventTooLarge } from './admission.ts'

/** Bodies by content mode, as multiples of the largest event: what the encoding may add, and how many make a batch. */
const STRUCTURED_FACTOR = 4
const BATCH_FACTOR = 16

const STRUCTURED_TYPE = 'application/cloudevents'
const BATCH_TYPE = 'application/cloudevents-batch'

/** Refuses what method and Host alone rule out: METHOD_NOT_ALLOWED, REQUEST_MALFORMED. */
export function checkMethod(request: IncomingMessage, headers: IncomingHttpHeaders): void {
  if (request.method !== 'POST') {
    throw new EventingError(
      { code: 'METHOD_NOT_ALLOWED', method: request.method ?? '' },
      `${request.method} is not supported here; send events by POST`,
    )
  }
  const problem = request.httpVersionMajor === 1 ? hostProblem(request, headers) : `HTTP/${request.httpVersion}`
  if (problem === undefined) return
  throw new EventingError({ code: 'REQUEST_MALFORMED', problem }, `this is not HTTP/1.1 (${problem})`)
}

/** One Host, which only HTTP/1.0 may leave out. Source: RFC 9112 §3.2. */
function hostProblem({ rawHeaders, httpVersionMinor }: IncomingMessage, { host }: IncomingHttpHeaders) {
  if (host === undefined) return httpVersionMinor > 0 ? 'the header Host is missing' : undefined
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && (name.charCodeAt(0) | 0x20) === 0x68 && name.toLowerCase() === 'host') hosts++
  }
  return hosts > 1 ? 'the header Host is given twice' : undefined
}

/** Compressed bodies are refused by name: stored as they are, no subscriber could tell. CONTENT_ENCODING_UNSUPPORTED. */
export function checkCoding(headers: IncomingHttpHeaders): void {
  checkOnly('Content-Encoding', headers['content-encoding'], 'identity')
  checkOnly('Transfer-Encoding', headers['transfer-encoding'], 'chunked')
}

function checkOnly(header: string, encoding: string | undefined, supported: string): void {
  if (encoding === undefined || encoding === '' || encoding.toLowerCase() === supported) return
  throw new EventingError(
    { code: 'CONTENT_ENCODING_UNSUPPORTED', encoding },
    `${header} ${JSON.stringify(encoding)} is not supported; send the body as it is`,
  )
}

/**
 * The bytes that Content-Length announces, 0 when it announces none. EVENT_TOO_LARGE when they are more than
 * `maxBytes`: refused before anything is read.
 */
export function announcedBytes(headers: IncomingHttpHeaders, maxBytes: number): number {
  const length = headers['content-length']
  const announced = length === undefined ? 0 : Number(length)
  if (announced > maxBytes) throw eventTooLarge(announced, maxBytes)
  return announced
}

/**
 * How large a body may be before it is decoded. Binary mode: the largest event. Structured: four times as much, which
 * covers base64 and the escapes that encoders write for every script. Batched: sixteen events of full size.
 */
export function maxBodyBytes(headers: IncomingHttpHeaders, maxEventBytes: number): number {
  const contentType = headers['content-type']
  if (contentType === undefined || contentType.length < STRUCTURED_TYPE.length) return maxEventBytes
  const type = contentType.toLowerCase()
  if (!type.startsWith(STRUCTURED_TYPE)) return maxEventBytes
  return maxEventBytes * (type.startsWith(BATCH_TYPE) ? BATCH_FACTOR : STRUCTURED_FACTOR)
}
