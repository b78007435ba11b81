import type { AnySourceRow, SourceReport } from '@sluice/contract'
import type { ApiObject } from '@sluice/resources/api'
import type { ObjectEvent } from '../../runtime/program.ts'
import type { Condition } from '../conditions.ts'
import type { Context } from '../context.ts'
import type { Fields } from '../objects.ts'

/** What a row has besides what all sources have, as the object says it. */
export type OwnFields = Omit<AnySourceRow, 'uid' | 'hash' | 'kind' | 'namespace' | 'name' | 'target' | 'ceOverrides'>

export interface CeAttributes {
  readonly type: string
  readonly source: string
}

/** What is special about a kind of sources. */
export interface SourceKind {
  readonly kind: AnySourceRow['kind']
  /** Whose rows these are, as statuses name it. */
  readonly service: string
  /** Order of events in a log of the source's own; absent: none is kept. */
  readonly order?: (fields: OwnFields) => { readonly orderKey: string; readonly order: 'key' } | undefined
  fieldsOf(context: Context, source: ApiObject): { readonly value: OwnFields } | { readonly problem: string }
  /** What the object depends on besides its sink. */
  refsOf?(context: Context, source: ApiObject): readonly string[]
  ceAttributes(source: ApiObject, fields: OwnFields, report: SourceReport | undefined): readonly CeAttributes[]
  /** `report`: its service's, of the row as it is. They count for Ready, besides SinkProvided, Deployed and OIDCIdentityCreated. */
  conditions(source: ApiObject, report: SourceReport | undefined): readonly Condition[]
  status?(fields: OwnFields, report: SourceReport | undefined): Fields
  /** Said once per generation. */
  warnings?(source: ApiObject): readonly ObjectEvent[]
  /** Of a kind whose service has to clean up: with it the object stays until that is done. */
  readonly finalizer?: {
    readonly name: string
    isNeeded(source: ApiObject, fields: OwnFields): boolean
    isDone(report: SourceReport): boolean
  }
}

/** As its service said it; Unknown before it said anything. */
export function reported(type: string, report: SourceReport | undefined, service: string): Condition {
  const said = report?.conditions[type]
  if (said !== undefined) return { type, ...said }
  return { type, status: 'Unknown', reason: 'NotReported', message: `waits for ${service} to say so` }
}
