import type { ApiKind, ApiObject } from '@sluice/resources/api'
import type { Matches } from './label-selector.ts'
import { badRequest, resourceName } from './refusals.ts'

/** Beside metadata.name and metadata.namespace. Source: Kubernetes, pkg/apis/core/v1/conversion.go. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  events: [
    ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
      (field) => `involvedObject.${field}`,
    ),
    ...['reason', 'reportingComponent', 'source', 'type'],
  ],
  namespaces: ['status.phase'],
  secrets: ['type'],
}

/** `metadata.name=x,type!=Warning`. Throws BadRequest. Source: Kubernetes, apimachinery pkg/fields. */
export function fieldSelector(text: string, kind: ApiKind): Matches<ApiObject> {
  const terms = split(text).map((term) => {
    const [, field = '', operator, value = ''] = /^([^=!]+)(==|=|!=)(.*)$/s.exec(term) ?? []
    if (operator === undefined) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`)
    return { field: field.trim(), isEqual: operator !== '!=', value: unescaped(value) }
  })
  const known = ['metadata.name', ...(kind.scope === 'Namespaced' ? ['metadata.namespace'] : [])]
  const supported = [...known, ...(kind.group === '' ? (FIELDS[resourceName(kind)] ?? []) : [])]
  for (const { field } of terms)
    if (!supported.includes(field))
      throw badRequest(`field label not supported: ${field}: ${kind.kind} has ${supported.join(', ')}`)
  return (object) => terms.every(({ field, isEqual, value }) => (textAt(object, field) === value) === isEqual)
}

/** At commas that are not escaped. */
function split(text: string): readonly string[] {
  return text.match(/(?:[^,\\]|\\.)+/gs) ?? []
}

function unescaped(value: string): string {
  return value.replace(/\\([\\,=])/g, '$1')
}

function textAt(object: ApiObject, field: string): string {
  const path = field === 'source' ? ['source', 'component'] : field.split('.')
  let value: unknown = object
  for (const step of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined
  return value === undefined ? '' : String(value)
}
