import type { FilterSpec } from '@sluice/contract'
import { z } from 'zod'
import { notSupported, optional } from './fields.ts'
import { shown } from './problem.ts'

const attributeName = z.string().refine((name) => /^[a-z][a-z0-9]*$/.test(name), {
  error: ({ input }) => `an attribute name is lower-case letters and digits, a letter first, found ${shown(input)}`,
})

const exact = z
  .record(attributeName, z.string().min(1, 'must not be empty: an event attribute never is'))
  .refine((map) => Object.keys(map).length > 0, 'must name at least one attribute')

const later = (dialect: string) => notSupported(`${dialect} comes with the other dialects; use exact`)

const clause = z
  .strictObject({
    exact: optional(exact),
    prefix: later('prefix'),
    suffix: later('suffix'),
    all: later('all'),
    any: later('any'),
    not: later('not'),
    cesql: later('cesql'),
  })
  .superRefine((dialects, context) => {
    const given = Object.entries(dialects).filter(([, value]) => value !== undefined && value !== null)
    if (given.length > 1)
      context.addIssue({
        code: 'custom',
        message: `has ${given.map(([name]) => name).join(' and ')}: one dialect per clause, write a clause for each`,
      })
  })

/** `spec.filter` and `spec.filters` of a Trigger. Source: knative/eventing pkg/apis/eventing/v1/trigger_validation.go. */
export const filterFields = {
  filter: optional(z.strictObject({ attributes: optional(z.record(attributeName, z.string())) })),
  filters: optional(z.array(clause)),
}

/** `filters` wins over `filter` when it has clauses, as in Knative; a clause that says nothing accepts everything. */
export function filterSpec(
  filter: { readonly attributes?: Readonly<Record<string, string>> | undefined } | undefined,
  filters: readonly { readonly exact?: Readonly<Record<string, string>> | undefined }[] | undefined,
): FilterSpec {
  if (filters !== undefined && filters.length > 0)
    return { filters: filters.map(({ exact }) => (exact === undefined ? {} : { exact })) }
  const attributes = filter?.attributes ?? {}
  return Object.keys(attributes).length > 0 ? { attributes } : {}
}
