import { createHash } from 'node:crypto'

/** 128 bits of SHA-256 over the row's content in a canonical order of keys; `hash` itself and absent fields left out. */
export function hashOf(row: object): string {
  const { hash: _, ...content } = row as { hash?: unknown }
  return createHash('sha256').update(canonical(content)).digest('base64url').slice(0, 22)
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
