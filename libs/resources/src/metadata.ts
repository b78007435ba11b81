import { z } from 'zod'
import { labelName, mustBeAbsent, optional } from './fields.ts'

/** Fields that only an API server sets; they come with `kubectl get -o yaml`. */
const serverSet = mustBeAbsent('is set by an API server: remove it')

/** Where an object is and what is said about it. `name` and `annotations` depend on the kind. */
export function metadata<N extends z.ZodType, A extends z.ZodType>(name: N, annotations: A) {
  return z.strictObject({
    name,
    namespace: optional(labelName),
    labels: optional(z.record(z.string(), z.string())),
    annotations: optional(annotations),
    generateName: serverSet,
    uid: serverSet,
    resourceVersion: serverSet,
    generation: serverSet,
    creationTimestamp: serverSet,
    deletionTimestamp: serverSet,
    deletionGracePeriodSeconds: serverSet,
    managedFields: serverSet,
    selfLink: serverSet,
    ownerReferences: serverSet,
    finalizers: serverSet,
  })
}

/** `status` may be there empty, as generated manifests have it. */
export const noStatus = mustBeAbsent('is written by the controller: remove it', (value) => {
  if (value === undefined || value === null) return true
  return typeof value === 'object' && Object.keys(value).length === 0
})
