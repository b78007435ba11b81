import { badRequest } from '../store/refusals.ts'

/** No object of the API is deeper. */
const MAX_DEPTH = 200

/** RFC 7386: null removes. Throws BadRequest for what is no object. */
export function mergePatched(object: unknown, patch: unknown): unknown {
  if (!isMap(patch)) throw badRequest('a merge patch must be an object')
  return merge(object, patch, 0)
}

function merge(target: unknown, patch: unknown, depth: number): unknown {
  if (!isMap(patch)) return patch
  if (depth > MAX_DEPTH) throw badRequest(`the patch is nested more than ${MAX_DEPTH} levels deep`)
  const fields = new Map(isMap(target) ? Object.entries(target) : [])
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) fields.delete(name)
    else if (name !== '__proto__') fields.set(name, merge(fields.get(name), value, depth + 1))
  }
  return Object.fromEntries(fields)
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
