import { isFailure } from '@sluice/errors'
import type { Registry } from '@sluice/resource-api'
import type { ApiKind, ApiObject, ServedVersion } from '@sluice/resources/api'

/** An object that stays. */
export interface Given {
  readonly kind: ApiKind
  readonly namespace: string | undefined
  readonly name: string
}

/** Deletes what has the label and is not given; a namespace only if nothing else is in it. */
export async function pruned(
  registry: Registry,
  label: Readonly<Record<string, string>>,
  given: readonly Given[],
): Promise<{ readonly pruned: number; readonly kept: readonly string[] }> {
  const stays = new Set(given.map(({ kind, namespace, name }) => nameOf(kind, namespace, name)))
  const kinds = writable(registry)
  const labelSelector = Object.entries(label)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
  const gone = kinds.flatMap((served) =>
    registry
      .list(served, { labelSelector })
      .items.filter(({ metadata }) => !stays.has(nameOf(served.kind, metadata.namespace, metadata.name ?? '')))
      .map((object) => ({ served, object })),
  )
  const [namespaces, others] = [gone.filter(isNamespace), gone.filter((each) => !isNamespace(each))]
  await Promise.all(others.map((each) => remove(registry, each)))
  const empty = namespaces.filter(({ object }) => !holdsSomething(registry, kinds, object.metadata.name ?? ''))
  await Promise.all(empty.map((each) => remove(registry, each)))
  return {
    pruned: others.length + empty.length,
    kept: namespaces.filter((each) => !empty.includes(each)).map(({ object }) => `Namespace ${object.metadata.name}`),
  }
}

interface Found {
  readonly served: ServedVersion
  readonly object: ApiObject
}

/** Each kind in the version it is kept in. */
function writable({ table }: Registry): readonly ServedVersion[] {
  return table.served.filter(({ kind, version }) => version.storage && !kind.isReadOnly && kind.kind !== 'Event')
}

function isNamespace({ served }: Found): boolean {
  return served.kind.group === '' && served.kind.kind === 'Namespace'
}

function holdsSomething(registry: Registry, kinds: readonly ServedVersion[], namespace: string): boolean {
  return kinds
    .filter(({ kind }) => kind.scope === 'Namespaced')
    .some((served) => registry.list(served, { namespace }).items.some((object) => !isOwned(registry, object)))
}

/** By an object of a kind that is served: it goes with that, which is in the same namespace. */
function isOwned({ table }: Registry, { metadata }: ApiObject): boolean {
  const owners = (metadata.ownerReferences ?? []) as readonly { readonly apiVersion: string; readonly kind: string }[]
  return owners.some(({ apiVersion, kind }) => table.ofKind(apiVersion, kind) !== undefined)
}

async function remove(registry: Registry, { served, object }: Found): Promise<void> {
  const { namespace, name, uid } = object.metadata
  const key = { name: String(name), ...(namespace !== undefined && { namespace }) }
  try {
    await registry.delete(served, key, { preconditions: { uid: String(uid) } })
  } catch (error) {
    // gone already, or somebody else's namesake by now
    const reason = isFailure(error, 'RESOURCE_REFUSED') ? error.detail.reason : undefined
    if (reason !== 'NotFound' && reason !== 'Conflict') throw error
  }
}

function nameOf({ group, kind }: ApiKind, namespace: string | undefined, name: string): string {
  return `${group} ${kind} ${namespace ?? ''}/${name}`
}
