import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import type { DeleteOptions } from '../registry.ts'
import { isNamespace } from './create.ts'
import { timestamp } from './names.ts'
import { conflict, forbidden } from './refusals.ts'
import { finalizersOf, isHeld } from './update.ts'

/** Held until what the object owns is gone, or owns itself. Source: Kubernetes, metav1 FinalizerDeleteDependents. */
export const FOREGROUND = 'foregroundDeletion'
export const ORPHAN = 'orphan'

/** Undefined: the object goes at once; else what is left to wait for. Throws Conflict, Forbidden. */
export function deleted(
  served: ServedVersion,
  live: ApiObject,
  { preconditions = {}, propagationPolicy }: DeleteOptions,
  now: number,
): ApiObject | undefined {
  const name = String(live.metadata.name)
  const { uid, resourceVersion } = live.metadata
  if (preconditions.uid !== undefined && preconditions.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`
    throw conflict(served, name, why)
  }
  if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`
    throw conflict(served, name, why)
  }
  if (isNamespace(served) && name === 'default') throw forbidden(served, name, 'this namespace may not be deleted')
  const finalizers = finalizersFor(finalizersOf(live), propagationPolicy)
  const { finalizers: _, ...metadata } = live.metadata
  const next: ApiObject = {
    ...live,
    metadata: { ...metadata, ...(finalizers.length > 0 && { finalizers }) },
  }
  return isHeld(next) ? marked(served, next, now) : undefined
}

/** Absent policy: what was decided before stays. */
function finalizersFor(finalizers: readonly string[], policy: DeleteOptions['propagationPolicy']): readonly string[] {
  if (policy === undefined) return finalizers
  const others = finalizers.filter((each) => each !== FOREGROUND && each !== ORPHAN)
  if (policy === 'Background') return others
  return [...others, policy === 'Foreground' ? FOREGROUND : ORPHAN]
}

/** Source: Kubernetes, apiserver pkg/registry/rest/delete.go, BeforeDelete, which counts the generation as well. */
function marked(served: ServedVersion, object: ApiObject, now: number): ApiObject {
  if (object.metadata.deletionTimestamp !== undefined) return object
  const { generation } = object.metadata
  return {
    ...object,
    metadata: {
      ...object.metadata,
      ...(typeof generation === 'number' && { generation: generation + 1 }),
      deletionTimestamp: timestamp(now),
      deletionGracePeriodSeconds: 0,
    },
    ...(isNamespace(served) && { status: { phase: 'Terminating' } }),
  }
}
