import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import type { Conflict, Fields, Writer } from '../fields/fields.ts'
import type { Patch } from '../registry.ts'
import type { Patches } from './config.ts'
import { givenObject } from './given.ts'
import { badRequest, conflict, detailsOf, refused } from './refusals.ts'

type Apply = Extract<Patch, { type: 'apply' }>

/** What a patch makes of an object. Throws BadRequest, UnsupportedMediaType and what the patches throw. */
export function patched(
  patches: Patches | undefined,
  live: ApiObject,
  patch: Exclude<Patch, Apply>,
  served: ServedVersion,
): unknown {
  if (patches === undefined) throw refused('UnsupportedMediaType', `a patch of type ${patch.type} is not supported`)
  if (patch.type === 'json') return patches.json(live, patch.operations)
  if (patch.type === 'merge') return patches.merge(live, patch.patch)
  return patches.strategic(live, patch.patch, served.structural)
}

/** What is stored with what is applied to it. Throws Conflict with one cause per field of somebody else. */
export function applied(
  fields: Fields | undefined,
  served: ServedVersion,
  live: ApiObject | undefined,
  { object, force }: Apply,
  place: { readonly namespace?: string; readonly name: string },
  writer: Writer,
): ApiObject {
  if (fields === undefined) throw refused('UnsupportedMediaType', 'apply is not supported')
  const given = givenObject(served, object, place.namespace)
  if (given.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil')
  if (given.metadata.name !== undefined && given.metadata.name !== place.name)
    throw badRequest(
      `the name of the object (${given.metadata.name}) does not match the name on the URL (${place.name})`,
    )
  const named = { ...given, metadata: { ...given.metadata, ...place } }
  if (live === undefined && given.metadata.uid) {
    const { uid } = given.metadata
    throw conflict(
      served,
      place.name,
      `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    )
  }
  const outcome = fields.apply({ live, applied: named, schema: served.structural, writer, force })
  if ('conflicts' in outcome) throw applyConflict(served, place.name, outcome.conflicts)
  const { uid, resourceVersion } = given.metadata
  const said = { ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }) }
  return { ...outcome.object, metadata: { ...outcome.object.metadata, ...said } }
}

/** Source: Kubernetes, apimachinery pkg/util/managedfields/internal/conflict.go and pkg/api/errors, NewApplyConflict. */
function applyConflict(served: ServedVersion, name: string, conflicts: readonly Conflict[]): Error {
  const word = conflicts.length === 1 ? 'conflict' : 'conflicts'
  return refused('Conflict', `Apply failed with ${conflicts.length} ${word}: ${told(conflicts)}`, {
    ...detailsOf(served, name),
    causes: conflicts.map(({ manager, field }) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${shown(manager)}`,
      field,
    })),
  })
}

function told(conflicts: readonly Conflict[]): string {
  const [first] = conflicts
  if (first !== undefined && conflicts.length === 1) return `conflict with ${shown(first.manager)}: ${first.field}`
  const managers = [...new Set(conflicts.map(({ manager }) => manager))]
  return managers
    .map((manager) => {
      const fields = conflicts.filter((each) => each.manager === manager).map(({ field }) => `- ${field}`)
      return `conflicts with ${shown(manager)}:\n${fields.join('\n')}`
    })
    .join('\n')
}

/** `manager "kubectl" using v1` is told without its first word. */
function shown(manager: string): string {
  return manager.replace(/^manager /, '')
}
