import type { ResourceRefused } from '@sluice/errors'
import type { ApiObject, Cause, ServedVersion } from '@sluice/resources/api'
import { detailsOf, qualifiedKind, refused } from './refusals.ts'

type StatusCause = NonNullable<NonNullable<ResourceRefused['details']>['causes']>[number]

/** Kubernetes' words for the reasons. Source: apimachinery pkg/util/validation/field, ErrorType.String. */
const WORDS: Readonly<Record<Cause['reason'], string>> = {
  FieldValueRequired: 'Required value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTypeInvalid: 'Invalid value',
}
const HAVE_NO_VALUE: ReadonlySet<Cause['reason']> = new Set(['FieldValueRequired', 'FieldValueForbidden'])
const MAX_SHOWN = 256

/** All causes at once: `Broker.eventing.knative.dev "x" is invalid: spec.config: Invalid value: …`. */
export function invalid(served: ServedVersion, name: string, object: ApiObject, causes: readonly Cause[]) {
  const told = causes.map((cause): StatusCause & { field: string } => ({
    reason: cause.reason,
    message: messageOf(served, object, cause),
    field: cause.field,
  }))
  const texts = [...new Set(told.map(({ field, message }) => `${field}: ${message}`))]
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
  const message = `${qualifiedKind(served.kind)} "${name}" is invalid: ${list}`
  return refused('Invalid', message, { ...detailsOf(served, name), kind: served.kind.kind, causes: told })
}

function messageOf({ kind }: ServedVersion, object: ApiObject, { reason, field, message }: Cause): string {
  if (HAVE_NO_VALUE.has(reason)) return `${WORDS[reason]}: ${message}`
  // whatever is in a Secret may be one
  const value = kind.kind === 'Secret' && !field.startsWith('metadata') ? undefined : valueAt(object, field)
  return value === undefined ? `${WORDS[reason]}: ${message}` : `${WORDS[reason]}: ${shown(value)}: ${message}`
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return '"array"'
  if (typeof value === 'object') return value === null ? 'null' : '"object"'
  if (typeof value !== 'string') return String(value)
  const safe = value.replace(/\/\/[^/@\s]*@/g, '//***@')
  return JSON.stringify(safe.length > MAX_SHOWN ? `${safe.slice(0, MAX_SHOWN)}…` : safe)
}

/** Reads a path such as `spec.filters[0].exact["a/b"]`. */
function valueAt(object: unknown, field: string): unknown {
  let value = object
  for (const [, key, index, quoted] of field.matchAll(/([A-Za-z_][\w-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Reflect.get(value, key ?? index ?? (JSON.parse(quoted as string) as string))
  }
  return value
}
