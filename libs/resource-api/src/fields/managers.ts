import type { ApiObject, Structural } from '@sluice/resources/api'
import { type FieldSet, fromFieldsV1, isEmpty, toFieldsV1, union } from './field-set.ts'
import type { ManagedFields, Writer } from './fields.ts'

/** An entry of managedFields, read. */
export interface Manager extends Omit<ManagedFields, 'fieldsV1' | 'fieldsType'> {
  readonly set: FieldSet
}

/** Source: Kubernetes, managedfields, DefaultMaxUpdateManagers. */
const MAX_UPDATERS = 10
const ANCIENT = 'ancient-changes'

/** Nobody owns these. Source: as above, internal/stripmeta.go; deletion is the server's own. */
const BOOKKEEPING = [
  ...['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp'],
  ...['deletionTimestamp', 'deletionGracePeriodSeconds', 'managedFields', 'selfLink'],
]

/** Of the object what can be owned by who writes it, or its status. */
export function ownable(object: ApiObject | undefined, schema: Structural, subresource: string | undefined): unknown {
  if (object === undefined) return subresource === 'status' ? {} : { metadata: {} }
  const { apiVersion: _, kind: __, metadata, status, ...rest } = object
  const hasStatus = schema.properties?.status !== undefined
  if (subresource === 'status') return status === undefined ? {} : { status }
  const own = Object.entries(metadata).filter(([name, value]) => !BOOKKEEPING.includes(name) && value !== undefined)
  return {
    ...rest,
    metadata: Object.fromEntries(own),
    ...(!hasStatus && status !== undefined && { status }),
  }
}

/** Undefined: the object has none that can be read. */
export function managersOf(object: ApiObject | undefined): readonly Manager[] | undefined {
  const given = object?.metadata.managedFields
  if (!Array.isArray(given) || given.length === 0) return undefined
  const managers = given.flatMap((entry: Partial<ManagedFields>): Manager[] => {
    const { manager = '', operation, apiVersion = '', time, subresource, fieldsV1 } = entry ?? {}
    if (operation !== 'Apply' && operation !== 'Update') return []
    const set = fromFieldsV1(fieldsV1)
    return [{ manager, operation, apiVersion, set, ...(time && { time }), ...(subresource && { subresource }) }]
  })
  return managers.length === 0 ? undefined : managers
}

export function withManagers(object: ApiObject, managers: readonly Manager[]): ApiObject {
  const { managedFields: _, ...metadata } = object.metadata
  const left = managers.filter(({ set }) => !isEmpty(set)).sort(byOrder)
  if (left.length === 0) return { ...object, metadata }
  const entries = left.map(
    ({ manager, operation, apiVersion, time, set, subresource }): ManagedFields => ({
      ...{ manager, operation, apiVersion, ...(time !== undefined && { time }) },
      ...{ fieldsType: 'FieldsV1', fieldsV1: toFieldsV1(set), ...(subresource && { subresource }) },
    }),
  )
  return { ...object, metadata: { ...metadata, managedFields: entries } }
}

/** Source: as above, internal/managedfields.go, sortEncodedManagedFields. */
function byOrder(a: Manager, b: Manager): number {
  const key = ({ operation, time = '', manager, apiVersion, subresource = '' }: Manager) =>
    [operation, time, manager, apiVersion, subresource].join('\n')
  return key(a) < key(b) ? -1 : 1
}

/**
 * At most ten entries of updates: the oldest become one per version. Source: as above, internal/capmanagers.go.
 */
export function joinAncient(given: readonly Manager[]): readonly Manager[] {
  const managers = given.filter(({ set }) => !isEmpty(set))
  const updaters = managers.filter(({ operation }) => operation === 'Update').sort(byAge)
  let length = updaters.length
  if (length <= MAX_UPDATERS) return managers
  const [left, first] = [new Set(managers), new Map<string, Manager>()]
  for (const each of updaters) {
    if (length <= MAX_UPDATERS) break
    const before = first.get(each.apiVersion)
    const { apiVersion, operation, time } = each
    const joined: Manager =
      before === undefined
        ? each
        : { ...{ manager: ANCIENT, apiVersion, operation, set: union(before.set, each.set) }, ...(time && { time }) }
    first.set(apiVersion, joined)
    if (before === undefined) continue
    left.delete(before)
    left.delete(each)
    left.add(joined)
    length--
  }
  return [...left]
}

function byAge(a: Manager, b: Manager): number {
  const key = ({ time = '', manager, operation, apiVersion, subresource }: Manager) =>
    time + JSON.stringify({ manager, operation, apiVersion, subresource })
  return key(a) < key(b) ? -1 : 1
}

export function isBy(
  { manager, operation, subresource }: Pick<Manager, 'manager' | 'operation' | 'subresource'>,
  writer: Writer,
  by: Manager['operation'],
): boolean {
  return manager === writer.manager && operation === by && subresource === writer.subresource
}

/** As conflicts name who owns a field. Source: as above, internal/conflict.go, printManager. */
export function shown({ manager, operation, apiVersion, subresource }: Manager): string {
  const name = `manager ${JSON.stringify(manager)}${subresource === undefined ? '' : ` with subresource ${JSON.stringify(subresource)}`}`
  return operation === 'Apply' ? name : `${name} using ${apiVersion}`
}
