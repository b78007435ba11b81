import type { IncomingMessage } from 'node:http'
import { EventingError } from '@sluice/errors'
import { eventTooLarge } from './admission.ts'

/** Bodies by content mode, as multiples of the largest event: what the encoding may add, and how many make a batch. */
const STRUCTURED_FACTOR = 4
const BATCH_FACTOR = 16

/** Refuses what its headers alone rule out: REQUEST_MALFORMED, METHOD_NOT_ALLOWED. */
export function checkMethod(request: IncomingMessage): void {
  if (request.method !== 'POST') {
    throw new EventingError(
      { code: 'METHOD_NOT_ALLOWED', method: request.method ?? '' },
      `${request.method} is not supported here; send events by POST`,
    )
  }
  if (request.headers.host === undefined && request.httpVersionMinor > 0) {
    throw new EventingError({ code: 'REQUEST_MALFORMED', problem: 'no Host' }, 'the header Host is missing')
  }
}

/** Compressed bodies are refused by name: stored as they are, no subscriber could tell. CONTENT_ENCODING_UNSUPPORTED. */
export function checkCoding({ headers }: IncomingMessage): void {
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
 * How large a body may be before it is decoded. Binary mode: the largest event. Structured: four times as much, which
 * covers base64 and the escapes that encoders write for every script. Batched: sixteen events of full size.
 */
export function maxBodyBytes({ headers }: IncomingMessage, maxEventBytes: number): number {
  const type = headers['content-type']
  if (type === undefined || !STRUCTURED.test(type)) return maxEventBytes
  return maxEventBytes * (BATCHED.test(type) ? BATCH_FACTOR : STRUCTURED_FACTOR)
}

const STRUCTURED = /^\s*application\/cloudevents/i
const BATCHED = /^\s*application\/cloudevents-batch/i

/** A length that is announced and too large is refused before anything is read. EVENT_TOO_LARGE. */
export function checkAnnounced({ headers }: IncomingMessage, maxBytes: number): void {
  const announced = Number(headers['content-length'] ?? 0)
  if (announced > maxBytes) throw eventTooLarge(announced, maxBytes)
}
