import type { ApiObject, Structural } from '@sluice/resources/api'

/** One entry of metadata.managedFields. Source: Kubernetes, metav1 ManagedFieldsEntry, FieldsV1. */
export interface ManagedFields {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly time?: string
  readonly fieldsType: 'FieldsV1'
  readonly fieldsV1: Readonly<Record<string, unknown>>
  readonly subresource?: string
}

export interface Writer {
  readonly manager: string
  readonly subresource?: string
  /** RFC 3339, to the second. */
  readonly time: string
}

/** A field that another manager owns with another value. */
export interface Conflict {
  /** Who owns it: `manager "kubectl" using v1`. */
  readonly manager: string
  /** `.spec.delivery.retry`. */
  readonly field: string
}

/** What lists are is read from the schema: `x-kubernetes-list-type`, `-list-map-keys`, `-map-type`; absent: atomic lists. */
export interface Fields {
  /** Server-side apply onto what is stored, or onto nothing. Conflicts, unless forced, and then nothing else counts. */
  apply(input: {
    readonly live: ApiObject | undefined
    readonly applied: ApiObject
    readonly schema: Structural
    readonly writer: Writer
    readonly force: boolean
  }): { readonly object: ApiObject } | { readonly conflicts: readonly Conflict[] }
  /** The object with managedFields brought up to date after a write that was no apply. `live` undefined: it is new. */
  update(input: {
    readonly live: ApiObject | undefined
    readonly next: ApiObject
    readonly schema: Structural
    readonly writer: Writer
  }): ApiObject
}
