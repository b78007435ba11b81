import type { ApiObject } from '@sluice/resources/api'
import type { Selection } from '../registry.ts'
import { fieldSelector } from './field-selector.ts'
import { labelSelector, type Matches } from './label-selector.ts'
import type { Resource } from './resource.ts'

/** What is selected, as a test of one object. Throws BadRequest. */
export function selected(resource: Resource, selection: Selection): Matches<ApiObject> {
  const { namespace } = selection
  const byLabels = selection.labelSelector ? labelSelector(selection.labelSelector) : undefined
  const byFields = selection.fieldSelector ? fieldSelector(selection.fieldSelector, resource.kind) : undefined
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (byLabels === undefined || byLabels((object.metadata.labels ?? {}) as Readonly<Record<string, unknown>>)) &&
    (byFields === undefined || byFields(object))
}
