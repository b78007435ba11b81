import type { ApiObject } from '@sluice/resources/api'
import type { ObjectKey } from '../registry.ts'
import type { Resource } from './resource.ts'

/** A state of an object in the version it is stored in; frozen, since everybody who reads it has the same one. */
export interface Entry {
  readonly key: string
  readonly rv: number
  /** When it was written, in milliseconds since the epoch. */
  readonly at: number
  readonly object: ApiObject
  /** As JSON. */
  readonly bytes: number
}

/** `now` undefined: it is gone; `before` undefined: it is new. */
export interface Change {
  readonly rv: number
  readonly at: number
  readonly resource: Resource
  readonly key: string
  readonly before: Entry | undefined
  readonly now: Entry | undefined
}

export function keyOf({ namespace, name }: ObjectKey): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

export function withResourceVersion(object: ApiObject, rv: number): ApiObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(rv) } }
}

const tombstones = new WeakMap<Change, ApiObject>()

/** What a change shows: the new state, or the last one with the number of its removal. */
export function shownBy(change: Change): ApiObject {
  if (change.now !== undefined) return change.now.object
  const known = tombstones.get(change)
  if (known !== undefined) return known
  const object = frozen(withResourceVersion((change.before as Entry).object, change.rv))
  tombstones.set(change, object)
  return object
}

/** Frozen to the ground. What is frozen already is not looked into. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const each of Object.values(value)) frozen(each)
  return Object.freeze(value)
}
