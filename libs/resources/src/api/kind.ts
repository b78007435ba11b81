import type { z } from 'zod'
import type { Transition } from './rule.ts'

/** An object of the API as JSON has it. */
export interface ApiObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name?: string; readonly namespace?: string }
  readonly [field: string]: unknown
}

/** One column of `kubectl get`; `priority` above 0 shows with `-o wide` only. */
export interface PrinterColumn {
  readonly name: string
  readonly type: 'string' | 'date' | 'integer' | 'boolean'
  readonly jsonPath: string
  readonly priority?: number
}

export interface ApiVersion {
  readonly name: string
  /** The version objects are kept in; one per kind. */
  readonly storage: boolean
  /** Absent: a cluster's CRD has it too. False where only the embedded API converts to it. */
  readonly inCluster?: false
  /** What follows metadata. Unknown fields are not its business: they are pruned before. */
  readonly schema: z.ZodObject
  /** By field of the object, what may not change. */
  readonly transitions?: Readonly<Record<string, readonly Transition[]>>
  readonly printerColumns: readonly PrinterColumn[]
  /** Where a cluster's autoscalers find and set how many there are. */
  readonly scale?: {
    readonly specReplicasPath: string
    readonly statusReplicasPath: string
    readonly labelSelectorPath: string
  }
  /** What `kubectl` prints as a warning; the version goes some day. */
  readonly deprecationWarning?: string
}

/** What a rule for requests sees. Absent `oldObject`: the object is new. */
export interface AdmissionRequest {
  readonly object: ApiObject
  readonly oldObject?: ApiObject
  /** Whether who asks may update this subresource, as RBAC would say. */
  readonly mayUpdate: (subresource: string) => boolean
}

/** What a rule for requests has against an object. `path` absent: that of the rule; `isName`: the key is the problem. */
export interface Objection {
  readonly problem: string
  readonly path?: readonly string[]
  readonly isName?: true
}

/** What a CRD's rules can't see: annotations, and who asks. Becomes a ValidatingAdmissionPolicy. */
export interface RequestRule {
  /** CEL over object, oldObject, annotations, oldAnnotations (maps, maybe empty) and authorizer; undefined: CEL can't say it. */
  readonly cel: string | undefined
  readonly path: readonly string[]
  /** Undefined or empty: nothing is wrong. */
  readonly problem: (request: AdmissionRequest) => string | readonly Objection[] | undefined
  /** What the policy says, which has no words for the value at hand. */
  readonly message: string
}

/** One kind with its versions: a row of the table, and everything that is generated comes from it. */
export interface ApiKind {
  /** `''` is the core group. */
  readonly group: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly scope: 'Namespaced' | 'Cluster'
  /** One sentence for `kubectl explain`. */
  readonly description: string
  /** The rule for metadata.name: a subdomain unless it becomes part of a host name. */
  readonly nameIs?: 'label'
  /** Ours: in a cluster a CRD. Kubernetes': a cluster has it anyway. */
  readonly owner: 'sluice' | 'kubernetes'
  readonly isReadOnly?: true
  /** Labels of the CRD, by which other controllers find what kinds can do. */
  readonly labels?: Readonly<Record<string, string>>
  /** Annotations of the CRD, which say more of the same. */
  readonly annotations?: Readonly<Record<string, string>>
  readonly versions: readonly ApiVersion[]
  readonly requestRules?: readonly RequestRule[]
  /** Before anything is judged, as Kubernetes does on the way in (a Secret's stringData). Does not change its input. */
  readonly prepare?: (object: ApiObject) => ApiObject
  /** Between versions of different shape; both ways keep what the other shape has no place for. */
  readonly convert?: (object: ApiObject, version: string) => ApiObject
}

export function apiVersionOf({ group }: Pick<ApiKind, 'group'>, { name }: Pick<ApiVersion, 'name'>): string {
  return group === '' ? name : `${group}/${name}`
}

export const AGE: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }
export const URL_COLUMN: PrinterColumn = { name: 'URL', type: 'string', jsonPath: '.status.address.url' }
export const READY: readonly PrinterColumn[] = ['Ready', 'Reason'].map((name) => ({
  name,
  type: 'string',
  jsonPath: `.status.conditions[?(@.type=="Ready")].${name === 'Ready' ? 'status' : 'reason'}`,
}))

export function column(name: string, jsonPath: string, priority?: number): PrinterColumn {
  return { name, type: 'string', jsonPath, ...(priority !== undefined && { priority }) }
}
