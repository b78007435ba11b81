import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import type { Deleted, DeleteOptions } from '../registry.ts'
import { deleted } from './delete.ts'
import type { Entry } from './entry.ts'
import type { Decided, Objects } from './objects.ts'
import { converted, type Resource } from './resource.ts'
import { isNoChange } from './update.ts'

interface Removal {
  readonly value: Deleted
  readonly changes: readonly Decided[]
}

/** One object goes, or is marked as going. Throws Conflict, Forbidden. */
export function decideRemoval(
  objects: Objects,
  resource: Resource,
  { key, object }: Entry,
  options: DeleteOptions & { readonly now: number; readonly served?: ServedVersion },
): Removal {
  const served = options.served ?? resource.stored
  const live = converted(resource.kind, object, served)
  const next = deleted(served, live, options, options.now)
  if (next === undefined)
    return {
      value: { object: live, isGone: true },
      changes: options.dryRun ? [] : [objects.decide(resource, key, undefined)],
    }
  if (isNoChange(live, next)) return { value: { object: live, isGone: false }, changes: [] }
  if (options.dryRun) return { value: { object: next, isGone: false }, changes: [] }
  const decided = objects.decide(resource, key, next)
  const stored = converted(resource.kind, decided.change.now?.object as ApiObject, served)
  return { value: { object: stored, isGone: false }, changes: [decided] }
}
