import { z } from 'zod'
import { filterClause } from '../filter-schema.ts'
import { text } from '../row-parts.ts'
import type { FilterClause } from '../rows.ts'
import { sourceFields } from './source-parts.ts'
import type { SourceRow } from './source-row.ts'

/** Kubernetes' LabelSelector. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
    readonly values?: readonly string[]
  }[]
}

export interface WatchedResource {
  readonly apiVersion: string
  readonly kind: string
  readonly selector?: LabelSelector
}

/** Watches objects of an API server. */
export interface ApiServerSourceRow extends SourceRow {
  readonly kind: 'ApiServerSource'
  readonly resources: readonly WatchedResource[]
  /** Whether events carry the whole object or what names it. */
  readonly mode: 'Reference' | 'Resource'
  /** Only objects that an object of that kind controls; `apiVersion` absent: of any. */
  readonly owner?: { readonly apiVersion?: string; readonly kind: string }
  /** Of the row's namespace: who asks the API server. */
  readonly serviceAccountName: string
  /** Sorted: the source's own, or those that its selector chose; `all` with an empty selector. */
  readonly namespaces: 'all' | readonly string[]
  /** All have to match; absent: everything does. */
  readonly filters?: readonly FilterClause[]
  /** Whether objects that are there at the very first start are told of, as added. */
  readonly initialListing: 'none' | 'add'
  /** Nobody is asked whether the service account may watch: it is tried. */
  readonly skipPermissionsCheck?: true
}

/** The types of its events by what happened. Source: knative/eventing pkg/apis/sources/event_types.go. */
export function apiServerTypes(
  mode: ApiServerSourceRow['mode'],
): Readonly<Record<'add' | 'delete' | 'update', string>> {
  const prefix = `dev.knative.apiserver.${mode === 'Resource' ? 'resource' : 'ref'}`
  return { add: `${prefix}.add`, delete: `${prefix}.delete`, update: `${prefix}.update` }
}

const labelSelector = z.strictObject({
  matchLabels: z.exactOptional(z.record(text, z.string())),
  matchExpressions: z.exactOptional(
    z.array(
      z.strictObject({
        key: text,
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.exactOptional(z.array(z.string())),
      }),
    ),
  ),
})

export const apiServerSourceRow = z.strictObject({
  ...sourceFields([]),
  kind: z.literal('ApiServerSource'),
  resources: z.array(z.strictObject({ apiVersion: text, kind: text, selector: z.exactOptional(labelSelector) })).min(1),
  mode: z.enum(['Reference', 'Resource']),
  owner: z.exactOptional(z.strictObject({ apiVersion: z.exactOptional(text), kind: text })),
  serviceAccountName: text,
  namespaces: z.union([z.literal('all'), z.array(text)]),
  filters: z.exactOptional(z.array(filterClause)),
  initialListing: z.enum(['none', 'add']),
  skipPermissionsCheck: z.exactOptional(z.literal(true)),
}) satisfies z.ZodType<ApiServerSourceRow>
