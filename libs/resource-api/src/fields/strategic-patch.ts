import type { ApiObject } from '@sluice/resources/api'
import { badRequest, refused } from '../store/refusals.ts'
import { isMap } from './merge-patch.ts'
import { byKey, checkOrder, type KeyOf, ordered, withItems, withValues } from './strategic-list.ts'

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

/**
 * Strategic merge patch, for Kubernetes' own kinds. Throws UnsupportedMediaType for others, as their CRDs do; BadRequest.
 * Source: Kubernetes, apimachinery strategicpatch; replay-patches.test.ts has what it answers.
 */
export function strategicPatched(object: ApiObject, patch: unknown): unknown {
  if (object.apiVersion.includes('/'))
    throw refused(
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    )
  if (!isMap(patch)) throw badRequest('a strategic merge patch must be an object')
  return mergeMap(object, patch, '', 0)
}

type Fields = Map<string, unknown>
interface Place {
  readonly path: string
  readonly depth: number
}

function mergeMap(target: unknown, patch: Record<string, unknown>, path: string, depth: number): unknown {
  if (depth > MAX_DEPTH) throw badRequest(`the patch is nested more than ${MAX_DEPTH} levels deep`)
  const directive = patch[PATCH]
  const rest = Object.entries(patch).filter(([name]) => name !== PATCH && name !== RETAIN_KEYS && name !== '__proto__')
  if (directive === 'delete') return {}
  if (directive === 'replace') return withoutDirectives(Object.fromEntries(rest), depth)
  if (directive !== undefined) throw badRequest(`${PATCH} must be delete or replace`)
  const fields: Fields = new Map(isMap(target) ? Object.entries(target) : [])
  if (patch[RETAIN_KEYS] !== undefined) retain(fields, patch[RETAIN_KEYS], rest)
  const place = { path, depth }
  const done = new Set<string>()
  for (const [name, order] of rest)
    if (name.startsWith(ORDER)) {
      const list = name.slice(ORDER.length)
      done.add(list)
      mergeInOrder(fields, list, listOf(order, name), patch[list], place)
    }
  for (const [name, value] of rest) if (!name.startsWith('$') && !done.has(name)) mergeField(fields, name, value, place)
  for (const [name, value] of rest)
    if (name.startsWith(DELETE_PRIMITIVES)) {
      const list = name.slice(DELETE_PRIMITIVES.length)
      const [there, gone] = [fields.get(list), new Set(listOf(value, name))]
      if (Array.isArray(there))
        fields.set(
          list,
          there.filter((item) => !gone.has(item)),
        )
    }
  return Object.fromEntries(fields)
}

/** Throws BadRequest where the patch says something that is not to be retained. */
function retain(fields: Fields, given: unknown, rest: readonly (readonly [string, unknown])[]): void {
  const names = new Set(listOf(given, RETAIN_KEYS))
  const stray = rest.find(([name, value]) => value !== null && !name.startsWith('$') && !names.has(name))
  if (stray !== undefined) throw badRequest(`${RETAIN_KEYS} lacks ${stray[0]}, which the patch sets`)
  for (const name of [...fields.keys()]) if (!names.has(name)) fields.delete(name)
}

function mergeField(fields: Fields, name: string, value: unknown, { path, depth }: Place): void {
  const [there, at] = [fields.get(name), below(path, name)]
  if (value === null) fields.delete(name)
  else if (Array.isArray(value) && Array.isArray(there)) fields.set(name, mergeList(there, value, at, depth + 1))
  else if (isMap(value) && isMap(there)) fields.set(name, mergeMap(there, value, at, depth + 1))
  else {
    const bare = withoutDirectives(value, depth + 1)
    if (bare === undefined) fields.delete(name)
    else fields.set(name, bare)
  }
}

/** A list with what the patch has of it, in the order the patch says. */
function mergeInOrder(fields: Fields, name: string, order: readonly unknown[], given: unknown, place: Place): void {
  const [there, at] = [fields.get(name), below(place.path, name)]
  if (given === undefined && there === undefined) return
  const [live, patch] = [listOf(there ?? [], name), listOf(given === undefined ? [] : given, name)]
  const keyOf = keyOfList(at)
  if (keyOf !== SELF && order.some((item) => keyOf(item) === undefined))
    throw badRequest(`${ORDER}${name}: an item lacks its key ${LISTS[at]}`)
  checkOrder(patch, order, keyOf, ORDER + name)
  const depth = place.depth + 1
  const merged =
    there === undefined
      ? withoutDirectives(patch, depth)
      : given === undefined
        ? live
        : mergeList(live, patch, at, depth)
  fields.set(name, ordered(merged as readonly unknown[], order, live, keyOf))
}

function mergeList(
  live: readonly unknown[],
  patch: readonly unknown[],
  path: string,
  depth: number,
): readonly unknown[] {
  const rule = LISTS[path]
  if (rule === undefined) return patch
  if (rule === 'primitive') return withValues(live, patch)
  return withItems(live, patch, rule, path, (item, given) => mergeMap(item, given, `${path}[]`, depth + 1))
}

const SELF: KeyOf = (item) => item

function keyOfList(path: string): KeyOf {
  const rule = LISTS[path]
  return rule === undefined || rule === 'primitive' ? SELF : byKey(rule)
}

/** What a patch says where nothing is: without nulls, and without what is only to be taken away. */
function withoutDirectives(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw badRequest(`the patch is nested more than ${MAX_DEPTH} levels deep`)
  if (Array.isArray(value))
    return value.map((item) => withoutDirectives(item, depth + 1)).filter((item) => item !== undefined)
  if (!isMap(value)) return value
  if (value[PATCH] !== undefined) return undefined
  const fields = Object.entries(value).filter(
    ([name, field]) => field !== null && !name.startsWith('$') && name !== '__proto__',
  )
  return Object.fromEntries(
    fields
      .map(([name, field]) => [name, withoutDirectives(field, depth + 1)])
      .filter(([, field]) => field !== undefined),
  )
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw badRequest(`${name} must be a list`)
}
