import type { ApiObject } from '@sluice/resources/api'
import type { ObjectKey } from '../api/resource-client.ts'

export type Fields = Readonly<Record<string, unknown>>

export function keyOf({ metadata }: ApiObject): ObjectKey & { readonly namespace: string } {
  return { namespace: metadata.namespace ?? '', name: metadata.name ?? '' }
}

export function uidOf({ metadata }: ApiObject): string {
  return String(metadata.uid ?? '')
}

export function specOf(object: ApiObject): Fields {
  return (object.spec ?? {}) as Fields
}

export function statusFieldsOf(object: ApiObject | undefined): Fields {
  return (object?.status ?? {}) as Fields
}

export function annotationsOf({ metadata }: ApiObject): Readonly<Record<string, string>> {
  return (metadata.annotations ?? {}) as Readonly<Record<string, string>>
}

export function labelsOf({ metadata }: ApiObject): Readonly<Record<string, string>> {
  return (metadata.labels ?? {}) as Readonly<Record<string, string>>
}

/** `Kind namespace/name`, by which references are found. */
export function refOf(kind: string, { namespace, name }: ObjectKey): string {
  return `${kind} ${namespace ?? ''}/${name}`
}

/** An object of an API as another one refers to it. */
export function ownerReference({ apiVersion, kind, metadata }: ApiObject) {
  const controls = { controller: true, blockOwnerDeletion: true }
  return { apiVersion, kind, name: metadata.name ?? '', uid: String(metadata.uid ?? ''), ...controls }
}
