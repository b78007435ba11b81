const PASSED: ReadonlySet<string> = new Set(['x-request-id', 'retry-after', 'traceparent', 'tracestate', 'baggage'])

/**
 * Headers that travel with an event to its subscribers, beside the event's own, names in lower case; `raw` is Node's
 * flat list. Everything else is dropped, `Authorization` and cookies first of all. `traceparent` is that of our own
 * span, if there is one. Source: knative/eventing pkg/utils/headers.go and the W3C propagators.
 */
export function transportHeaders(
  raw: readonly string[],
  traceparent: string | undefined,
): Readonly<Record<string, string>> | undefined {
  let kept: Record<string, string> | undefined
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const header = raw[i] as string
    if (!mayPass(header.charCodeAt(0))) continue
    const name = header.toLowerCase()
    if (!PASSED.has(name) && !name.startsWith('x-b3-') && !name.startsWith('knative-')) continue
    kept ??= {}
    const before = kept[name]
    const value = raw[i + 1] as string
    kept[name] = before === undefined ? value : `${before}, ${value}`
  }
  if (traceparent === undefined) return kept
  return { ...kept, traceparent }
}

/** By the first letter, in any case: nearly every header is dropped without a look at the rest of its name. */
function mayPass(initial: number): boolean {
  switch (initial | 0x20) {
    case 0x62: // b
    case 0x6b: // k
    case 0x72: // r
    case 0x74: // t
    case 0x78: // x
      return true
    default:
      return false
  }
}
