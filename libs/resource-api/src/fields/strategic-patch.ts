import { type ApiObject, isSame } from '@sluice/resources/api'
import { badRequest, refused } from '../store/refusals.ts'
import { isMap } from './merge-patch.ts'

const MAX_DEPTH = 200
const [PATCH, RETAIN_KEYS] = ['$patch', '$retainKeys']
const [DELETE_PRIMITIVES, ORDER] = ['$deleteFromPrimitiveList/', '$setElementOrder/']

/**
 * How lists merge, by path from the root; others are replaced. Source: Kubernetes, core/v1 and metav1 types,
 * patchStrategy and patchMergeKey.
 */
const LISTS: Readonly<Record<string, string | 'primitive'>> = {
  'metadata.finalizers': 'primitive',
  'metadata.ownerReferences': 'uid',
  'spec.ports': 'port',
  'status.conditions': 'type',
}

/** Strategic merge patch, for Kubernetes' own kinds. Throws UnsupportedMediaType for others, as their CRDs do; BadRequest. */
export function strategicPatched(object: ApiObject, patch: unknown): unknown {
  if (object.apiVersion.includes('/'))
    throw refused(
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    )
  if (!isMap(patch)) throw badRequest('a strategic merge patch must be an object')
  return mergeMap(object, patch, '', 0) ?? {}
}

/** Undefined: the patch deletes it. */
function mergeMap(target: unknown, patch: Record<string, unknown>, path: string, depth: number): unknown {
  if (depth > MAX_DEPTH) throw badRequest(`the patch is nested more than ${MAX_DEPTH} levels deep`)
  const directive = patch[PATCH]
  if (directive === 'delete') return undefined
  const rest = Object.entries(patch).filter(([name]) => name !== PATCH && name !== RETAIN_KEYS && name !== '__proto__')
  if (directive === 'replace') return Object.fromEntries(rest)
  if (directive !== undefined && directive !== 'merge') throw badRequest(`${PATCH} must be delete, replace or merge`)
  const fields = new Map(isMap(target) ? Object.entries(target) : [])
  const retained = patch[RETAIN_KEYS]
  if (Array.isArray(retained)) for (const name of [...fields.keys()]) if (!retained.includes(name)) fields.delete(name)
  const at = (name: string) => (path === '' ? name : `${path}.${name}`)
  for (const [name, value] of rest.filter(([name]) => name.startsWith(DELETE_PRIMITIVES))) {
    const list = name.slice(DELETE_PRIMITIVES.length)
    const gone = listOf(value, name)
    const left = listOf(fields.get(list) ?? [], list).filter((item) => !gone.includes(item))
    fields.set(list, left)
  }
  for (const [name, value] of rest) {
    if (name.startsWith('$')) continue
    if (value === null) fields.delete(name)
    else if (Array.isArray(value)) fields.set(name, mergeList(fields.get(name), value, at(name), depth + 1))
    else if (isMap(value)) {
      const merged = mergeMap(fields.get(name), value, at(name), depth + 1)
      if (merged === undefined) fields.delete(name)
      else fields.set(name, merged)
    } else fields.set(name, value)
  }
  for (const [name, order] of rest.filter(([name]) => name.startsWith(ORDER))) {
    const list = name.slice(ORDER.length)
    const there = fields.get(list)
    if (Array.isArray(there)) fields.set(list, ordered(there, listOf(order, name), LISTS[at(list)]))
  }
  return Object.fromEntries(fields)
}

function mergeList(target: unknown, patch: readonly unknown[], path: string, depth: number): readonly unknown[] {
  const rule = LISTS[path]
  const old = Array.isArray(target) ? (target as readonly unknown[]) : []
  if (rule === undefined) return patch
  if (rule === 'primitive') return [...old, ...patch.filter((item) => !old.includes(item))]
  const isReplaced = patch.some((item) => isMap(item) && item[PATCH] === 'replace' && item[rule] === undefined)
  const items = patch.filter((item) => !(isMap(item) && item[PATCH] === 'replace' && item[rule] === undefined))
  let merged: readonly unknown[] = isReplaced ? [] : old
  for (const item of items) {
    if (!isMap(item) || item[rule] === undefined) throw badRequest(`${path}: an item lacks its key ${rule}`)
    const i = merged.findIndex((each) => isMap(each) && isSame(each[rule], item[rule]))
    const next = mergeMap(i < 0 ? undefined : merged[i], item, '', depth + 1)
    const before = i < 0 ? merged : merged.toSpliced(i, 1)
    if (next !== undefined) merged = i < 0 ? [...merged, next] : merged.with(i, next)
    else merged = before
  }
  return merged
}

/** Those that are named in their order, each of the others after what it came after. */
function ordered(list: readonly unknown[], order: readonly unknown[], rule: string | undefined): readonly unknown[] {
  const keyOf = (item: unknown) => (rule !== undefined && rule !== 'primitive' && isMap(item) ? item[rule] : item)
  const rank = new Map(order.map((item, i) => [keyOf(item), i]))
  let last = -1
  const ranked = list.map((item, i) => {
    last = rank.get(keyOf(item)) ?? last
    return { item, i, at: last }
  })
  return ranked.sort((a, b) => a.at - b.at || a.i - b.i).map(({ item }) => item)
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw badRequest(`${name} must be a list`)
}
