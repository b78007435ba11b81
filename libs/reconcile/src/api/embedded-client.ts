import type { Registry, WatchEvent } from '@sluice/resource-api'
import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import { keyOf, ObjectCache } from './object-cache.ts'
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
  readonly #cache = new ObjectCache()
  readonly #watch: Disposable

  constructor(registry: Registry, kind: ServedVersion) {
    this.#watch = registry.watch(kind, {}, (event) => this.#take(event))
  }

  get(key: ObjectKey): ApiObject | undefined {
    return this.#cache.get(key)
  }

  list(namespace?: string): readonly ApiObject[] {
    return this.#cache.list(namespace)
  }

  changed(listener: (change: ObjectChange) => void): Disposable {
    return this.#cache.changed(listener)
  }

  #take({ type, object }: WatchEvent): void {
    if (type === 'BOOKMARK' || type === 'ERROR') return
    this.#cache.put(keyOf(object), type === 'DELETED' ? undefined : object)
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]()
    this.#cache[Symbol.dispose]()
  }
}
