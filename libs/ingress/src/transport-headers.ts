import type { IncomingHttpHeaders } from 'node:http'

/**
 * Headers that travel with an event to its subscribers, beside the event's own. Everything else is dropped,
 * `Authorization` and cookies first of all. Source: knative/eventing pkg/utils/headers.go and the W3C propagators.
 */
export function transportHeaders(
  headers: IncomingHttpHeaders,
  traceparent: string | undefined,
): Readonly<Record<string, string>> | undefined {
  let kept: Record<string, string> | undefined
  for (const name in headers) {
    if (!PASSED_INITIALS.has(name.charCodeAt(0)) || !isPassed(name)) continue
    const value = headers[name]
    if (value === undefined) continue
    kept ??= {}
    kept[name] = typeof value === 'string' ? value : value.join(', ')
  }
  if (traceparent === undefined) return kept
  kept ??= {}
  kept.traceparent = traceparent
  return kept
}

const PASSED_INITIALS: ReadonlySet<number> = new Set([...'bkrtx'].map((initial) => initial.charCodeAt(0)))
const PASSED: ReadonlySet<string> = new Set(['x-request-id', 'retry-after', 'traceparent', 'tracestate', 'baggage'])

function isPassed(name: string): boolean {
  return PASSED.has(name) || name.startsWith('x-b3-') || name.startsWith('knative-')
}
