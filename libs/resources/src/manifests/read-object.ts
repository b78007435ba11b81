import { nearest } from '@sluice/errors'
import type { ApiObject, ApiTable, ServedVersion } from '../api/index.ts'
import { objectMeta } from '../api/types/object-meta.ts'
import type { Finding } from '../issues.ts'
import { formatPath, shown } from '../problem.ts'

const DEFAULT_NAMESPACE = 'default'
const MAX_NAME = 253

/** A document that is an object of the API, judged; or what it is instead. */
export type ReadObject =
  | { readonly served: ServedVersion; readonly object: ApiObject; readonly label: string; readonly found: Finding[] }
  | { readonly items: readonly unknown[]; readonly found: Finding[] }
  | { readonly found: Finding[] }

type Fields = Readonly<Record<string, unknown>>

/** Only an API server sets these; they come with `kubectl get -o yaml`. */
const SERVER_SET = [
  ...['creationTimestamp', 'deletionGracePeriodSeconds', 'deletionTimestamp', 'generateName', 'generation'],
  ...['managedFields', 'resourceVersion', 'selfLink', 'uid'],
]

/**
 * Judges one document as the API would, unknown fields refused. Fields that are null are absent, as a commented-out
 * block leaves them; `namespace` is filled in. The object is otherwise as written: defaults are the API's business.
 */
export function readObject(table: ApiTable, value: unknown): ReadObject {
  if (!isMap(value)) return refused([], `must be an object with apiVersion and kind, found ${shown(value)}`)
  const { apiVersion, kind } = value
  const wrong = ['apiVersion', 'kind'].filter((field) => !isText(value[field]))
  if (wrong.length > 0 || !isText(apiVersion) || !isText(kind)) {
    return {
      found: wrong.map((field) => ({
        ...{ path: [field], at: 'value' },
        problem: value[field] === undefined ? 'is required' : `must be a string, found ${shown(value[field])}`,
      })),
    }
  }
  if (kind === 'List' && apiVersion === 'v1') return readList(value)
  const served = table.ofKind(apiVersion, kind)
  if (served === undefined || served.kind.isReadOnly) {
    const { path, problem } = whyNot(table, apiVersion, kind)
    return refused([path], `${problem} (${labelOf(kind, value)})`)
  }
  return judged(served, withoutNulls(value) as Fields)
}

function judged(served: ServedVersion, written: Fields): ReadObject {
  const { kind, scope } = served.kind
  const metadata = isMap(written.metadata) ? written.metadata : {}
  const { namespace = DEFAULT_NAMESPACE, ...elsewhere } = metadata
  const isNamespaced = scope === 'Namespaced'
  const object = { ...written, metadata: isNamespaced ? { ...elsewhere, namespace } : metadata } as ApiObject
  const { findings, unknownPaths } = served.admit({ object })
  const found: Finding[] = [
    ...(isMap(written.metadata) || written.metadata === undefined
      ? []
      : [{ path: ['metadata'], at: 'value' as const, problem: `must be a map, found ${shown(written.metadata)}` }]),
    ...(!isNamespaced && metadata.namespace !== undefined
      ? [{ path: ['metadata', 'namespace'], at: 'key' as const, problem: `must be absent: a ${kind} is in none` }]
      : []),
    ...SERVER_SET.filter((field) => metadata[field] !== undefined).map(
      (field): Finding => ({ path: ['metadata', field], at: 'key', problem: 'is set by an API server: remove it' }),
    ),
    ...(isEmpty(written.status)
      ? []
      : [{ path: ['status'], at: 'key' as const, problem: 'is written by the controller: remove it' }]),
    ...unknownPaths.map((path): Finding => ({ path, at: 'key', problem: `is not a known field${hint(served, path)}` })),
    ...findings,
  ]
  const label = labelOf(kind, object)
  // the server's own fields go into no apply
  const { status: _, ...sent } = object
  return { served, object: sent as ApiObject, label, found: distinct(found).map((each) => named(each, label)) }
}

/** A name is judged as a name and as a field of metadata. */
function distinct(found: readonly Finding[]): Finding[] {
  return [...new Map(found.map((each) => [`${formatPath(each.path)}\n${each.problem}`, each])).values()]
}

function named(finding: Finding, label: string): Finding {
  return { ...finding, problem: `${finding.problem} (${label})` }
}

/** `Broker default/orders`, `Namespace shop`; the kind alone where the name is none. */
function labelOf(kind: string, { metadata }: Fields): string {
  const { name, namespace } = isMap(metadata) ? metadata : {}
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME) return kind
  return typeof namespace === 'string' ? `${kind} ${namespace}/${name}` : `${kind} ${name}`
}

function readList(list: Fields): ReadObject {
  const found: Finding[] = Object.keys(list)
    .filter((field) => !['apiVersion', 'kind', 'metadata', 'items'].includes(field))
    .map((field) => ({ path: [field], at: 'key', problem: 'is not a field of a List: remove it' }))
  const items = list.items ?? []
  if (Array.isArray(items)) return { items, found }
  return { found: [...found, { path: ['items'], at: 'value', problem: `must be a list, found ${shown(items)}` }] }
}

/** The kind is not in the table, or nobody may write it. */
function whyNot(table: ApiTable, apiVersion: string, kind: string): { path: string; problem: string } {
  if (table.ofKind(apiVersion, kind) !== undefined)
    return { path: 'kind', problem: `${kind} can't be written here: the kinds are those of this version, remove it` }
  const versions = table.served.filter((each) => each.kind.kind === kind).map((each) => each.apiVersion)
  const problem = `${kind} of ${apiVersion} is not supported yet: `
  if (versions.length > 0) return { path: 'apiVersion', problem: `${problem}use ${versions.join(' or ')}` }
  const writable = table.served.filter((each) => !each.kind.isReadOnly)
  const all = [...new Set(writable.map((each) => `${each.kind.kind} (${each.apiVersion})`))].join(', ')
  return { path: 'kind', problem: `${problem}remove it, this version reads ${all}` }
}

/** What else could have been meant, among the fields that are known there. */
function hint({ structural }: ServedVersion, path: readonly PropertyKey[]): string {
  let around: unknown = structural
  for (const step of path.slice(0, -1)) {
    const { properties, items, additionalProperties } = (around ?? {}) as Fields
    around =
      typeof step === 'number' ? items : ((properties as Fields | undefined)?.[String(step)] ?? additionalProperties)
  }
  const known =
    path.length === 2 && path[0] === 'metadata'
      ? Object.keys(objectMeta.shape)
      : Object.keys(((around ?? {}) as { properties?: object }).properties ?? {})
  const near = nearest(String(path.at(-1)), known)
  return near === undefined ? ': remove it' : `: did you mean "${near}"?`
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null && field !== undefined)
      .map(([name, field]) => [name, withoutNulls(field)]),
  )
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (isMap(value) && Object.keys(value).length === 0)
}

function refused(path: readonly PropertyKey[], problem: string): ReadObject {
  return { found: [{ path, at: 'value', problem }] }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
