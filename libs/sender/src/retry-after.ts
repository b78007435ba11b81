const SECONDS = /^\d+$/

/** Statuses whose `Retry-After` counts. Source: knative/eventing pkg/kncloudevents/retries.go. */
const STATUSES: ReadonlySet<number> = new Set([429, 503])

/** The `Retry-After` of an answer that may ask for a wait. */
export function retryAfterOf(status: number, headers: Record<string, unknown>): string | undefined {
  const value = STATUSES.has(status) ? headers['retry-after'] : undefined
  return typeof value === 'string' ? value.trim() : undefined
}

/**
 * Milliseconds that a `Retry-After` asks for, at most `maxMs`: whole seconds, or a date against `now` (ms since the
 * epoch). 0 where it is neither, is past, or is not looked at because `maxMs` is 0 or absent. Source: RFC 9110 10.2.3.
 */
export function retryAfterMs(header: string | undefined, maxMs: number | undefined, now: number): number {
  if (header === undefined || maxMs === undefined) return 0
  const askedMs = SECONDS.test(header) ? Number(header) * 1_000 : httpDate(header) - now
  return askedMs > 0 ? Math.min(askedMs, maxMs) : 0
}

const HTTP_DATE = /^[A-Z][a-z]{2,8},? [ \dA-Za-z:-]{10,30}$/

/** The three forms of RFC 9110 5.6.7; NaN for anything else that a date parser might take. */
function httpDate(text: string): number {
  if (!HTTP_DATE.test(text)) return Number.NaN
  // The form of asctime names no zone and means UTC.
  return Date.parse(text.endsWith(' GMT') ? text : `${text} GMT`)
}
