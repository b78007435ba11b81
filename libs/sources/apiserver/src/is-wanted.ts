import type { CloudEvent } from '@sluice/cloudevents'
import type { ApiServerSourceRow } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import { buildFilter } from '@sluice/filter'
import { type Change, type KnownObject, knownOf } from './change.ts'

/** Whether it is told, and the event that tells it. */
export type EventIfWanted = (change: Change, event: CloudEvent) => boolean

/** By owner, then by `filters`. Throws CONFIG_INVALID for a filter that can't be built. */
export function eventIfWanted({ owner, filters }: Pick<ApiServerSourceRow, 'owner' | 'filters'>): EventIfWanted {
  const built = buildFilter({ ...(filters && { filters }) })
  if ('problem' in built)
    throw new EventingError({ code: 'CONFIG_INVALID', problems: [built.problem] }, `spec.filters: ${built.problem}`)
  return ({ object, known }, event) =>
    isControlledBy(owner, object === undefined ? known : knownOf(object)) && built.filter.meets(event)
}

/** By its controller alone, of any version where none is named. Source: knative/eventing pkg/adapter/apiserver/delegate.go. */
function isControlledBy(owner: ApiServerSourceRow['owner'], { controller }: KnownObject): boolean {
  if (owner === undefined) return true
  if (controller?.kind !== owner.kind) return false
  return owner.apiVersion === undefined || owner.apiVersion === controller.apiVersion
}
