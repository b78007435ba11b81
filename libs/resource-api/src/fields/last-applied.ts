import type { ApiObject, Structural } from '@sluice/resources/api'
import { difference, type FieldSet, NOTHING } from './field-set.ts'
import { compare, fieldsOf, isMap } from './typed.ts'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
/** The two ways of kubectl to apply know of each other; other appliers know neither. */
export const KUBECTL = 'kubectl'

function lastApplied(object: ApiObject | undefined): string | undefined {
  const { annotations } = object?.metadata ?? {}
  const text = isMap(annotations) ? annotations[LAST_APPLIED] : undefined
  return typeof text === 'string' && text !== '' ? text : undefined
}

/**
 * The fields kubectl applied client-side and nobody changed since: they may be taken over without force.
 * Source: Kubernetes, apimachinery managedfields/internal/lastappliedmanager.go.
 */
export function untouchedSinceLastApplied(
  live: ApiObject | undefined,
  ownable: (object: ApiObject) => unknown,
  schema: Structural,
): FieldSet {
  const object = parsed(lastApplied(live))
  if (live === undefined || object === undefined || object.apiVersion !== live.apiVersion) return NOTHING
  const [before, now] = [ownable(object), ownable(live)]
  const { changed, removed } = compare(before, now, schema)
  return difference(difference(fieldsOf(before, schema), changed), removed)
}

function parsed(text: string | undefined): ApiObject | undefined {
  if (text === undefined) return undefined
  try {
    const object: unknown = JSON.parse(text)
    return isMap(object) && isMap(object.metadata) ? (object as ApiObject) : undefined
  } catch {
    return undefined
  }
}

/** The object with kubectl's annotation as of what was applied now, if it has one: it may go back to client-side apply. */
export function withLastApplied(object: ApiObject, applied: ApiObject): ApiObject {
  if (lastApplied(object) === undefined) return object
  const { annotations } = applied.metadata
  const rest = isMap(annotations)
    ? Object.fromEntries(Object.entries(annotations).filter(([name]) => name !== LAST_APPLIED))
    : undefined
  const metadata = { ...applied.metadata, ...(rest && { annotations: rest }) }
  const text = `${goJson({ ...applied, metadata })}\n`
  const own = object.metadata.annotations as Readonly<Record<string, string>>
  return { ...object, metadata: { ...object.metadata, annotations: { ...own, [LAST_APPLIED]: text } } }
}

/** JSON as Go writes it: keys in order, `<`, `>` and `&` escaped. */
function goJson(value: unknown): string {
  const inOrder = (_: string, each: unknown) =>
    isMap(each) ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each
  return JSON.stringify(value, inOrder).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
