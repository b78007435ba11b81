import type { IncomingHttpHeaders } from 'node:http'
import type { ApiObject } from '@sluice/resources/api'
import type { Deleted, DeleteOptions, ObjectKey, Patch, Registry, WriteOptions, Written } from '../registry.ts'
import { badRequest, methodNotAllowed, refused, resourceName } from '../store/refusals.ts'
import { accepted } from './accept.ts'
import { type Answer, warningHeaders } from './answer.ts'
import type { Authorize } from './authorize.ts'
import { mediaType, parsed } from './body.ts'
import { deleteOptions } from './delete-options.ts'
import { invalid, listOptions, type Query, selection, writeOptions } from './query.ts'
import { type ShowDeps, type Shown, shownList, shownObject } from './show.ts'
import { STATUS_HEADER } from './status.ts'
import type { Target } from './target.ts'

export interface VerbDeps extends ShowDeps {
  readonly registry: Registry
  readonly authorize: Authorize
}

export interface VerbRequest {
  readonly method: string
  readonly target: Target
  readonly query: Query
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer | undefined
}

const OBJECT_FORMS = ['json', 'yaml', 'Table', 'PartialObjectMetadata'] as const
const CONTENT_OF: Readonly<Record<string, Patch['type']>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
}

/** RBAC's word for a request that is no watch. Throws MethodNotAllowed. */
export function verbOf({ method, target }: Pick<VerbRequest, 'method' | 'target'>): string {
  const { name, served } = target
  const ofObject: Readonly<Record<string, string>> = {
    ...{ GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch' },
    ...(target.subresource === undefined && { DELETE: 'delete' }),
  }
  const ofAll: Readonly<Record<string, string>> = {
    GET: 'list',
    HEAD: 'list',
    POST: 'create',
    DELETE: 'deletecollection',
  }
  const verb = (name === undefined ? ofAll : ofObject)[method]
  if (verb === undefined) throw methodNotAllowed(served, method.toLowerCase())
  return verb
}

/** Answers everything but watches. Throws refusals. */
export async function answerVerb(deps: VerbDeps, request: VerbRequest): Promise<Answer> {
  const shown = shownAs(request)
  const { served, namespace } = request.target
  const isYaml = shown.form === 'yaml'
  switch (verbOf(request)) {
    case 'get': {
      const object = deps.registry.get(served, keyOf(request.target))
      return { status: 200, body: shownObject(deps, served, object, shown), isYaml }
    }
    case 'list': {
      const list = deps.registry.list(served, listOptions(request.query, namespace))
      return { status: 200, body: shownList(deps, served, list, shown), isYaml }
    }
    case 'delete':
      return remove(deps, request, shown)
    case 'deletecollection':
      return removeAll(deps, request, shown)
    default:
      return write(deps, request, shown)
  }
}

export function shownAs({ headers, query }: Pick<VerbRequest, 'headers' | 'query'>): Shown {
  const include = query.oneOf('includeObject', ['None', 'Metadata', 'Object'] as const) ?? 'Metadata'
  return { ...accepted(headers.accept, OBJECT_FORMS), include }
}

async function write(deps: VerbDeps, request: VerbRequest, shown: Shown): Promise<Answer> {
  const { target, query, headers } = request
  const { served } = target
  const { object, isNew, warnings } = await written(deps, request, {
    ...writeOptions(query, headers['user-agent']),
    ...(target.subresource && { subresource: target.subresource }),
    mayUpdate: (subresource) => deps.authorize({ ...accessTo(target), verb: 'update', subresource }) === undefined,
  })
  const { deprecationWarning } = served.version
  const all = deprecationWarning === undefined ? warnings : [deprecationWarning, ...warnings]
  const body = shownObject(deps, served, object, shown)
  return { status: isNew ? 201 : 200, body, isYaml: shown.form === 'yaml', headers: warningHeaders(all) ?? {} }
}

function written({ registry }: VerbDeps, request: VerbRequest, options: WriteOptions): Promise<Written> {
  const { target, headers, body, query, method } = request
  const { served, namespace } = target
  const type = mediaType(headers['content-type'])
  if (method === 'PATCH') {
    const patch = patchOf(type, parsed(body, type), query, served.kind.owner === 'kubernetes')
    return registry.patch(served, keyOf(target), patch, options)
  }
  if (CONTENT_OF[type] !== undefined) throw unsupported(type, 'application/json, application/yaml')
  const object = completed(parsed(body, type), target)
  return method === 'PUT'
    ? registry.update(served, keyOf(target), object, options)
    : registry.create(served, namespace, object, options)
}

/** The path says what the object is if the object does not, as in Kubernetes. */
function completed(object: unknown, { served }: Target): unknown {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return object
  const { apiVersion, kind } = object as Partial<ApiObject>
  return { ...object, apiVersion: apiVersion || served.apiVersion, kind: kind || served.kind.kind }
}

function patchOf(type: string, given: unknown, query: Query, isBuiltIn: boolean): Patch {
  const kind = CONTENT_OF[type]
  const force = query.isSet('force')
  if (force !== undefined && kind !== 'apply') throw invalid('force', 'may only be specified for apply patches')
  if (kind === 'apply') {
    if (query.text('fieldManager') === undefined) throw invalid('fieldManager', 'is required for apply patch')
    return { type: kind, object: given, force: force ?? false }
  }
  if (kind === 'json') return { type: kind, operations: given }
  // as for kinds that a CRD made: nothing says how their lists merge
  const isServed = kind === 'merge' || (kind === 'strategic' && isBuiltIn)
  if (!isServed)
    throw unsupported(type, 'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml')
  return { type: kind, patch: given }
}

function unsupported(type: string, known: string): Error {
  return refused(
    'UnsupportedMediaType',
    `the content type ${type.slice(0, 80)} is not supported here, use one of: ${known}`,
  )
}

async function remove(deps: VerbDeps, request: VerbRequest, shown: Shown): Promise<Answer> {
  const { served } = request.target
  const { object, isGone } = await deps.registry.delete(served, keyOf(request.target), optionsOf(request))
  if (!isGone) return { status: 200, body: shownObject(deps, served, object, shown) }
  const { name, uid } = object.metadata
  const { group, plural } = served.kind
  return {
    status: 200,
    body: { ...STATUS_HEADER, status: 'Success', details: { name, ...(group && { group }), kind: plural, uid } },
  }
}

async function removeAll(deps: VerbDeps, request: VerbRequest, shown: Shown): Promise<Answer> {
  const { target, query } = request
  const { served, namespace } = target
  if (served.kind.scope === 'Namespaced' && namespace === undefined)
    throw refused('MethodNotAllowed', `deletecollection of ${resourceName(served.kind)} takes a namespace`)
  const all: readonly Deleted[] = await deps.registry.deleteCollection(
    served,
    selection(query, namespace),
    optionsOf(request),
  )
  const { resourceVersion } = deps.registry.list(served, { limit: 1, ...(namespace !== undefined && { namespace }) })
  const list = { resourceVersion, items: all.map(({ object }) => object) }
  return { status: 200, body: shownList(deps, served, list, shown) }
}

function optionsOf({ body, headers, query }: VerbRequest): DeleteOptions {
  return deleteOptions(parsed(body, mediaType(headers['content-type'])), query)
}

function keyOf({ namespace, name }: Target): ObjectKey {
  if (name === undefined) throw badRequest('the path has no name')
  return { name, ...(namespace !== undefined && { namespace }) }
}

export function accessTo({ served, namespace, name, subresource }: Target) {
  const { group, plural } = served.kind
  return {
    ...{ group, resource: plural },
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(subresource !== undefined && { subresource }),
  }
}
