/** What GitHub sent, parsed: nothing about it is certain. */
export type Payload = Readonly<Record<string, unknown>>

/** What is at a path such as `pull_request.number`; undefined where there is nothing, or null. */
export function at(payload: Payload, path: string): unknown {
  let value: unknown = payload
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value ?? undefined
}

/** A number or a text that is not empty, as text. */
export function textAt(payload: Payload, path: string): string | undefined {
  const value = at(payload, path)
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** RFC 3339, or the seconds since the epoch that some events have; undefined for anything else. */
export function timeAt(payload: Payload, path: string): string | undefined {
  const value = at(payload, path)
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const date = new Date(typeof value === 'number' ? value * 1_000 : value)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
