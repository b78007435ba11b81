import { type FilterClause, type FilterSpec, MAX_FILTER_DEPTH } from '@sluice/contract'
import { cesqlClause, type EvaluationFailure } from './cesql-clause.ts'
import type { Clause } from './clause.ts'
import { every, inverse, some } from './combined-clause.ts'
import { type Comparison, textClause } from './text-clause.ts'

/** Enough to see what is wrong; admission tells all of them. */
const TOLD_PROBLEMS = 10

/** A filter that can't be built matches nothing; `problem` names the fields and reasons. */
export type BuiltFilter = { readonly filter: Clause } | { readonly problem: string }

/**
 * Builds a filter: a non-empty `filters` list wins over `attributes`; every clause must agree. An empty clause and an
 * absent filter accept everything. `failed` hears of every evaluation that fails.
 * Source: knative/eventing pkg/broker/filter/filter_handler.go, filterEvent.
 */
export function buildFilter(spec: FilterSpec, failed: (failure: EvaluationFailure) => void = () => {}): BuiltFilter {
  const problems: string[] = []
  const refuse = (place: string, problem: string): Clause => {
    problems.push(`${place}: ${problem}`)
    return NEVER
  }
  const deps = { refuse, failed }
  const filter = spec.filters?.length
    ? every('filters', 'spec.filters', clauses(spec.filters, 'spec.filters', 1, deps))
    : every('attributes', 'spec.filter.attributes', attributes(spec.attributes ?? {}, deps))
  if (problems.length === 0) return { filter }
  const more = problems.length > TOLD_PROBLEMS ? `; and ${problems.length - TOLD_PROBLEMS} more` : ''
  return { problem: problems.slice(0, TOLD_PROBLEMS).join('; ') + more }
}

interface Deps {
  /** Notes the problem and answers what stands there instead. */
  readonly refuse: (place: string, problem: string) => Clause
  readonly failed: (failure: EvaluationFailure) => void
}
type Build<T> = (value: T, place: string, level: number, deps: Deps) => Clause

/** Stands where a part is missing; a filter that has one is not used. */
const NEVER = some('', [])

/** One line per dialect. A row was checked when it came; what no check saw must not be taken for a yes. */
const DIALECTS: { readonly [D in keyof FilterClause]-?: Build<NonNullable<FilterClause[D]>> } = {
  exact: (texts, place, _, deps) => allTexts('exact', texts, place, deps),
  prefix: (texts, place, _, deps) => allTexts('prefix', texts, place, deps),
  suffix: (texts, place, _, deps) => allTexts('suffix', texts, place, deps),
  all: (inner, place, level, deps) => every('all', place, members(inner, place, level, deps)),
  any: (inner, place, level, deps) => some(place, members(inner, place, level, deps)),
  not: (inner, place, level, deps) => inverse(place, build(inner, place, level + 1, deps)),
  cesql: (text, place, _, { refuse, failed }) => {
    const clause = cesqlClause(text, place, failed)
    return 'problem' in clause ? refuse(place, clause.problem) : clause
  },
}

function clauses(values: readonly FilterClause[], place: string, level: number, deps: Deps): Clause[] {
  return values.map((value, i) => build(value, `${place}[${i}]`, level, deps))
}

function build(clause: FilterClause, place: string, level: number, deps: Deps): Clause {
  if (level > MAX_FILTER_DEPTH) return deps.refuse(place, `is nested more than ${MAX_FILTER_DEPTH} clauses deep`)
  if (!isMap(clause)) return deps.refuse(place, 'must be a map with one dialect')
  const given = Object.entries(clause).filter(([, value]) => value !== undefined)
  const [first, second] = given
  if (second !== undefined)
    return deps.refuse(place, `has ${given.map(([name]) => name).join(' and ')}: one dialect per clause`)
  if (first === undefined) return level === 1 ? every('all', place, []) : deps.refuse(place, 'says nothing')
  const [dialect, value] = first as [keyof FilterClause, never]
  if (!Object.hasOwn(DIALECTS, dialect)) return deps.refuse(`${place}.${dialect}`, 'is not a dialect')
  return DIALECTS[dialect](value, `${place}.${dialect}`, level, deps)
}

function members(values: readonly FilterClause[], place: string, level: number, deps: Deps): Clause[] {
  if (Array.isArray(values) && values.length > 0) return clauses(values, place, level + 1, deps)
  return [deps.refuse(place, 'must be a list of at least one clause')]
}

function allTexts(
  comparison: Comparison & keyof FilterClause,
  texts: Readonly<Record<string, string>>,
  place: string,
  deps: Deps,
): Clause {
  if (!isMap(texts) || Object.keys(texts).length === 0) return deps.refuse(place, 'must be a map of attribute to text')
  return every(
    comparison,
    place,
    Object.entries(texts).map(([name, text]) =>
      typeof text === 'string' && text !== ''
        ? textClause(comparison, `${place}.${name}`, name, text)
        : deps.refuse(`${place}.${name}`, 'must be a text that is not empty'),
    ),
  )
}

/** Legacy `filter.attributes`: `""` asks for an attribute that is present and not empty. */
function attributes(texts: Readonly<Record<string, string>>, deps: Deps): Clause[] {
  return Object.entries(texts).map(([name, text]) => {
    const place = `spec.filter.attributes.${name}`
    if (typeof text !== 'string') return deps.refuse(place, 'must be a text')
    return textClause(text === '' ? 'present' : 'exact', place, name, text)
  })
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
