import { type ApiObject, isSame, type Structural } from '@sluice/resources/api'
import { badRequest } from '../store/refusals.ts'
import { difference, type FieldSet, intersection, isEmpty, LEAF, pathsOf, union, unionOf } from './field-set.ts'
import type { Conflict, Fields, Writer } from './fields.ts'
import { KUBECTL, untouchedSinceLastApplied, withLastApplied } from './last-applied.ts'
import { isBy, joinAncient, type Manager, managersOf, ownable, shown, withManagers } from './managers.ts'
import { wholeSchema } from './schema.ts'
import { brokenLists, compare, everyFieldOf, fieldsOf, merged, named, removed, withoutRoot } from './typed.ts'

const BEFORE_FIRST_APPLY = 'before-first-apply'
/** An apply names its object always, so that its metadata is never given up. */
const METADATA: FieldSet = { isMember: false, children: new Map([['f:metadata', LEAF]]) }

/**
 * Ownership of fields, as Kubernetes keeps it. Source: Kubernetes, apimachinery managedfields; structured-merge-diff,
 * merge/update.go. replay.test.ts has what they answer.
 */
export const fields: Fields = { apply, update }

function apply(input: Parameters<Fields['apply']>[0]): ReturnType<Fields['apply']> {
  const { live, applied, writer, force } = input
  const schema = wholeSchema(input.schema, applied)
  const own = (object: ApiObject | undefined) => ownable(object, schema, writer.subresource)
  const [given, old] = [own(applied), own(live)]
  const broken = brokenLists(given, schema)
  if (broken.length > 0) throw badRequest(`failed to create typed patch object: ${broken.join('; ')}`)
  const managers = managersOf(live) ?? beforeFirstApply(live, schema, writer)
  const before = managers.find((each) => isBy(each, writer, 'Apply'))
  const others = managers.filter((each) => each !== before)
  const set = difference(fieldsOf(given, schema), METADATA)
  const laid = merged(old, given, schema)
  const left = withoutGivenUp(laid, before?.set, set, others, schema)
  const { changed, removed: gone } = compare(old, left, schema)
  const contested = others.map((other) => ({ other, fields: intersection(other.set, changed) }))
  const fought = unionOf(contested.map(({ fields }) => fields))
  if (!force && !isEmpty(fought)) {
    const free = writer.manager === KUBECTL ? untouchedSinceLastApplied(live, own, schema) : undefined
    const conflicts = contested.flatMap(({ other, fields }) =>
      pathsOf(free === undefined ? fields : difference(fields, free)).map(
        (field): Conflict => ({ manager: shown(other), field }),
      ),
    )
    if (conflicts.length > 0) return { conflicts }
  }
  const losing = others.map((other) => ({ ...other, set: difference(other.set, union(changed, gone)) }))
  const object = together(live ?? applied, left, schema, writer)
  const time = live !== undefined && isSame(old, left) ? before?.time : writer.time
  const mine: Manager = {
    ...{ manager: writer.manager, operation: 'Apply', apiVersion: applied.apiVersion, set },
    ...(time !== undefined && { time }),
    ...(writer.subresource !== undefined && { subresource: writer.subresource }),
  }
  const annotated =
    writer.manager === KUBECTL && writer.subresource === undefined ? withLastApplied(object, applied) : object
  return { object: withManagers(annotated, [...losing, mine]) }
}

/** What the applier said before, does not say now, and nobody else has goes. */
function withoutGivenUp(
  laid: unknown,
  last: FieldSet | undefined,
  set: FieldSet,
  others: readonly Manager[],
  schema: Structural,
): unknown {
  if (last === undefined || isEmpty(difference(last, set))) return laid
  const whole = (value: unknown) => union(named(fieldsOf(value, schema), schema), METADATA)
  const [all, before] = [whole(laid), named(last, schema)]
  const owned = named(unionOf([set, ...others.map((other) => other.set)]), schema)
  const bare = whole(removed(laid, before, schema))
  const back = whole(removed(laid, difference(all, union(bare, owned)), schema))
  return removed(laid, intersection(difference(all, back), before), schema, true)
}

/** What was there before anybody applied is the field of somebody, so that nothing is taken over silently. */
function beforeFirstApply(live: ApiObject | undefined, schema: Structural, writer: Writer): readonly Manager[] {
  if (live === undefined) return []
  const { manager: _, ...rest } = writer
  const entry = { ...rest, manager: BEFORE_FIRST_APPLY, operation: 'Update', apiVersion: live.apiVersion } as const
  const { metadata } = ownable(live, schema, undefined) as Pick<ApiObject, 'metadata'>
  // an apply of a status counts metadata as well
  const seen = { metadata, ...(ownable(live, schema, writer.subresource) as object) }
  const every = withoutRoot(everyFieldOf(seen, schema))
  return [{ ...entry, set: difference(every, METADATA) }].filter(({ set }) => !isEmpty(set))
}

/** The whole object with the part that was written. */
function together(base: ApiObject, written: unknown, schema: Structural, { subresource }: Writer): ApiObject {
  const { metadata = {}, status, ...rest } = written as Partial<ApiObject>
  if (subresource === 'status') {
    const { status: _, ...others } = base
    return { ...(others as ApiObject), ...(status !== undefined && { status }) }
  }
  const own = (ownable(base, schema, undefined) as Pick<ApiObject, 'metadata'>).metadata
  const kept = Object.fromEntries(Object.entries(base.metadata).filter(([name]) => !Object.hasOwn(own, name)))
  const { apiVersion, kind } = base
  const said = schema.properties?.status === undefined ? status : base.status
  return { ...rest, apiVersion, kind, metadata: { ...kept, ...metadata }, ...(said !== undefined && { status: said }) }
}

function update({ live, next, schema: given, writer }: Parameters<Fields['update']>[0]): ApiObject {
  const schema = wholeSchema(given, next)
  // a client that does not understand them, or writes nonsense, does not lose them
  const isKept = next.metadata.managedFields !== undefined
  const managers = managersOf(next) ?? (isKept ? managersOf(live) : undefined) ?? []
  // who counts on nobody's fields began anew, or never began
  if (managers.length === 0 && live !== undefined) return withManagers(next, [])
  const [old = { metadata: {} }, now] = [live, next].map((object) => ownable(object, schema, writer.subresource))
  const { changed, removed: gone } = compare(old, now, schema)
  const touched = union(changed, gone)
  const losing = isEmpty(touched) ? managers : managers.map((each) => ({ ...each, set: difference(each.set, touched) }))
  if (isEmpty(changed)) return withManagers(next, joinAncient(losing))
  const isMine = (each: Manager) => isBy(each, writer, 'Update') && each.apiVersion === next.apiVersion
  const before = losing.find(isMine)
  const mine: Manager = {
    ...{ manager: writer.manager, operation: 'Update', apiVersion: next.apiVersion, time: writer.time },
    set: before === undefined ? changed : union(before.set, changed),
    ...(writer.subresource !== undefined && { subresource: writer.subresource }),
  }
  return withManagers(next, joinAncient([...losing.filter((each) => each !== before), mine]))
}
