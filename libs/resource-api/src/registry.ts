import type { ApiObject, ApiTable, ServedVersion } from '@sluice/resources/api'

/** Absent namespace: of the kind's cluster scope. */
export interface ObjectKey {
  readonly namespace?: string
  readonly name: string
}

/** What of a kind is meant. Selectors as Kubernetes writes them: `app in (a,b),!c`, `metadata.name=x`. */
export interface Selection {
  /** Absent: every namespace. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

export interface ListOptions extends Selection {
  readonly limit?: number
  /** The token of the page before; its resourceVersion holds for all pages. */
  readonly continue?: string
  readonly resourceVersion?: string
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan'
}

export interface ObjectList {
  readonly resourceVersion: string
  readonly continue?: string
  readonly remainingItemCount?: number
  readonly items: readonly ApiObject[]
}

export interface WatchOptions extends Selection {
  /** Changes after this one; absent: what there is comes first, as ADDED. */
  readonly resourceVersion?: string
  readonly allowWatchBookmarks?: boolean
  readonly sendInitialEvents?: boolean
}

/** BOOKMARK carries an object with nothing but its resourceVersion; ERROR ends the watch, its object is a Status. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: ApiObject
}

export interface WriteOptions {
  /** Who writes, for metadata.managedFields. */
  readonly fieldManager: string
  /** Absent: `Warn`. */
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict'
  /** Everything but the storing. */
  readonly dryRun?: boolean
  readonly subresource?: 'status'
  /** What RBAC would say of a subresource that exists for rules of admission alone. Absent: no. */
  readonly mayUpdate?: (subresource: string) => boolean
}

export type Patch =
  | { readonly type: 'json'; readonly operations: unknown }
  | { readonly type: 'merge' | 'strategic'; readonly patch: unknown }
  /** Server-side apply; `force` takes over the fields of others. */
  | { readonly type: 'apply'; readonly object: unknown; readonly force: boolean }

/** `warnings` go into Warning headers. */
export interface Written {
  readonly object: ApiObject
  readonly isNew: boolean
  readonly warnings: readonly string[]
}

export interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  /** Absent: `Background`. */
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  readonly dryRun?: boolean
}

/** `isGone` false: finalizers hold the object, which now has a deletionTimestamp. */
export interface Deleted {
  readonly object: ApiObject
  readonly isGone: boolean
}

/**
 * The objects of every kind, as Kubernetes keeps them: admission, generation, managed fields, finalizers, owners.
 * Objects come and go in the version of `served`; those handed out are shared and frozen, those taken become its own. A
 * write fulfils once it survives a power loss; every refusal is a RESOURCE_REFUSED with Kubernetes' reason. HTTP and the
 * reconcilers' client stand on this alone.
 */
export interface Registry extends AsyncDisposable {
  readonly table: ApiTable
  get(served: ServedVersion, key: ObjectKey): ApiObject
  list(served: ServedVersion, options: ListOptions): ObjectList
  /** Calls back in order, each change once; throws `Expired` where the history begins later. */
  watch(served: ServedVersion, options: WatchOptions, on: (event: WatchEvent) => void): Disposable
  create(served: ServedVersion, namespace: string | undefined, object: unknown, options: WriteOptions): Promise<Written>
  /** With a resourceVersion in its metadata only if that is the stored one; without, whatever is stored. */
  update(served: ServedVersion, key: ObjectKey, object: unknown, options: WriteOptions): Promise<Written>
  patch(served: ServedVersion, key: ObjectKey, patch: Patch, options: WriteOptions): Promise<Written>
  delete(served: ServedVersion, key: ObjectKey, options: DeleteOptions): Promise<Deleted>
  /** Every one that is selected, each on its own. */
  deleteCollection(served: ServedVersion, selection: Selection, options: DeleteOptions): Promise<readonly Deleted[]>
}
