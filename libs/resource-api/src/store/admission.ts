import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import type { WriteOptions } from '../registry.ts'
import { isMap } from './given.ts'
import { invalid } from './invalid.ts'
import { badRequest } from './refusals.ts'

export interface Admitted {
  readonly object: ApiObject
  readonly warnings: readonly string[]
}

/** Fields that a cause may be about. */
const ANYTHING = /^/
export const STATUS = /^status\b/
export const METADATA = /^metadata\b/

/** In shape and without a cause against it. Throws BadRequest for unknown fields under Strict, Invalid. */
export function admitted(
  served: ServedVersion,
  object: ApiObject,
  oldObject: ApiObject | undefined,
  options: WriteOptions,
  touched = ANYTHING,
): Admitted {
  const { mayUpdate } = options
  const admission = served.admit({ object, ...(oldObject && { oldObject }), ...(mayUpdate && { mayUpdate }) })
  const unknown = admission.unknownFields.map((field) => `unknown field "${field}"`)
  if (unknown.length > 0 && options.fieldValidation === 'Strict') {
    const { kind, version } = served
    throw badRequest(
      `${kind.kind} in version "${version.name}" cannot be handled as a ${kind.kind}: strict decoding error: ${unknown.join(', ')}`,
    )
  }
  // who leaves a part as it is is not to blame for it: rules may have become stricter since
  const causes = [...admission.causes, ...ownerCauses(admission.object)].filter(({ field }) => touched.test(field))
  const name = String(object.metadata.name ?? '')
  if (causes.length > 0) throw invalid(served, name, admission.object, causes)
  return { object: admission.object, warnings: options.fieldValidation === 'Ignore' ? [] : unknown }
}

/** Source: Kubernetes, apimachinery pkg/api/validation, ValidateOwnerReferences. */
function ownerCauses({ metadata }: ApiObject) {
  const owners = Array.isArray(metadata.ownerReferences) ? metadata.ownerReferences.filter(isMap) : []
  const [first, second] = owners.filter(({ controller }) => controller === true)
  if (first === undefined || second === undefined) return []
  const message = `Only one reference can have Controller set to true. Found "true" in references for ${first.name} and ${second.name}`
  return [{ reason: 'FieldValueInvalid', field: 'metadata.ownerReferences', message } as const]
}
