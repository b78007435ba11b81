const EXACT: ReadonlySet<string> = new Set(['x-request-id', 'retry-after'])
const PREFIXES = ['knative-', 'x-b3-'] as const
const TRACE = ['traceparent', 'tracestate', 'baggage'] as const

/**
 * Headers a reply takes with it: of the response what the allow-list names, of the delivery its trace. Everything else
 * is dropped. Source: knative/eventing pkg/utils/headers.go. `raw` is flat pairs.
 */
export function replyHeaders(
  raw: readonly string[],
  delivered: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {}
  for (const name of TRACE) {
    const value = delivered?.[name]
    if (value !== undefined) kept[name] = value
  }
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase()
    if (!EXACT.has(name) && !PREFIXES.some((prefix) => name.startsWith(prefix))) continue
    kept[name] = name in kept ? `${kept[name]}, ${raw[i + 1]}` : (raw[i + 1] as string)
  }
  return kept
}
