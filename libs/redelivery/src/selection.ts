import type { CloudEvent } from '@sluice/cloudevents'
import type { FilterSpec } from '@sluice/contract'
import { buildFilter } from '@sluice/filter'
import { requestInvalid } from './request.ts'

/** Which events, by a filter as a Trigger has it; without one, all. Throws what `refuse` makes of one that can't be built. */
export function selecting(
  spec: FilterSpec,
  refuse: (problem: string) => Error = (problem) => requestInvalid([problem]),
): (event: CloudEvent) => boolean {
  const built = buildFilter(spec)
  if ('problem' in built) throw refuse(built.problem)
  return (event) => built.filter.meets(event)
}
