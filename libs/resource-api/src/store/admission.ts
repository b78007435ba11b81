import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import type { WriteOptions } from '../registry.ts'
import { isMap } from './given.ts'
import { invalid } from './invalid.ts'
import { badRequest } from './refusals.ts'

export interface Admitted {
  readonly object: ApiObject
  readonly warnings: readonly string[]
}

/** In shape and without a cause against it. Throws BadRequest for unknown fields under Strict, Invalid. */
export function admitted(
  served: ServedVersion,
  object: ApiObject,
  oldObject: ApiObject | undefined,
  options: WriteOptions,
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
  // who writes a status is not to blame for the rest
  const causes =
    options.subresource === 'status'
      ? admission.causes.filter(({ field }) => /^status\b/.test(field))
      : [...admission.causes, ...ownerCauses(admission.object)]
  const name = String(object.metadata.name ?? '')
  if (causes.length > 0) throw invalid(served, name, admission.object, causes)
  const deprecation = served.version.deprecationWarning
  return {
    object: admission.object,
    warnings: [
      ...(options.fieldValidation === 'Ignore' ? [] : unknown),
      ...(deprecation === undefined ? [] : [deprecation]),
    ],
  }
}

/** Source: Kubernetes, apimachinery pkg/api/validation, ValidateOwnerReferences. */
function ownerCauses({ metadata }: ApiObject) {
  const owners = Array.isArray(metadata.ownerReferences) ? metadata.ownerReferences.filter(isMap) : []
  const [first, second] = owners.filter(({ controller }) => controller === true)
  if (first === undefined || second === undefined) return []
  const message = `Only one reference can have Controller set to true. Found "true" in references for ${first.name} and ${second.name}`
  return [{ reason: 'FieldValueInvalid', field: 'metadata.ownerReferences', message } as const]
}
