import { STATUS_CODES } from 'node:http'
import type { FailureCode } from '@sluice/errors'
import { EventingError, failureOf } from '@sluice/errors'

/** Failures that a producer may see. What is not named here is ours: 500. Source: knative/eventing broker ingress. */
const STATUS: Partial<Record<FailureCode, number>> = {
  EVENT_INVALID: 400,
  EVENT_TTL_SPENT: 400,
  PATH_INVALID: 400,
  REQUEST_MALFORMED: 400,
  BROKER_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  EVENT_TOO_LARGE: 413,
  CHANNEL_EVENT_TOO_LARGE: 413,
  CONTENT_ENCODING_UNSUPPORTED: 415,
  EXPECTATION_UNSUPPORTED: 417,
  BACKLOG_FULL: 429,
  MEMORY_FULL: 429,
  HEADERS_TOO_LARGE: 431,
  CHANNEL_UNAVAILABLE: 503,
  CHANNEL_UNKNOWN: 503,
  CHANNEL_CLOSED: 503,
  DRAINING: 503,
}

const RETRY_AFTER_S = '1'

/** An answer that refuses. `headers` is in Node's raw form: name, value, name, value. */
export interface Problem {
  readonly status: number
  readonly code: FailureCode
  readonly headers: readonly string[]
  readonly body: string
}

/** RFC 9457. The detail of an error that is not ours is never shown. */
export function problemOf(error: unknown): Problem {
  const code = failureOf(error).code
  const status = STATUS[code] ?? 500
  const title = STATUS_CODES[status] ?? 'Error'
  const detail = STATUS[code] !== undefined && error instanceof EventingError ? error.message : 'internal error'
  const body = JSON.stringify({ type: 'about:blank', title, status, detail, code })
  const headers = [
    ...['Allow', 'POST, OPTIONS', 'Content-Type', 'application/problem+json'],
    ...['Content-Length', String(Buffer.byteLength(body))],
  ]
  if (status === 429 || status === 503) headers.push('Retry-After', RETRY_AFTER_S)
  if (code === 'CONTENT_ENCODING_UNSUPPORTED') headers.push('Accept-Encoding', 'identity')
  return { status, code, headers, body }
}

/** The same as bytes of HTTP/1.1, for a socket that has no response object. Closes the connection. */
export function problemBytes(problem: Problem): string {
  let head = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nConnection: close\r\n`
  for (let i = 0; i < problem.headers.length; i += 2) head += `${problem.headers[i]}: ${problem.headers[i + 1]}\r\n`
  return `${head}\r\n${problem.body}`
}
