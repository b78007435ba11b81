import { isFailure } from '@sluice/errors'
import type { Registry } from '@sluice/resource-api'
import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import { byPlace, type ManifestObject, type Problem, parsePath } from '@sluice/resources/manifests'
import { type Given, pruned } from './prune.ts'

/** Who writes, in metadata.managedFields. */
export const MANAGER = 'sluice-manifests'
/** By this it knows its own: an object of nothing but its name has no managed fields. */
const APPLIED = { 'sluice.dev/applied-by': 'manifests' } as const

/** What came of it. With problems, nothing was changed. */
export interface Applied {
  readonly problems: readonly Problem[]
  /** Objects that are new or changed, and that are gone. */
  readonly written: number
  readonly pruned: number
  /** Namespaces that left the manifests and stay, as they hold something: `Namespace shop`. */
  readonly kept: readonly string[]
}

/** Kinds that others refer to or live in come first. */
const RANK: Readonly<Record<string, number>> = { Namespace: 0, ConfigMap: 1, Secret: 1, Service: 1 }

/**
 * Makes the API say what the manifests say: server-side apply of each object, taking over fields of others; namespaces
 * that are only named are made; what it applied before and is not there any more is deleted. Everything is rehearsed
 * first. Rejects only where the API fails; asked again it goes on where it stood.
 */
export async function applyManifests(registry: Registry, objects: readonly ManifestObject[]): Promise<Applied> {
  const ordered = objects.toSorted((a, b) => rankOf(a) - rankOf(b))
  const missing = missingNamespaces(registry, ordered)
  const rehearsed = ordered.filter(({ object }) => !missing.has(object.metadata.namespace ?? ''))
  const problems = (await Promise.all(rehearsed.map((each) => rehearse(registry, each)))).flat()
  if (problems.length > 0) return { problems: problems.sort(byPlace), written: 0, pruned: 0, kept: [] }
  await Promise.all([...missing].map((name) => makeNamespace(registry, name)))
  let written = 0
  for (const rank of new Set(ordered.map(rankOf))) {
    const results = ordered.filter((each) => rankOf(each) === rank).map((each) => write(registry, each))
    written += (await Promise.all(results)).filter(Boolean).length
  }
  return { problems: [], written, ...(await pruned(registry, APPLIED, ordered.map(givenOf))) }
}

function rankOf({ served }: ManifestObject): number {
  return RANK[served.kind.kind] ?? 2
}

function givenOf({ served, object }: ManifestObject): Given {
  return { kind: served.kind, namespace: object.metadata.namespace, name: String(object.metadata.name) }
}

function missingNamespaces(registry: Registry, objects: readonly ManifestObject[]): ReadonlySet<string> {
  const served = namespaceOf(registry)
  const declared = objects.filter((each) => each.served.kind === served.kind).map(({ object }) => object.metadata.name)
  const there = new Set(registry.list(served, {}).items.map(({ metadata }) => metadata.name))
  const isMissing = (name: string | undefined) => name !== undefined && !there.has(name)
  const named = objects.map(({ object }) => object.metadata.namespace)
  return new Set([...named, ...declared].filter(isMissing) as string[])
}

async function makeNamespace(registry: Registry, name: string): Promise<void> {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
  // by another manager: a namespace that the manifests do not hold is none that they take away
  await registry.create(namespaceOf(registry), undefined, object, { fieldManager: `${MANAGER}-namespaces` })
}

function namespaceOf({ table }: Registry): ServedVersion {
  return table.ofKind('v1', 'Namespace') as ServedVersion
}

/** Answers whether anything changed. */
async function write(registry: Registry, each: ManifestObject): Promise<boolean> {
  const before = stored(registry, each)?.metadata.resourceVersion
  const { object } = await apply(registry, each, false)
  return object.metadata.resourceVersion !== before
}

function stored(registry: Registry, { served, object }: ManifestObject): ApiObject | undefined {
  try {
    return registry.get(served, keyOf(object))
  } catch (error) {
    if (isFailure(error, 'RESOURCE_REFUSED') && error.detail.reason === 'NotFound') return undefined
    throw error
  }
}

async function rehearse(registry: Registry, each: ManifestObject): Promise<Problem[]> {
  try {
    await apply(registry, each, true)
    return []
  } catch (error) {
    if (!isFailure(error, 'RESOURCE_REFUSED') || error.detail.status >= 500) throw error
    const causes = error.detail.details?.causes ?? []
    if (causes.length === 0) return [each.problem(['metadata', 'name'], `${error.message} (${each.label})`)]
    return causes.map(({ field, message }) => each.problem(parsePath(field ?? ''), `${message} (${each.label})`))
  }
}

function apply(registry: Registry, { served, object: given }: ManifestObject, dryRun: boolean) {
  const labels = { ...(given.metadata.labels as object | undefined), ...APPLIED }
  const object = { ...given, metadata: { ...given.metadata, labels } }
  return registry.patch(
    served,
    keyOf(object),
    { type: 'apply', object, force: true },
    { fieldManager: MANAGER, fieldValidation: 'Strict', dryRun },
  )
}

function keyOf({ metadata: { namespace, name } }: ApiObject) {
  return { name: String(name), ...(namespace !== undefined && { namespace }) }
}
