import { filterProblem } from '@sluice/cesql'
import { FILTER_DIALECTS, type FilterClause, type FilterSpec, MAX_FILTER_DEPTH } from '@sluice/contract'
import { nearest } from '@sluice/errors'
import { z } from 'zod'
import { optional } from './fields.ts'
import { shown } from './problem.ts'

const NAME = /^[a-z][a-z0-9]*$/
export const attributeNameProblem = (name: unknown) =>
  `an attribute name is lower-case letters and digits, a letter first, found ${shown(name)}`

const attributeName = z
  .string()
  .refine((name) => NAME.test(name), { error: ({ input }) => attributeNameProblem(input) })

type Dialect = (typeof FILTER_DIALECTS)[number]
type Path = readonly PropertyKey[]

/** Takes each problem of a filter, so that all are told at once. */
type Report = (path: Path, problem: string, at?: 'key' | 'value') => void

/** `spec.filter` and `spec.filters` of a Trigger. Source: knative/eventing pkg/apis/eventing/v1/trigger_validation.go. */
export const filterFields = {
  filter: optional(z.strictObject({ attributes: optional(z.record(attributeName, z.string())) })),
  filters: optional(
    z.unknown().transform((value, context): readonly FilterClause[] => {
      const report: Report = (path, message, at = 'value') =>
        context.addIssue({ code: 'custom', path: [...path], message, params: { at } })
      if (Array.isArray(value)) return readClauses(value, [], 1, report)
      report([], `must be a list, found ${shown(value)}`)
      return []
    }),
  ),
}

/** `filters` wins over `filter` when it has clauses, as in Knative; a clause that says nothing accepts everything. */
export function filterSpec(
  filter: { readonly attributes?: Readonly<Record<string, string>> | undefined } | undefined,
  filters: readonly FilterClause[] | undefined,
): FilterSpec {
  if (filters !== undefined && filters.length > 0) return { filters }
  const attributes = filter?.attributes ?? {}
  return Object.keys(attributes).length > 0 ? { attributes } : {}
}

function readClauses(values: readonly unknown[], path: Path, level: number, report: Report): FilterClause[] {
  return values.map((value, i) => readClause(value, [...path, i], level, report))
}

/** Fields that are null are absent, as a commented-out block leaves them. */
function readClause(value: unknown, path: Path, level: number, report: Report): FilterClause {
  if (level > MAX_FILTER_DEPTH) {
    report(path, `is nested more than ${MAX_FILTER_DEPTH} clauses deep: flatten it`)
    return {}
  }
  if (!isMap(value)) {
    report(path, `must be a map with one dialect, found ${shown(value)}`)
    return {}
  }
  const given = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null)
  const known = given.filter(([name]) => isDialect(name)) as [Dialect, unknown][]
  for (const [name] of given) if (!isDialect(name)) report([...path, name], unknownDialect(name), 'key')
  if (known.length > 1) report(path, manyDialects(known, level))
  if (given.length === 0 && level > 1) report(path, 'says nothing: give it a dialect, or remove it')
  return Object.fromEntries(known.map(([name, inner]) => [name, READ[name](inner, [...path, name], level, report)]))
}

type Read = (value: unknown, path: Path, level: number, report: Report) => unknown

const READ: Readonly<Record<Dialect, Read>> = {
  exact: readTexts,
  prefix: readTexts,
  suffix: readTexts,
  all: readMembers,
  any: readMembers,
  not: (value, path, level, report) => readClause(value, path, level + 1, report),
  cesql: readExpression,
}

function readMembers(value: unknown, path: Path, level: number, report: Report) {
  if (Array.isArray(value) && value.length > 0) return readClauses(value, path, level + 1, report)
  report(path, Array.isArray(value) ? 'must hold at least one clause' : `must be a list, found ${shown(value)}`)
  return []
}

function readTexts(value: unknown, path: Path, _: number, report: Report) {
  if (!isMap(value)) return report(path, `must be a map of attribute to text, found ${shown(value)}`)
  const entries = Object.entries(value)
  if (entries.length === 0) report(path, 'must name at least one attribute')
  for (const [name, text] of entries) {
    const at = [...path, name]
    if (!NAME.test(name)) report(at, attributeNameProblem(name), 'key')
    if (text === null || text === undefined) report(at, 'is required', 'key')
    else if (typeof text !== 'string')
      report(at, `must be a string, found ${shown(text)}${typeof text === 'object' ? '' : ': put it in quotes'}`)
    else if (text === '') report(at, `must not be empty: to take any value use cesql: "EXISTS ${name}"`)
  }
  return value
}

/** The place inside the expression is in its own lines and columns: YAML may have folded it. */
function readExpression(value: unknown, path: Path, _: number, report: Report) {
  if (typeof value !== 'string') return report(path, `must be an expression in quotes, found ${shown(value)}`)
  const problem = filterProblem(value)
  if (problem !== undefined) report(path, problem)
  return value
}

function unknownDialect(name: string): string {
  const near = nearest(name, FILTER_DIALECTS)
  return `is not a dialect: ${near === undefined ? `there are ${FILTER_DIALECTS.join(', ')}` : `did you mean "${near}"?`}`
}

function manyDialects(known: readonly [Dialect, unknown][], level: number): string {
  const fix = level === 1 ? 'write a clause for each' : 'put a clause for each into an all'
  return `has ${known.map(([name]) => name).join(' and ')}: one dialect per clause, ${fix}`
}

function isDialect(name: string): name is Dialect {
  return (FILTER_DIALECTS as readonly string[]).includes(name)
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
