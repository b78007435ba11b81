import { isSame, type Structural } from '@sluice/resources/api'
import { type FieldSet, LEAF, NOTHING, union } from './field-set.ts'

export type Fields = Readonly<Record<string, unknown>>
const ANYTHING: Structural = {}

/** Source: Kubernetes, metav1 ObjectMeta's list types. */
const METADATA: Structural = {
  type: 'object',
  properties: {
    finalizers: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    ownerReferences: {
      ...{ type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['uid'] },
      items: { type: 'object', 'x-kubernetes-map-type': 'atomic' },
    },
  },
}

/** The schema of a whole object, with the lists of its metadata. */
export function wholeSchema(schema: Structural): Structural {
  return { ...schema, properties: { ...schema.properties, metadata: METADATA } }
}

/** A value whose parts are owned one by one: by step, with the schema of each. Undefined: it is owned as a whole. */
export function partsOf(value: unknown, schema: Structural): ReadonlyMap<string, Part> | undefined {
  if (Array.isArray(value)) return listParts(value, schema)
  if (typeof value !== 'object' || value === null || schema['x-kubernetes-map-type'] === 'atomic') return undefined
  const known = schema.properties
  return new Map(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => {
        const own = known !== undefined && Object.hasOwn(known, name) ? known[name] : undefined
        return [`f:${name}`, { value: field, schema: own ?? schema.additionalProperties ?? ANYTHING }]
      }),
  )
}

export interface Part {
  readonly value: unknown
  readonly schema: Structural
}

/** Undefined too where the list breaks the rule of its type: keys missing, or twice. */
function listParts(list: readonly unknown[], schema: Structural): ReadonlyMap<string, Part> | undefined {
  const type = schema['x-kubernetes-list-type']
  if (type !== 'map' && type !== 'set') return undefined
  const keys = [...((schema['x-kubernetes-list-map-keys'] ?? []) as readonly string[])].sort()
  const parts = new Map<string, Part>()
  for (const value of list) {
    const step = type === 'set' ? `v:${JSON.stringify(value)}` : keyStep(value, keys)
    if (step === undefined || parts.has(step)) return undefined
    parts.set(step, { value, schema: schema.items ?? ANYTHING })
  }
  return parts
}

function keyStep(item: unknown, keys: readonly string[]): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined
  const found = keys.map((key) => [key, (item as Fields)[key]] as const)
  if (found.some(([, value]) => value === undefined)) return undefined
  return `k:${JSON.stringify(Object.fromEntries(found))}`
}

/** The value with other parts, in their order. */
export function assembled(value: unknown, parts: ReadonlyMap<string, unknown>): unknown {
  if (Array.isArray(value)) return [...parts.values()]
  return Object.fromEntries([...parts].map(([step, part]) => [step.slice(2), part]))
}

/** Every field of a value; `withContainers`: maps that hold something are fields as well. */
export function fieldsOf(value: unknown, schema: Structural, withContainers: boolean): FieldSet {
  const parts = partsOf(value, schema)
  if (parts === undefined || parts.size === 0) return LEAF
  const children = new Map(
    [...parts].map(([step, part]) => {
      const child = fieldsOf(part.value, part.schema, withContainers)
      return [step, step.startsWith('k:') ? { ...child, isMember: true } : child]
    }),
  )
  return { isMember: withContainers, children }
}

export interface Comparison {
  /** New, or with another value. */
  readonly changed: FieldSet
  readonly removed: FieldSet
}
const EQUAL: Comparison = { changed: NOTHING, removed: NOTHING }

export function compare(before: unknown, now: unknown, schema: Structural): Comparison {
  if (before === undefined && now === undefined) return EQUAL
  if (before === undefined) return { changed: fieldsOf(now, schema, true), removed: NOTHING }
  if (now === undefined) return { changed: NOTHING, removed: fieldsOf(before, schema, true) }
  const [old, next] = [partsOf(before, schema), partsOf(now, schema)]
  if (old === undefined || next === undefined || Array.isArray(before) !== Array.isArray(now))
    return isSame(before, now) ? EQUAL : { changed: LEAF, removed: NOTHING }
  const [changed, removed] = [new Map<string, FieldSet>(), new Map<string, FieldSet>()]
  for (const step of new Set([...old.keys(), ...next.keys()])) {
    const [a, b] = [old.get(step), next.get(step)]
    const found = compare(a?.value, b?.value, (b ?? a)?.schema ?? ANYTHING)
    if (found.changed.isMember || found.changed.children.size > 0) changed.set(step, found.changed)
    if (found.removed.isMember || found.removed.children.size > 0) removed.set(step, found.removed)
  }
  return { changed: { isMember: false, children: changed }, removed: { isMember: false, children: removed } }
}

/** What is applied laid over what is there. */
export function merged(live: unknown, applied: unknown, schema: Structural): unknown {
  if (live === undefined) return applied
  const [old, given] = [partsOf(live, schema), partsOf(applied, schema)]
  if (old === undefined || given === undefined || Array.isArray(live) !== Array.isArray(applied)) return applied
  const parts = new Map<string, unknown>([...old].map(([step, { value }]) => [step, value]))
  for (const [step, { value, schema: of }] of given) parts.set(step, merged(old.get(step)?.value, value, of))
  return assembled(live, parts)
}

/** Without the fields of `gone`; containers that are empty then go too, unless `kept` has them. */
export function removed(value: unknown, gone: FieldSet, kept: FieldSet, schema: Structural): unknown {
  const parts = partsOf(value, schema)
  if (parts === undefined || parts.size === 0) return gone.isMember && !kept.isMember ? undefined : value
  if (gone.children.size === 0) return value
  const left = new Map<string, unknown>()
  for (const [step, part] of parts) {
    const of = gone.children.get(step)
    const stays = of === undefined ? part.value : removedPart(step, part, of, kept.children.get(step) ?? NOTHING)
    if (stays !== undefined) left.set(step, stays)
  }
  return left.size === 0 && !kept.isMember ? undefined : assembled(value, left)
}

/** An item of a list goes with its last field, its key aside. */
function removedPart(step: string, { value, schema }: Part, gone: FieldSet, kept: FieldSet): unknown {
  const left = removed(value, gone, kept, schema)
  if (!step.startsWith('k:') || left === undefined || !gone.isMember || kept.isMember) return left
  if (kept.children.size > 0) return left
  const keys = JSON.parse(step.slice(2)) as Fields
  return Object.keys(left as Fields).every((name) => Object.hasOwn(keys, name)) ? undefined : left
}

export function unionOf(sets: readonly FieldSet[]): FieldSet {
  return sets.reduce(union, NOTHING)
}
