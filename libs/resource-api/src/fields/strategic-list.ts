import { badRequest } from '../store/refusals.ts'
import { isMap } from './merge-patch.ts'

type List = readonly unknown[]
export type KeyOf = (item: unknown) => unknown

/** Where items are in a list, by what they are known by; the first of equals counts. */
function ranks(list: List, keyOf: KeyOf): ReadonlyMap<unknown, number> {
  const found = new Map<unknown, number>()
  for (const [i, item] of list.entries()) if (!found.has(keyOf(item))) found.set(keyOf(item), i)
  return found
}

/**
 * Items named in `patchOrder` in that order, the others in that of `serverOrder`, each of them before what it was
 * before. Source: Kubernetes, apimachinery strategicpatch, normalizeElementOrder.
 */
export function ordered(list: List, patchOrder: List, serverOrder: List, keyOf: KeyOf): List {
  const [patchRanks, serverRanks] = [ranks(patchOrder, keyOf), ranks(serverOrder, keyOf)]
  const rank = (item: unknown, of: ReadonlyMap<unknown, number>) => of.get(keyOf(item)) ?? serverOrder.length
  const isNamed = (item: unknown) => patchRanks.has(keyOf(item))
  const named = list.filter(isNamed).sort((a, b) => rank(a, patchRanks) - rank(b, patchRanks))
  const others = list.filter((item) => !isNamed(item)).sort((a, b) => rank(a, serverRanks) - rank(b, serverRanks))
  const all: unknown[] = []
  let [i, j] = [0, 0]
  while (i < others.length && j < named.length) {
    const [left, right] = [serverRanks.get(keyOf(others[i])), serverRanks.get(keyOf(named[j]))]
    if (left !== undefined && right !== undefined && left < right) all.push(others[i++])
    else all.push(named[j++])
  }
  return [...all, ...others.slice(i), ...named.slice(j)]
}

/** A list of plain values with those of the patch. */
export function withValues(live: List, patch: List): List {
  const all = [...new Set([...live, ...patch])]
  return ordered(all, patch, live, (item) => item)
}

/**
 * A list of maps with those of the patch: by `key` the same are merged, `$patch: delete` takes one away, `$patch:
 * replace` all. Throws BadRequest for items without their key and for other directives.
 */
export function withItems(
  live: List,
  patch: List,
  key: string,
  path: string,
  merge: (live: unknown, patch: Record<string, unknown>) => unknown,
): List {
  const keyOf = byKey(key)
  const [gone, plain] = [new Set<unknown>(), [] as Record<string, unknown>[]]
  let isReplaced = false
  for (const item of patch) {
    if (!isMap(item)) throw badRequest(`${path}: an item must be an object`)
    const { $patch: directive } = item
    if (directive === 'replace') isReplaced = true
    else if (directive !== undefined && directive !== 'delete')
      throw badRequest(`${path}: $patch of an item must be delete or replace`)
    else if (item[key] === undefined) throw badRequest(`${path}: an item lacks its key ${key}`)
    else if (directive === 'delete') gone.add(item[key])
    else plain.push(item)
  }
  if (isReplaced) return plain.map((item) => merge(undefined, item))
  const kept = live.filter((item) => !gone.has(keyOf(item)))
  const result: unknown[] = [...kept]
  const at = new Map(ranks(kept, keyOf))
  for (const item of plain) {
    const i = at.get(item[key])
    if (i !== undefined) result[i] = merge(result[i], item)
    else at.set(item[key], result.push(merge(undefined, item)) - 1)
  }
  return ordered(result, plain, kept, keyOf)
}

export function byKey(key: string): KeyOf {
  return (item) => (isMap(item) ? item[key] : undefined)
}

/** Throws BadRequest where what the patch has is not in the order it says. */
export function checkOrder(patch: List, order: List, keyOf: KeyOf, name: string): void {
  const given = patch.filter((item) => !isMap(item) || item.$patch === undefined)
  if (order.length === 0) return
  let i = 0
  for (const item of order) if (i < given.length && keyOf(given[i]) === keyOf(item)) i++
  if (i < given.length) throw badRequest(`the order of the list in the patch does not match ${name}`)
}
