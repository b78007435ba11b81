import type { ApiObject } from '@sluice/resources/api'
import type { ObjectChange, ObjectKey } from './resource-client.ts'

/** The objects of one kind as an informer has them, and who is told of changes. */
export class ObjectCache implements Disposable {
  readonly #byNamespace = new Map<string, Map<string, ApiObject>>()
  readonly #listeners = new Set<(change: ObjectChange) => void>()

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

  /** `now` undefined: it is gone. */
  put(key: ObjectKey, now: ApiObject | undefined): void {
    const { namespace = '', name } = key
    const room = this.#byNamespace.get(namespace) ?? new Map<string, ApiObject>()
    this.#byNamespace.set(namespace, room)
    const before = room.get(name)
    if (now === undefined) room.delete(name)
    else room.set(name, now)
    if (room.size === 0) this.#byNamespace.delete(namespace)
    for (const listener of [...this.#listeners]) listener({ key, before, now })
  }

  [Symbol.dispose](): void {
    this.#listeners.clear()
  }
}

export function keyOf({ metadata: { namespace, name } }: ApiObject): ObjectKey {
  return { name: String(name), ...(namespace !== undefined && { namespace }) }
}
