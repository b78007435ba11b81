import { EventingError } from '@sluice/errors'
import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import type { Informer, ObjectChange, ObjectKey, ResourceClient } from '../src/api/resource-client.ts'

type Listener = (change: ObjectChange) => void

/** An API in memory that judges nothing, for unit tests of programs. Objects change at once, and informers tell at once. */
export function memoryClient(now: () => number) {
  const kinds = new Map<string, { objects: Map<string, ApiObject>; listeners: Set<Listener> }>()
  let made = 0
  let writes = 0
  const at = ({ kind }: ServedVersion) => {
    const known = kinds.get(kind.kind) ?? { objects: new Map(), listeners: new Set() }
    kinds.set(kind.kind, known)
    return known
  }
  const idOf = ({ namespace = '', name }: ObjectKey) => `${namespace}/${name}`
  const keyOf = ({ metadata }: ApiObject): ObjectKey => ({
    ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
    name: metadata.name ?? '',
  })

  function store(kind: ServedVersion, object: ApiObject | undefined, key: ObjectKey): ApiObject | undefined {
    const { objects, listeners } = at(kind)
    const before = objects.get(idOf(key))
    writes++
    if (object === undefined) objects.delete(idOf(key))
    else objects.set(idOf(key), object)
    for (const listener of [...listeners]) listener({ key, before, now: object })
    return object
  }

  function refuse(reason: string, message: string): never {
    throw new EventingError({ code: 'RESOURCE_REFUSED', reason, status: 409, causes: [] } as never, message)
  }

  const client: ResourceClient = {
    informer(kind): Informer {
      const { objects, listeners } = at(kind)
      return {
        synced: Promise.resolve(),
        get: (key) => objects.get(idOf(key)),
        list: (namespace) =>
          [...objects.values()].filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
        changed(listener) {
          for (const object of objects.values()) listener({ key: keyOf(object), before: undefined, now: object })
          listeners.add(listener)
          return { [Symbol.dispose]: () => void listeners.delete(listener) }
        },
      }
    },
    async create(kind, object) {
      const key = keyOf(object)
      if (at(kind).objects.has(idOf(key))) refuse('AlreadyExists', `${kind.kind.kind} ${idOf(key)} already exists`)
      const uid = `uid-${++made}`
      const creationTimestamp = `${new Date(now()).toISOString().slice(0, 19)}Z`
      const metadata = { ...object.metadata, uid, generation: 1, creationTimestamp, resourceVersion: `${writes}` }
      return store(kind, { ...object, metadata }, key) as ApiObject
    },
    async update(kind, object) {
      const key = keyOf(object)
      const before = at(kind).objects.get(idOf(key))
      if (before === undefined) refuse('NotFound', `${idOf(key)} not found`)
      const isSpec = JSON.stringify(before.spec) !== JSON.stringify(object.spec)
      const generation = Number(before.metadata.generation) + (isSpec ? 1 : 0)
      const metadata = { ...before.metadata, ...object.metadata, generation, resourceVersion: `${writes}` }
      const { deletionTimestamp, finalizers = [] } = metadata as { deletionTimestamp?: string; finalizers?: string[] }
      const isOver = deletionTimestamp !== undefined && finalizers.length === 0
      return (store(kind, isOver ? undefined : { ...object, status: before.status, metadata }, key) ??
        object) as ApiObject
    },
    async updateStatus(kind, object) {
      const key = keyOf(object)
      const before = at(kind).objects.get(idOf(key))
      if (before === undefined) refuse('NotFound', `${idOf(key)} not found`)
      return store(kind, { ...before, status: object.status }, key) as ApiObject
    },
    async delete(kind, key) {
      const held = at(kind).objects.get(idOf(key))
      if (held !== undefined && ((held.metadata.finalizers ?? []) as readonly string[]).length > 0) {
        store(kind, { ...held, metadata: { ...held.metadata, deletionTimestamp: new Date(now()).toISOString() } }, key)
        return
      }
      store(kind, undefined, key)
      for (const [name, { objects }] of kinds)
        for (const object of [...objects.values()]) {
          const owners = (object.metadata.ownerReferences ?? []) as readonly { kind: string; name: string }[]
          if (!owners.some((owner) => owner.kind === kind.kind.kind && owner.name === key.name)) continue
          objects.delete(idOf(keyOf(object)))
          for (const listener of kinds.get(name)?.listeners ?? [])
            listener({ key: keyOf(object), before: object, now: undefined })
        }
    },
    async [Symbol.asyncDispose]() {},
  }
  return { client, writes: () => writes }
}
