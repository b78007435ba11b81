import { z } from 'zod'
import type { FilterClause, FilterSpec } from './rows.ts'

/** A clause of `filters` is at level 1, the members of its `all`, `any` or `not` at level 2, and so on. */
export const MAX_FILTER_DEPTH = 32

export const FILTER_DIALECTS = [
  'exact',
  'prefix',
  'suffix',
  'all',
  'any',
  'not',
  'cesql',
] as const satisfies readonly (keyof FilterClause)[]

const text = z.string().min(1)
const texts = z.record(text, text).refine((map) => Object.keys(map).length > 0, 'must name at least one attribute')

/** Each level is made when it is first met, so that a document nested deeper ends in a refusal. */
function clauseAt(level: number): z.ZodType<FilterClause> {
  const inner: z.ZodType<FilterClause> = z.lazy(() =>
    level < MAX_FILTER_DEPTH ? clauseAt(level + 1) : z.never(`is nested more than ${MAX_FILTER_DEPTH} clauses deep`),
  )
  const clause = z.strictObject({
    exact: z.exactOptional(texts),
    prefix: z.exactOptional(texts),
    suffix: z.exactOptional(texts),
    all: z.exactOptional(z.array(inner).min(1)),
    any: z.exactOptional(z.array(inner).min(1)),
    not: z.exactOptional(inner),
    cesql: z.exactOptional(text),
  })
  const dialects = (given: FilterClause) => Object.keys(given).length
  return level === 1
    ? clause.refine((given) => dialects(given) <= 1, 'must have one dialect at most')
    : clause.refine((given) => dialects(given) === 1, 'must have one dialect')
}

/** A clause of the first level. */
export const filterClause: z.ZodType<FilterClause> = clauseAt(1)

/** What a route's `filter` may be; anything else refuses its row. */
export const filter: z.ZodType<FilterSpec> = z.strictObject({
  attributes: z.exactOptional(z.record(text, z.string())),
  filters: z.exactOptional(z.array(filterClause)),
})
