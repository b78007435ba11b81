import { type ApiObject, isSame, type Structural } from '@sluice/resources/api'
import {
  difference,
  type FieldSet,
  intersection,
  isEmpty,
  isSameSet,
  NOTHING,
  pathsOf,
  union,
  without,
} from './field-set.ts'
import type { Conflict, Fields, Writer } from './fields.ts'
import { isBy, type Manager, managersOf, ownable, shown, withManagers } from './managers.ts'
import { compare, fieldsOf, merged, removed, unionOf, wholeSchema } from './typed.ts'

const BEFORE_FIRST_APPLY = 'before-first-apply'
/** kubectl's two ways to apply know of each other. Source: Kubernetes, managedfields/internal/lastappliedmanager.go. */
const KUBECTL = 'kubectl'
const KUBECTL_CLIENT_SIDE = 'kubectl-client-side-apply'
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** Ownership of fields, as Kubernetes keeps it. Source: Kubernetes, apimachinery managedfields; structured-merge-diff. */
export const fields: Fields = { apply, update }

function apply(input: Parameters<Fields['apply']>[0]): ReturnType<Fields['apply']> {
  const { live, writer, force } = input
  const schema = wholeSchema(input.schema)
  const applied = withLastApplied(live, input.applied, writer)
  const given = ownable(applied, schema, writer.subresource)
  const managers = managersOf(live) ?? beforeFirstApply(live, schema, writer)
  const before = managers.find((each) => isBy(each, writer, 'Apply'))
  const others = managers.filter((each) => each !== before)
  const set = isEmptyObject(given) ? NOTHING : fieldsOf(given, schema, false)
  const old = ownable(live, schema, writer.subresource)
  const laid = merged(old ?? {}, given, schema)
  const { changed } = compare(old, laid, schema)
  const contested = others.map((other) => ({ other, fields: intersection(other.set, changed) }))
  const conflicts = contested
    .filter(({ other }) => !isForced(other, live, writer))
    .flatMap(({ other, fields }) => pathsOf(fields).map((field): Conflict => ({ manager: shown(other), field })))
  if (conflicts.length > 0 && !force) return { conflicts }
  const losing = contested.map(({ other, fields }) => ({ ...other, set: without(other.set, fields) }))
  const kept = unionOf([set, ...losing.map((each) => each.set)])
  const gone = difference(before?.set ?? NOTHING, kept)
  const left = isEmpty(gone) ? laid : (removed(laid, gone, kept, schema) ?? {})
  const object = together(live ?? applied, left, schema, writer)
  const isSameAsBefore = before !== undefined && isSameSet(before.set, set) && isSame(old, left)
  const own: Manager = {
    ...{ manager: writer.manager, operation: 'Apply', apiVersion: applied.apiVersion, set },
    ...{ time: isSameAsBefore ? (before.time ?? writer.time) : writer.time },
    ...(writer.subresource !== undefined && { subresource: writer.subresource }),
  }
  return { object: withManagers(object, [...losing, own]) }
}

/** What was there before anybody applied is the field of somebody, so that nothing is taken over silently. */
function beforeFirstApply(live: ApiObject | undefined, schema: Structural, writer: Writer): readonly Manager[] {
  if (live === undefined) return []
  const own = ownable(live, schema, undefined)
  if (isEmptyObject(own)) return []
  const set = fieldsOf(own, schema, true)
  return [
    {
      ...{ manager: BEFORE_FIRST_APPLY, operation: 'Update', apiVersion: live.apiVersion, time: writer.time },
      set: { ...set, isMember: false },
    },
  ]
}

/** kubectl takes over from itself what it applied client-side. */
function isForced(other: Manager, live: ApiObject | undefined, writer: Writer): boolean {
  if (writer.manager !== KUBECTL || other.manager !== KUBECTL_CLIENT_SIDE || other.operation !== 'Update') return false
  return lastApplied(live) !== undefined
}

/** kubectl's annotation goes along, so that it may go back to client-side apply. */
function withLastApplied(live: ApiObject | undefined, applied: ApiObject, writer: Writer): ApiObject {
  if (writer.manager !== KUBECTL || lastApplied(live) === undefined) return applied
  const { [LAST_APPLIED]: _, ...annotations } = (applied.metadata.annotations ?? {}) as Record<string, string>
  const rest = { ...applied, metadata: { ...applied.metadata, annotations } }
  const text = `${JSON.stringify(rest)}\n`
  return { ...applied, metadata: { ...applied.metadata, annotations: { ...annotations, [LAST_APPLIED]: text } } }
}

function lastApplied(object: ApiObject | undefined): string | undefined {
  return ((object?.metadata.annotations ?? {}) as Readonly<Record<string, string>>)[LAST_APPLIED]
}

/** The whole object with the part that was written. */
function together(base: ApiObject, written: unknown, schema: Structural, { subresource }: Writer): ApiObject {
  const { metadata = {}, status, ...rest } = written as Partial<ApiObject>
  if (subresource === 'status') {
    const { status: _, ...others } = base
    return { ...(others as ApiObject), ...(status !== undefined && { status }) }
  }
  const kept = Object.fromEntries(
    Object.entries(base.metadata).filter(([name]) => !Object.hasOwn(ownMetadata(base, schema), name)),
  )
  const { apiVersion, kind } = base
  const said = schema.properties?.status === undefined ? status : base.status
  return { ...rest, apiVersion, kind, metadata: { ...kept, ...metadata }, ...(said !== undefined && { status: said }) }
}

function ownMetadata(object: ApiObject, schema: Structural): object {
  return (ownable(object, schema, undefined) as Partial<ApiObject>).metadata ?? {}
}

function update({ live, next, schema: given, writer }: Parameters<Fields['update']>[0]): ApiObject {
  const schema = wholeSchema(given)
  const [old, now] = [live, next].map((object) => ownable(object, schema, writer.subresource))
  const { changed, removed: gone } = compare(old ?? {}, now, schema)
  const managers = managersOf(next) ?? []
  if (isEmpty(changed) && isEmpty(gone)) return withManagers(next, managers)
  const before = managers.find((each) => isBy(each, writer, 'Update') && each.apiVersion === next.apiVersion)
  const others = managers.filter((each) => each !== before)
  const touched = union(changed, gone)
  const losing = others.map((other) => ({ ...other, set: lost(other.set, touched) }))
  const set = difference(union(before?.set ?? NOTHING, changed), gone)
  const isSameAsBefore = before !== undefined && isSameSet(before.set, set)
  const own: Manager = {
    ...{ manager: writer.manager, operation: 'Update', apiVersion: next.apiVersion, set },
    time: isSameAsBefore ? (before.time ?? writer.time) : writer.time,
    ...(writer.subresource !== undefined && { subresource: writer.subresource }),
  }
  return withManagers(next, [...losing, own])
}

function lost(set: FieldSet, touched: FieldSet): FieldSet {
  return isEmpty(intersection(set, touched)) ? set : difference(set, touched)
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
