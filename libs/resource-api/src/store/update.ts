import { type ApiObject, isSame, type ServedVersion } from '@sluice/resources/api'
import type { WriteOptions } from '../registry.ts'
import { type Admitted, admitted, METADATA, STATUS } from './admission.ts'
import { defined, hasStatus, isNamespace, withNameLabel } from './create.ts'

import { givenObject, isMap } from './given.ts'
import { invalid } from './invalid.ts'
import { badRequest, conflict, detailsOf, MODIFIED, refused } from './refusals.ts'

interface Input {
  readonly served: ServedVersion
  /** What is stored, in the version of `object`. */
  readonly live: ApiObject
  readonly object: unknown
  readonly options: WriteOptions
}

/** What is stored, changed as a client asks. Throws BadRequest, Conflict, Invalid. */
export function updated({ served, live, object, options }: Input): Admitted {
  if (options.subresource === 'status' && !hasStatus(served))
    throw refused('NotFound', 'the server could not find the requested resource', detailsOf(served))
  const given = givenObject(served, object, live.metadata.namespace)
  checkIdentity(served, live, given)
  const next = options.subresource === 'status' ? withStatus(live, given) : withoutStatus(served, live, given)
  checkFinalizers(served, live, next)
  const { object: shaped, warnings } = admitted(served, next, live, options, touchedBy(served, live, next, options))
  return { object: withGeneration(served, live, shaped), warnings }
}

function touchedBy(served: ServedVersion, live: ApiObject, next: ApiObject, { subresource }: WriteOptions) {
  if (subresource === 'status') return STATUS
  return isSame(desired(served, live), desired(served, next)) ? METADATA : undefined
}

function checkIdentity(served: ServedVersion, live: ApiObject, { metadata }: ApiObject): void {
  const name = String(live.metadata.name)
  if (metadata.name && metadata.name !== name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
  const { uid, resourceVersion } = live.metadata
  if (metadata.uid && metadata.uid !== uid)
    throw conflict(
      served,
      name,
      `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${uid}`,
    )
  if (metadata.resourceVersion && metadata.resourceVersion !== resourceVersion) throw conflict(served, name, MODIFIED)
}

function withStatus(live: ApiObject, given: ApiObject): ApiObject {
  const { status: _, ...rest } = live
  return { ...rest, ...(given.status !== undefined && { status: given.status }) } as ApiObject
}

/** What the server says of an object stays as it is. */
function withoutStatus(served: ServedVersion, live: ApiObject, given: ApiObject): ApiObject {
  const { uid, creationTimestamp, generation, resourceVersion, managedFields, namespace, name } = live.metadata
  const { deletionTimestamp, deletionGracePeriodSeconds } = live.metadata
  const metadata = {
    ...given.metadata,
    ...{ name, namespace, uid, creationTimestamp, generation, resourceVersion },
    ...{ deletionTimestamp, deletionGracePeriodSeconds, managedFields: managedFieldsOf(given, managedFields) },
  }
  const next: ApiObject = { ...given, metadata: defined(metadata) }
  if (!hasStatus(served)) return next
  const { status: _, ...rest } = next
  const kept = { ...(rest as ApiObject), ...(live.status !== undefined && { status: live.status }) }
  return isNamespace(served) ? withNameLabel({ ...kept, spec: live.spec }) : kept
}

/** A client may write them: kubectl moves its fields from one entry to another. An empty list is to begin anew. */
function managedFieldsOf({ metadata: { managedFields: given } }: ApiObject, live: unknown): unknown {
  if (!Array.isArray(given)) return live
  const isReset = given.every((entry) => isMap(entry) && Object.keys(entry).length === 0)
  return isReset ? undefined : given
}

/** Source: Kubernetes, apimachinery pkg/api/validation, ValidateObjectMetaAccessorUpdate. */
function checkFinalizers(served: ServedVersion, live: ApiObject, next: ApiObject): void {
  if (live.metadata.deletionTimestamp === undefined) return
  const added = finalizersOf(next).filter((each) => !finalizersOf(live).includes(each))
  if (added.length === 0) return
  const message = `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`
  const cause = { reason: 'FieldValueForbidden', field: 'metadata.finalizers', message } as const
  throw invalid(served, String(live.metadata.name), next, [cause])
}

export function finalizersOf({ metadata }: ApiObject): readonly string[] {
  return Array.isArray(metadata.finalizers) ? (metadata.finalizers as readonly string[]) : []
}

/** Of a namespace there are two lists. */
export function isHeld(object: ApiObject): boolean {
  const ofSpec = object.kind === 'Namespace' && isMap(object.spec) ? object.spec.finalizers : []
  return finalizersOf(object).length > 0 || (Array.isArray(ofSpec) && ofSpec.length > 0)
}

/** Rises with whatever is neither metadata nor status. */
function withGeneration(served: ServedVersion, live: ApiObject, next: ApiObject): ApiObject {
  if (typeof live.metadata.generation !== 'number' || isSame(desired(served, live), desired(served, next))) return next
  return { ...next, metadata: { ...next.metadata, generation: live.metadata.generation + 1 } }
}

function desired(served: ServedVersion, { metadata: _, status, ...rest }: ApiObject): unknown {
  return hasStatus(served) ? rest : { ...rest, status }
}

/** Whether a write leaves everything as it was, times of managedFields aside. */
export function isNoChange(live: ApiObject, next: ApiObject): boolean {
  return isSame(withoutTimes(live), withoutTimes(next))
}

function withoutTimes(object: ApiObject): unknown {
  const { managedFields, ...metadata } = object.metadata
  if (!Array.isArray(managedFields)) return object
  return {
    ...object,
    metadata: { ...metadata, managedFields: managedFields.map(({ time: _, ...rest }) => rest) },
  }
}
