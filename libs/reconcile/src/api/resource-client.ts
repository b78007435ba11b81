import type { ApiObject, ServedVersion } from '@sluice/resources/api'

/** Absent namespace: of the kind's cluster scope. */
export interface ObjectKey {
  readonly namespace?: string
  readonly name: string
}

/** A change as an informer tells it: `now` undefined is a removal, `before` undefined an addition. */
export interface ObjectChange {
  readonly key: ObjectKey
  readonly before: ApiObject | undefined
  readonly now: ApiObject | undefined
}

/** A copy of all objects of a kind, kept by list and watch through restarts and compactions of who serves them. */
export interface Informer {
  /** Resolves once the first list is in. */
  readonly synced: Promise<void>
  get(key: ObjectKey): ApiObject | undefined
  list(namespace?: string): readonly ApiObject[]
  /** Tells of everything already there first, then of each change, in order. */
  changed(listener: (change: ObjectChange) => void): Disposable
}

/**
 * The API as reconcilers use it, embedded or Kubernetes'. Every refusal is a RESOURCE_REFUSED with Kubernetes' reason
 * (Conflict, NotFound, AlreadyExists, Invalid, …); one that can't be reached is RESOURCE_API_UNREACHABLE.
 */
export interface ResourceClient extends AsyncDisposable {
  /** One per kind, shared by all who ask. */
  informer(kind: ServedVersion): Informer
  create(kind: ServedVersion, object: ApiObject): Promise<ApiObject>
  /** Only if the stored object still has this resourceVersion. */
  update(kind: ServedVersion, object: ApiObject): Promise<ApiObject>
  updateStatus(kind: ServedVersion, object: ApiObject): Promise<ApiObject>
  /** With a uid only that very object. */
  delete(kind: ServedVersion, key: ObjectKey, uid?: string): Promise<void>
}
