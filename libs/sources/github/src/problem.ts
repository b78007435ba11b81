import { STATUS_CODES } from 'node:http'
import { EventingError, type FailureCode, failureOf } from '@sluice/errors'

/** Failures that whoever sends a webhook may see. What is not named here is ours: 500. */
const STATUS: Partial<Record<FailureCode, number>> = {
  REQUEST_MALFORMED: 400,
  EVENT_INVALID: 400,
  SIGNATURE_INVALID: 400,
  SOURCE_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  DELIVERY_REPLAYED: 409,
  EVENT_TOO_LARGE: 413,
  CONTENT_TYPE_UNSUPPORTED: 415,
  CONTENT_ENCODING_UNSUPPORTED: 415,
  SOURCE_UNAVAILABLE: 503,
  DRAINING: 503,
}

const RETRY_AFTER_S = 1

/** An answer that refuses, RFC 9457. The detail of an error that is not ours is never shown. */
export interface Problem {
  readonly status: number
  readonly code: FailureCode
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function problemOf(error: unknown): Problem {
  const failure = failureOf(error)
  const { code } = failure
  const status = STATUS[code] ?? 500
  const detail = STATUS[code] !== undefined && error instanceof EventingError ? error.message : 'internal error'
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' }
  if (status === 503) headers['retry-after'] = String(secondsOf(failure))
  if (status === 405) headers.allow = 'POST'
  const body = JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, code })
  return { status, code, headers, body }
}

function secondsOf(failure: ReturnType<typeof failureOf>): number {
  const ms = failure.code === 'SOURCE_UNAVAILABLE' ? failure.retryAfterMs : 0
  return Math.max(RETRY_AFTER_S, Math.ceil(ms / 1_000))
}
