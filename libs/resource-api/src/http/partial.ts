import type { ApiObject } from '@sluice/resources/api'

/** The object without all but its metadata. Source: metav1 PartialObjectMetadata. */
export function partial({ metadata }: ApiObject, version: string): ApiObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata }
}
