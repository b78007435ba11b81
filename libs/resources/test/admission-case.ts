// How a case of the tables is written.
import type { ApiObject } from '../src/api/index.ts'

/** 'both': a cluster's CRD says so too; 'api': CEL can't say it, and the controller makes it a condition there. */
export type Verdict = 'accepted' | 'both' | 'api'

export interface AdmissionCase {
  readonly ids?: string
  readonly title: string
  readonly object: ApiObject
  readonly oldObject?: ApiObject
  readonly verdict: Verdict
  /** Fields of the API's causes; empty where it is accepted. */
  readonly fields: readonly string[]
}

export type Fields = Readonly<Record<string, unknown>>
export const make =
  (apiVersion: string, kind: string) =>
  (spec: Fields | undefined, metadata: Fields = {}): ApiObject => ({
    ...{ apiVersion, kind, metadata: { name: 'x', namespace: 'shop', ...metadata } },
    ...(spec && { spec }),
  })

export const without = (fields: Fields, name: string) =>
  Object.fromEntries(Object.entries(fields).filter(([k]) => k !== name))
export const accepted = (title: string, object: ApiObject, ids?: string): AdmissionCase => ({
  ...{ title, object, verdict: 'accepted', fields: [] },
  ...(ids && { ids }),
})
export const refused = (
  ids: string,
  title: string,
  object: ApiObject,
  fields: string[],
  verdict: Verdict = 'both',
) => ({
  ...{ title, object, fields, verdict },
  ...(ids !== '' && { ids }),
})
export const changed = (ids: string, title: string, oldObject: ApiObject, object: ApiObject, fields: string[]) => ({
  ...{ ids, title, object, oldObject, fields, verdict: (fields.length === 0 ? 'accepted' : 'both') as Verdict },
})
