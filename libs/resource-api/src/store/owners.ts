import type { ApiObject } from '@sluice/resources/api'
import type { Change, Entry } from './entry.ts'
import { isMap } from './given.ts'
import type { Resource } from './resource.ts'

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly blockOwnerDeletion?: boolean
}

/** Where an object is. */
export interface Place {
  readonly resource: Resource
  readonly key: string
}

export function ownersOf(object: ApiObject | undefined): readonly OwnerReference[] {
  const owners = object?.metadata.ownerReferences
  return Array.isArray(owners) ? (owners.filter(isMap) as unknown as OwnerReference[]) : []
}

/** Who belongs to whom, and what is in a namespace: kept with every change. */
export class Owners {
  readonly #byUid = new Map<string, Place>()
  readonly #dependents = new Map<string, Map<string, Place>>()
  readonly #inNamespace = new Map<string, Map<string, Place>>()

  apply({ resource, key, before, now }: Change): void {
    const place = { resource, key }
    const id = `${resource.id} ${key}`
    if (before !== undefined) this.#take(before, id)
    if (now === undefined) return
    this.#byUid.set(String(now.object.metadata.uid), place)
    for (const { uid } of ownersOf(now.object)) put(this.#dependents, uid, id, place)
    const { namespace } = now.object.metadata
    if (namespace !== undefined) put(this.#inNamespace, namespace, id, place)
  }

  #take({ object }: Entry, id: string): void {
    this.#byUid.delete(String(object.metadata.uid))
    for (const { uid } of ownersOf(object)) take(this.#dependents, uid, id)
    const { namespace } = object.metadata
    if (namespace !== undefined) take(this.#inNamespace, namespace, id)
  }

  ofUid(uid: string): Place | undefined {
    return this.#byUid.get(uid)
  }

  dependentsOf(uid: string): Iterable<Place> {
    return this.#dependents.get(uid)?.values() ?? []
  }

  inNamespace(namespace: string): Iterable<Place> {
    return this.#inNamespace.get(namespace)?.values() ?? []
  }
}

function put(index: Map<string, Map<string, Place>>, of: string, id: string, place: Place): void {
  const places = index.get(of)
  if (places === undefined) index.set(of, new Map([[id, place]]))
  else places.set(id, place)
}

function take(index: Map<string, Map<string, Place>>, of: string, id: string): void {
  const places = index.get(of)
  places?.delete(id)
  if (places?.size === 0) index.delete(of)
}
