import { randomUUID } from 'node:crypto'
import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import type { WriteOptions } from '../registry.ts'
import { type Admitted, admitted } from './admission.ts'
import type { RegistryOptions } from './config.ts'
import { givenObject, isMap } from './given.ts'
import { invalid } from './invalid.ts'
import { generatedName, timestamp } from './names.ts'
import { badRequest, forbidden, refused } from './refusals.ts'

interface Input {
  readonly served: ServedVersion
  readonly namespace: string | undefined
  readonly object: unknown
  readonly options: WriteOptions
  readonly isTaken: (name: string) => boolean
}

const TRIES = 8

export interface Making {
  readonly now: () => number
  readonly newUid: RegistryOptions['newUid']
}

/** A new object as it is to be stored, in the version it came in. Throws BadRequest, Invalid. */
export function created({ now, newUid }: Making, { served, namespace, object, options, isTaken }: Input): Admitted {
  const given = givenObject(served, object, namespace)
  if (given.metadata.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created')
  const { name, generateName } = given.metadata
  const chosen = name || nameFor(generateName, isTaken)
  const key = { name: chosen ?? '', ...(namespace !== undefined && { namespace }) }
  const metadata = {
    ...given.metadata,
    name: chosen,
    ...(namespace !== undefined && { namespace }),
    uid: newUid?.(served, key) ?? randomUUID(),
    creationTimestamp: timestamp(now()),
    generation: served.kind.owner === 'sluice' ? 1 : undefined,
    resourceVersion: undefined,
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
    managedFields: undefined,
  }
  const fresh = prepared(served, { ...given, metadata: defined(metadata) })
  if (fresh.metadata.name === undefined) {
    const message = 'name or generateName is required'
    throw invalid(served, '', fresh, [{ reason: 'FieldValueRequired', field: 'metadata.name', message }])
  }
  return admitted(served, fresh, undefined, options)
}

function nameFor(base: unknown, isTaken: (name: string) => boolean): string | undefined {
  if (typeof base !== 'string' || base === '') return undefined
  let name = generatedName(base)
  for (let tries = 1; tries < TRIES && isTaken(name); tries++) name = generatedName(base)
  return name
}

export function hasStatus({ version }: ServedVersion): boolean {
  return 'status' in version.schema.shape
}

/** What only a status write may say goes; a namespace begins its life. */
function prepared(served: ServedVersion, object: ApiObject): ApiObject {
  const { status, ...rest } = object
  const begun = hasStatus(served) ? (rest as ApiObject) : object
  if (!isNamespace(served)) return begun
  return { ...withNameLabel(begun), spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }
}

/** Source: Kubernetes, core/v1 LabelMetadataName. */
const NAME_LABEL = 'kubernetes.io/metadata.name'

/** Labels that are no map stay, for admission to refuse. */
export function withNameLabel({ metadata, ...rest }: ApiObject): ApiObject {
  const { labels = {}, name } = metadata
  if (!isMap(labels)) return { metadata, ...rest } as ApiObject
  return { ...rest, metadata: { ...metadata, labels: { ...labels, [NAME_LABEL]: name } } } as ApiObject
}

export function isNamespace({ kind }: Pick<ServedVersion, 'kind'>): boolean {
  return kind.group === '' && kind.kind === 'Namespace'
}

/** Throws BadRequest. */
export function checkScope({ kind }: ServedVersion, namespace: string | undefined): void {
  if (kind.scope === 'Namespaced' && namespace === undefined)
    throw badRequest('an empty namespace may not be set during creation')
  if (kind.scope === 'Cluster' && namespace !== undefined) throw badRequest('namespace is not allowed on this type')
}

/** Whether there may be something new in a namespace. Throws NotFound, Forbidden. */
export function checkNamespace(served: ServedVersion, name: string, room: string, found: ApiObject | undefined): void {
  if (found === undefined)
    throw refused('NotFound', `namespaces "${room}" not found`, { kind: 'namespaces', name: room })
  if (found.metadata.deletionTimestamp === undefined) return
  const why = `unable to create new content in namespace ${room} because it is being terminated`
  const message = `namespace ${room} is being terminated`
  throw forbidden(served, name, why, [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }])
}

/** Metadata without what is undefined. */
export function defined(metadata: Readonly<Record<string, unknown>>): ApiObject['metadata'] {
  return Object.fromEntries(Object.entries(metadata).filter(([, each]) => each !== undefined))
}
