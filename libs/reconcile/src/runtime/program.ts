import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import type { ObjectChange, ObjectKey } from '../api/resource-client.ts'

/** A Kubernetes Event about the object at hand; the runtime names it, counts repeats and bounds them. */
export interface ObjectEvent {
  readonly type: 'Normal' | 'Warning'
  /** UpperCamelCase. */
  readonly reason: string
  readonly message: string
}

/** What looking at an object came to. */
export interface Reconciled {
  /** As it should be; written only where it differs from what is stored. Absent: left as it is. */
  readonly status?: Readonly<Record<string, unknown>>
  readonly events?: readonly ObjectEvent[]
  /** Look again then, whatever changes. */
  readonly againInMs?: number
}

/** Other objects whose changes concern objects of a Program's kind. */
export interface Watched {
  readonly kind: ServedVersion
  concerns(change: ObjectChange): readonly ObjectKey[]
}

/**
 * What keeps the objects of one kind as they should be. The runtime calls it, never twice at once for one object, again
 * after each change of it or of what it watches, and with back-off after it threw. Level-triggered: it looks at what
 * is, not at what happened.
 */
export interface Program {
  readonly kind: ServedVersion
  readonly watches: readonly Watched[]
  /** What is not an object and concerns some: acknowledgements, addresses. Absent: nothing. */
  listen?(enqueue: (key: ObjectKey) => void): Disposable
  /** `object` undefined: it is gone, finalizers done. */
  reconcile(key: ObjectKey, object: ApiObject | undefined): Promise<Reconciled>
}
