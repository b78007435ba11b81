import { z } from 'zod'
import { text } from '../row-parts.ts'
import { sourceFields } from './source-parts.ts'
import type { SourceRow } from './source-row.ts'

export const PING_TYPE = 'dev.knative.sources.ping'

/** Posts the same event at the times of a schedule. */
export interface PingSourceRow extends SourceRow {
  readonly kind: 'PingSource'
  /** Five fields, or six that begin with seconds, or a descriptor such as `@daily`; judged at admission. */
  readonly schedule: string
  /** IANA name. */
  readonly timezone: string
  /** `datacontenttype` of the event; absent: it has none. */
  readonly contentType?: string
  /** Absent: an event without data. */
  readonly data?: { readonly text: string } | { readonly base64: string }
  /** Of the times that passed while nobody held the row: none is made up for, the latest one, or all of them. */
  readonly missedTicks: 'skip' | 'once' | 'all'
}

/** `source` of its events. Source: knative/eventing pkg/apis/sources/v1/ping_types.go. */
export function pingSourceUri({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `/apis/v1/namespaces/${namespace}/pingsources/${name}`
}

export const pingSourceRow = z.strictObject({
  ...sourceFields([]),
  kind: z.literal('PingSource'),
  schedule: text,
  timezone: text,
  contentType: z.exactOptional(text),
  data: z.exactOptional(z.union([z.strictObject({ text }), z.strictObject({ base64: z.base64().min(1) })])),
  missedTicks: z.enum(['skip', 'once', 'all']),
}) satisfies z.ZodType<PingSourceRow>
