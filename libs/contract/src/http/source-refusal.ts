import type { Failure } from '@sluice/errors'

/** A refusal about a source, from the code and the fields of a problem; undefined for any other. */
export function sourceRefusal(code: unknown, fields: Readonly<Record<string, unknown>>): Failure | undefined {
  const text = (name: string) => String(fields[name] ?? '').slice(0, 1_000)
  const count = (name: string) => Number(fields[name] ?? 0)
  if (code === 'SOURCE_NOT_HELD') return { code, source: text('source') }
  if (code === 'SOURCE_SECRET_MISSING')
    return { code, source: text('source'), secret: text('secret'), reason: text('reason') }
  if (code === 'SOURCE_STATE_TOO_LARGE')
    return { code, source: text('source'), bytes: count('bytes'), maxBytes: count('maxBytes') }
  if (code === 'SOURCE_STATE_UNAVAILABLE') return { code, reason: text('reason') }
  return undefined
}
