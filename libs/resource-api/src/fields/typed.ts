import { isSame, type Structural } from '@sluice/resources/api'
import { type FieldSet, isEmpty, LEAF, NOTHING } from './field-set.ts'
import { below, declared } from './schema.ts'

type Json = Readonly<Record<string, unknown>>
type Parts = ReadonlyMap<string, unknown>

/** A value whose parts are owned one by one, by step. Undefined: it is owned as a whole. */
export function partsOf(value: unknown, schema: Structural): Parts | undefined {
  if (Array.isArray(value)) return itemsOf(value, schema)
  if (!isMap(value) || schema['x-kubernetes-map-type'] === 'atomic') return undefined
  const parts = new Map<string, unknown>()
  for (const [name, field] of Object.entries(value)) if (field !== undefined) parts.set(`f:${name}`, field)
  return parts
}

/** Undefined too where an item lacks its keys. Of items that are the same the first counts: updates may repeat them. */
function itemsOf(list: readonly unknown[], schema: Structural): Parts | undefined {
  const stepOf = stepIn(schema)
  if (stepOf === undefined) return undefined
  const parts = new Map<string, unknown>()
  for (const item of list) {
    const step = stepOf(item)
    if (step === undefined) return undefined
    if (!parts.has(step)) parts.set(step, item)
  }
  return parts
}

function stepIn(schema: Structural): ((item: unknown) => string | undefined) | undefined {
  const type = schema['x-kubernetes-list-type']
  if (type === 'set') return (item) => `v:${JSON.stringify(item)}`
  if (type !== 'map') return undefined
  const keys = [...((schema['x-kubernetes-list-map-keys'] ?? []) as readonly string[])].sort()
  return (item) => keyStep(item, keys, schema)
}

/** What of a value can't be applied: items without their keys or twice, by path. */
export function brokenLists(value: unknown, schema: Structural, path = ''): readonly string[] {
  if (Array.isArray(value)) {
    const stepOf = stepIn(schema)
    if (stepOf === undefined) return []
    const steps = value.map(stepOf)
    if (steps.includes(undefined))
      return [`${path}: an item lacks its key (${String(schema['x-kubernetes-list-map-keys'])})`]
    const seen = new Set<unknown>()
    const twice = steps.find((step) => seen.size === seen.add(step).size)
    if (twice !== undefined) return [`${path}: duplicate entries for ${twice.slice(2)}`]
  }
  const parts = partsOf(value, schema) ?? new Map()
  return [...parts].flatMap(([step, part]) => brokenLists(part, below(schema, step), `${path}.${step.slice(2)}`))
}

function keyStep(item: unknown, keys: readonly string[], { items }: Structural): string | undefined {
  if (!isMap(item)) return undefined
  const found = keys.map((key) => [key, item[key] ?? declared(items ?? {}, key)?.default] as const)
  if (found.some(([, value]) => value === undefined)) return undefined
  return `k:${JSON.stringify(Object.fromEntries(found))}`
}

/** The value with other parts, in their order. */
export function assembled(value: unknown, parts: Parts): unknown {
  if (Array.isArray(value)) return [...parts.values()]
  return Object.fromEntries([...parts].map(([step, part]) => [step.slice(2), part]))
}

/** What who applies a value owns. Source: structured-merge-diff, typed/tofieldset.go. */
export function fieldsOf(value: unknown, schema: Structural): FieldSet {
  const parts = partsOf(value, schema)
  if (parts === undefined) return LEAF
  const children = new Map<string, FieldSet>()
  for (const [step, part] of parts) {
    const child = fieldsOf(part, below(schema, step))
    const isField = step.startsWith('f:') && declared(schema, step.slice(2)) !== undefined
    const own = isField && !isEmptyMap(part) ? child : { ...child, isMember: true }
    if (!isEmpty(own)) children.set(step, own)
  }
  return { isMember: false, children }
}

/** Every field of a value and whatever holds some. */
export function everyFieldOf(value: unknown, schema: Structural): FieldSet {
  const parts = partsOf(value, schema)
  if (parts === undefined || parts.size === 0) return LEAF
  const children = new Map<string, FieldSet>()
  for (const [step, part] of parts) children.set(step, everyFieldOf(part, below(schema, step)))
  return { isMember: true, children }
}

export interface Comparison {
  /** New, or with another value. */
  readonly changed: FieldSet
  readonly removed: FieldSet
}
const EQUAL: Comparison = { changed: NOTHING, removed: NOTHING }

/** Source: structured-merge-diff, typed/compare.go. */
export function compare(before: unknown, now: unknown, schema: Structural): Comparison {
  if (before === now) return EQUAL
  if (before === undefined) return { changed: everyFieldOf(now, schema), removed: NOTHING }
  if (now === undefined) return { changed: NOTHING, removed: everyFieldOf(before, schema) }
  const [old, next] = [partsOf(before, schema), partsOf(now, schema)]
  if (old === undefined || next === undefined || Array.isArray(before) !== Array.isArray(now))
    return isSame(before, now) ? EQUAL : { changed: LEAF, removed: withoutRoot(everyFieldOf(before, schema)) }
  const [changed, removed] = [new Map<string, FieldSet>(), new Map<string, FieldSet>()]
  const visit = (step: string, a: unknown, b: unknown) => {
    const found = compare(a, b, below(schema, step))
    if (!isEmpty(found.changed)) changed.set(step, found.changed)
    if (!isEmpty(found.removed)) removed.set(step, found.removed)
  }
  for (const [step, part] of old) visit(step, part, next.get(step))
  for (const [step, part] of next) if (!old.has(step)) visit(step, undefined, part)
  return { changed: { isMember: false, children: changed }, removed: { isMember: false, children: removed } }
}

/** What is applied laid over what is there. Source: structured-merge-diff, typed/merge.go. */
export function merged(live: unknown, applied: unknown, schema: Structural): unknown {
  if (live === undefined) return applied
  const [old, given] = [partsOf(live, schema), partsOf(applied, schema)]
  // null says nothing of what others put in
  if (applied === null && old !== undefined && old.size > 0) return live
  if (old === undefined || given === undefined || Array.isArray(live) !== Array.isArray(applied)) return applied
  const parts = new Map<string, unknown>()
  const order = Array.isArray(live) ? listOrder([...old.keys()], [...given.keys()]) : [...old.keys(), ...given.keys()]
  for (const step of order)
    parts.set(step, given.has(step) ? merged(old.get(step), given.get(step), below(schema, step)) : old.get(step))
  return assembled(live, parts)
}

/** The items that are applied keep their order, each of the others its place before those it stood before. */
function listOrder(live: readonly string[], applied: readonly string[]): readonly string[] {
  const [isLive, isApplied] = [new Set(live), new Set(applied)]
  const shared = applied.filter((step) => isLive.has(step))
  const order = new Set<string>()
  let [l, a, next] = [0, 0, 0]
  while (l < live.length || a < applied.length) {
    const [left, right] = [live[l], applied[a]]
    if (left !== undefined && right !== undefined) {
      if (left === right) {
        order.add(left)
        ;[l, a, next] = [l + 1, a + 1, next + 1]
        continue
      }
      if (isApplied.has(left) && shared[next] !== undefined && shared[next] !== left) {
        l++
        continue
      }
    }
    if (left !== undefined) {
      if (!isApplied.has(left)) {
        order.add(left)
        l++
        continue
      }
      if (order.has(left)) l++
    }
    if (right !== undefined) {
      order.add(right)
      a++
      if (shared[next] === right) next++
    }
  }
  return [...order]
}

/**
 * Without the fields of a set, nor what is below them. What then is empty stays, as null in between: who owns it has
 * not given it up. (Kubernetes leaves the null.) Source: structured-merge-diff, typed/remove.go.
 */
export function removed(value: unknown, gone: FieldSet, schema: Structural, isLast = false): unknown {
  const parts = partsOf(value, schema)
  if (parts === undefined) return typeof value === 'object' ? null : value
  const left = new Map<string, unknown>()
  for (const [step, part] of parts) {
    const of = gone.children.get(step)
    if (of?.isMember) continue
    left.set(step, of === undefined ? part : removed(part, of, below(schema, step), isLast))
  }
  return left.size === 0 && !isLast ? null : assembled(value, left)
}

/** The set with every declared field that has something below it in the set. */
export function named(set: FieldSet, schema: Structural): FieldSet {
  const children = new Map<string, FieldSet>()
  for (const [step, child] of set.children) {
    const whole = child.children.size === 0 ? child : named(child, below(schema, step))
    const isField = step.startsWith('f:') && declared(schema, step.slice(2)) !== undefined
    children.set(step, isField && child.children.size > 0 ? { ...whole, isMember: true } : whole)
  }
  return { isMember: set.isMember, children }
}

export function withoutRoot({ children }: FieldSet): FieldSet {
  return { isMember: false, children }
}

function isEmptyMap(value: unknown): boolean {
  return value === null || (isMap(value) && Object.keys(value).length === 0)
}

export function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
