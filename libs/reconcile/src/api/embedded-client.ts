import type { Registry, WatchEvent } from '@sluice/resource-api'
import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import type { Informer, ObjectChange, ObjectKey, ResourceClient } from './resource-client.ts'

/** Who writes, in metadata.managedFields. */
const MANAGER = 'sluice-controller'
const BY = { fieldManager: MANAGER, mayUpdate: () => true }

/**
 * The registry of this process as reconcilers use it. Informers share the registry's own objects and are told of each
 * change in the turn in which it is stored. Disposing ends the informers; the registry is closed by who opened it.
 */
export function embeddedClient(registry: Registry): ResourceClient {
  const informers = new Map<ServedVersion, EmbeddedInformer>()
  return {
    informer(kind) {
      const known = informers.get(kind)
      if (known !== undefined) return known
      const informer = new EmbeddedInformer(registry, kind)
      informers.set(kind, informer)
      return informer
    },
    create: async (kind, object) => (await registry.create(kind, object.metadata.namespace, object, BY)).object,
    update: async (kind, object) => (await registry.update(kind, keyOf(object), object, BY)).object,
    updateStatus: async (kind, object) =>
      (await registry.update(kind, keyOf(object), object, { ...BY, subresource: 'status' })).object,
    async delete(kind, key, uid) {
      await registry.delete(kind, key, uid === undefined ? {} : { preconditions: { uid } })
    },
    async [Symbol.asyncDispose]() {
      for (const informer of informers.values()) informer[Symbol.dispose]()
    },
  }
}

class EmbeddedInformer implements Informer, Disposable {
  readonly synced = Promise.resolve()
  readonly #byNamespace = new Map<string, Map<string, ApiObject>>()
  readonly #listeners = new Set<(change: ObjectChange) => void>()
  readonly #watch: Disposable

  constructor(registry: Registry, kind: ServedVersion) {
    this.#watch = registry.watch(kind, {}, (event) => this.#take(event))
  }

  get({ namespace = '', name }: ObjectKey): ApiObject | undefined {
    return this.#byNamespace.get(namespace)?.get(name)
  }

  list(namespace?: string): readonly ApiObject[] {
    const rooms = namespace === undefined ? [...this.#byNamespace.values()] : [this.#byNamespace.get(namespace)]
    return rooms.flatMap((room) => [...(room?.values() ?? [])])
  }

  changed(listener: (change: ObjectChange) => void): Disposable {
    for (const now of this.list()) listener({ key: keyOf(now), before: undefined, now })
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  #take({ type, object }: WatchEvent): void {
    if (type === 'BOOKMARK' || type === 'ERROR') return
    const key = keyOf(object)
    const { namespace = '', name } = key
    const room = this.#byNamespace.get(namespace) ?? new Map<string, ApiObject>()
    this.#byNamespace.set(namespace, room)
    const before = room.get(name)
    const now = type === 'DELETED' ? undefined : object
    if (now === undefined) room.delete(name)
    else room.set(name, now)
    if (room.size === 0) this.#byNamespace.delete(namespace)
    for (const listener of [...this.#listeners]) listener({ key, before, now })
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]()
    this.#listeners.clear()
  }
}

function keyOf({ metadata: { namespace, name } }: ApiObject): ObjectKey {
  return { name: String(name), ...(namespace !== undefined && { namespace }) }
}
