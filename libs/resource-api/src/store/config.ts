import type { Clock } from '@sluice/clock'
import type { ApiObject, ApiTable, ServedVersion, Structural } from '@sluice/resources/api'
import type { Telemetry } from '@sluice/telemetry'
import type { Fields } from '../fields/fields.ts'
import type { ObjectKey } from '../registry.ts'

/** What is remembered of the past, for watches and continued lists; the first bound that is met counts. */
export interface HistoryBounds {
  readonly maxChanges: number
  readonly maxAgeMs: number
  /** Of the former states of objects, as JSON. */
  readonly maxBytes: number
}

/** 5 minutes as Kubernetes compacts etcd; the others bound memory under many or large writes. */
export const HISTORY: HistoryBounds = { maxChanges: 10_000, maxAgeMs: 5 * 60_000, maxBytes: 32 * 1024 * 1024 }

/** Patches of an object as values: what comes out is judged like any update. Throw RESOURCE_REFUSED for what is no patch. */
export interface Patches {
  json(object: ApiObject, operations: unknown): unknown
  merge(object: ApiObject, patch: unknown): unknown
  strategic(object: ApiObject, patch: unknown, schema: Structural): unknown
}

export interface RegistryOptions {
  /** The file, alone to this process; `:memory:` for tests: nothing survives and no thread is started. */
  readonly path: string
  readonly table: ApiTable
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Absent: those of Kubernetes. */
  readonly fields?: Fields
  /** Absent: those of Kubernetes. */
  readonly patches?: Patches
  readonly history?: Partial<HistoryBounds>
  /** The uid of an object that is new; undefined, or absent: a random one. */
  readonly newUid?: (served: ServedVersion, key: ObjectKey) => string | undefined
}

/** As etcd bounds a request. */
export const MAX_OBJECT_BYTES = 1.5 * 1024 * 1024
/** Source: Kubernetes, kube-apiserver --event-ttl. */
export const EVENT_TTL_MS = 60 * 60_000
/**
 * So long what is in a namespace that goes is left alone, so that who deletes a file of it and its contents finds them.
 * Source: Kubernetes, pkg/controller/namespace, namespaceDeletionGracePeriod.
 */
export const NAMESPACE_GRACE_MS = 5_000
/** Expired Events, compaction by age, bookmarks. */
export const UPKEEP_INTERVAL_MS = 60_000
export const PRESENT_NAMESPACES = ['default', 'knative-eventing'] as const
