import { z } from 'zod'
import { type ApiKind, type ApiVersion, apiVersionOf } from './kind.ts'
import { type Structural, structuralOf } from './structural.ts'
import { objectMeta } from './types/object-meta.ts'

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'
const LIST_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta'
const STATUS = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status'
const PATCH = 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch'

/** `api/v1` or `apis/eventing.knative.dev/v1`: where the kinds of a group and version are served. */
export function groupVersionPath(apiVersion: string): string {
  return `${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`
}

/** One OpenAPI 3 document per group and version, by its path below `/openapi/v3/`. */
export function openApiDocuments(kinds: readonly ApiKind[]): ReadonlyMap<string, object> {
  const groups = new Map<string, [ApiKind, ApiVersion][]>()
  for (const kind of kinds)
    for (const version of kind.versions) {
      const path = groupVersionPath(apiVersionOf(kind, version))
      groups.set(path, [...(groups.get(path) ?? []), [kind, version]])
    }
  return new Map([...groups].map(([path, served]) => [path, document(path, served)]))
}

function document(path: string, served: readonly [ApiKind, ApiVersion][]): object {
  return {
    openapi: '3.0.0',
    info: { title: 'Sluice', version: 'v1' },
    paths: Object.assign({}, ...served.map(([kind, version]) => pathsOf(path, kind, version))),
    components: {
      schemas: { ...metaSchemas(), ...Object.assign({}, ...served.map(([kind, version]) => schemasOf(kind, version))) },
    },
  }
}

/** `dev.knative.eventing.v1.Broker`. */
function schemaName({ group, kind }: ApiKind, { name }: ApiVersion): string {
  const reversed = group === '' ? 'io.k8s.api.core' : group.split('.').reverse().join('.')
  return `${reversed}.${name}.${kind}`
}

function schemasOf(kind: ApiKind, version: ApiVersion): Record<string, object> {
  const name = schemaName(kind, version)
  const { description, properties, ...rest } = structuralOf(version, kind.description)
  const gvk = (of: string) => [{ group: kind.group, kind: of, version: version.name }]
  return {
    [name]: {
      ...{ description, ...rest, 'x-kubernetes-group-version-kind': gvk(kind.kind) },
      properties: { ...properties, ...HEADER, metadata: { allOf: [{ $ref: refTo(OBJECT_META) }], default: {} } },
    },
    [`${name}List`]: {
      ...{ description: `Several of ${kind.kind}.`, type: 'object', required: ['items'] },
      'x-kubernetes-group-version-kind': gvk(`${kind.kind}List`),
      properties: {
        ...HEADER,
        metadata: { allOf: [{ $ref: refTo(LIST_META) }], default: {} },
        items: { type: 'array', items: { $ref: refTo(name) } },
      },
    },
  }
}

const HEADER = {
  apiVersion: { type: 'string', description: 'Group and version.' },
  kind: { type: 'string', description: 'What it is.' },
}

/** What clients look for here: which verbs there are for a kind, and that writes know fieldValidation and dryRun. */
function pathsOf(prefix: string, kind: ApiKind, version: ApiVersion): Record<string, object> {
  const name = schemaName(kind, version)
  const base = `/${prefix}${kind.scope === 'Namespaced' ? '/namespaces/{namespace}' : ''}/${kind.plural}`
  const operation = (action: string, answer: string, body?: 'object' | 'patch') => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group: kind.group, kind: kind.kind, version: version.name },
    ...(body && { requestBody: { required: true, content: contentOf(body === 'patch' ? PATCH : name, body) } }),
    parameters: parameters(action),
    responses: { '200': { description: 'OK', content: contentOf(answer, 'object') } },
  })
  const list = { get: operation('list', `${name}List`) }
  const read = { get: operation('get', name) }
  const write = {
    put: operation('put', name, 'object'),
    patch: operation('patch', name, 'patch'),
  }
  const pathParameters = [
    ...(kind.scope === 'Namespaced' ? [parameter('namespace', 'path', 'string')] : []),
    parameter('name', 'path', 'string'),
  ]
  const collection = kind.scope === 'Namespaced' ? { parameters: pathParameters.slice(0, 1) } : {}
  if (kind.isReadOnly)
    return { [base]: { ...list, ...collection }, [`${base}/{name}`]: { ...read, parameters: pathParameters } }
  const all = kind.scope === 'Namespaced' ? { [`/${prefix}/${kind.plural}`]: list } : {}
  const hasStatus = 'status' in version.schema.shape
  return {
    ...all,
    [base]: {
      ...list,
      ...{ post: operation('post', name, 'object'), delete: operation('deletecollection', STATUS) },
      ...collection,
    },
    [`${base}/{name}`]: { ...read, ...write, delete: operation('delete', STATUS), parameters: pathParameters },
    ...(hasStatus && { [`${base}/{name}/status`]: { ...read, ...write, parameters: pathParameters } }),
  }
}

function contentOf(schema: string, body: 'object' | 'patch'): object {
  const types =
    body === 'patch'
      ? ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']
      : ['application/json', 'application/yaml']
  return Object.fromEntries(types.map((type) => [type, { schema: { $ref: refTo(schema) } }]))
}

const QUERY: Readonly<Record<string, readonly string[]>> = {
  list: ['labelSelector', 'fieldSelector', 'limit', 'continue', 'watch', 'resourceVersion', 'allowWatchBookmarks'],
  deletecollection: ['labelSelector', 'fieldSelector', 'dryRun', 'propagationPolicy'],
  get: [],
  delete: ['dryRun', 'propagationPolicy', 'gracePeriodSeconds'],
  post: ['dryRun', 'fieldManager', 'fieldValidation'],
  put: ['dryRun', 'fieldManager', 'fieldValidation'],
  patch: ['dryRun', 'fieldManager', 'fieldValidation', 'force'],
}
const TYPES: Readonly<Record<string, string>> = {
  ...{ limit: 'integer', gracePeriodSeconds: 'integer' },
  ...{ watch: 'boolean', allowWatchBookmarks: 'boolean', force: 'boolean' },
}

function parameters(action: string): readonly object[] {
  return (QUERY[action] ?? []).map((name) => parameter(name, 'query', TYPES[name] ?? 'string'))
}

function parameter(name: string, place: 'query' | 'path', type: string): object {
  return { name, in: place, ...(place === 'path' && { required: true }), schema: { type } }
}

function refTo(name: string): string {
  return `#/components/schemas/${name}`
}

function metaSchemas(): Record<string, object> {
  const { $schema: _, ...meta } = z.toJSONSchema(objectMeta, { io: 'input', target: 'openapi-3.0' }) as Structural
  return { [OBJECT_META]: withoutKeyRules(meta) as object, ...META }
}

const META: Readonly<Record<string, object>> = {
  [LIST_META]: {
    type: 'object',
    description: 'About a list.',
    properties: {
      resourceVersion: { type: 'string' },
      continue: { type: 'string' },
      remainingItemCount: { type: 'integer', format: 'int64' },
      selfLink: { type: 'string' },
    },
  },
  [STATUS]: {
    type: 'object',
    description: 'What came of a request.',
    'x-kubernetes-group-version-kind': [{ group: '', kind: 'Status', version: 'v1' }],
    properties: {
      ...HEADER,
      metadata: { $ref: refTo(LIST_META) },
      status: { type: 'string' },
      message: { type: 'string' },
      reason: { type: 'string' },
      code: { type: 'integer', format: 'int32' },
      details: { type: 'object' },
    },
  },
  [PATCH]: { type: 'object', description: 'A change of an object.' },
}

/** OpenAPI 3.0 has no rules for the names of a map. */
function withoutKeyRules(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutKeyRules)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name]) => name !== 'propertyNames')
      .map(([name, value]) => [name, withoutKeyRules(value)]),
  )
}
