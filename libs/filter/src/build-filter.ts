import { type FilterClause, type FilterSpec, MAX_FILTER_DEPTH } from '@sluice/contract'
import type { Clause } from './clause.ts'
import { every, inverse, some } from './combined-clause.ts'
import { type Comparison, textClause } from './text-clause.ts'

/** A filter that can't be built matches nothing; `problem` names every field and reason. */
export type BuiltFilter = { readonly filter: Clause } | { readonly problem: string }

/**
 * Builds a filter: a non-empty `filters` list wins over `attributes`; every clause must agree. An empty clause and an
 * absent filter accept everything. Source: knative/eventing pkg/broker/filter/filter_handler.go, filterEvent.
 */
export function buildFilter(spec: FilterSpec): BuiltFilter {
  const problems: string[] = []
  const refuse = (place: string, problem: string): Clause => {
    problems.push(`${place}: ${problem}`)
    return NEVER
  }
  const filter = spec.filters?.length
    ? every('filters', 'spec.filters', clauses(spec.filters, 'spec.filters', 1, refuse))
    : every('attributes', 'spec.filter.attributes', attributes(spec.attributes ?? {}, refuse))
  return problems.length > 0 ? { problem: problems.join('; ') } : { filter }
}

type Refuse = (place: string, problem: string) => Clause
type Build<T> = (value: T, place: string, level: number, refuse: Refuse) => Clause

/** Stands where a part is missing; a filter that has one is not used. */
const NEVER = some('', [])

/** One line per dialect. A row was checked when it came; what no check saw must not be taken for a yes. */
const DIALECTS: { readonly [D in keyof FilterClause]-?: Build<NonNullable<FilterClause[D]>> } = {
  exact: (texts, place, _, refuse) => allTexts('exact', texts, place, refuse),
  prefix: (texts, place, _, refuse) => allTexts('prefix', texts, place, refuse),
  suffix: (texts, place, _, refuse) => allTexts('suffix', texts, place, refuse),
  all: (inner, place, level, refuse) => every('all', place, members(inner, place, level, refuse)),
  any: (inner, place, level, refuse) => some(place, members(inner, place, level, refuse)),
  not: (inner, place, level, refuse) => inverse(place, build(inner, place, level + 1, refuse)),
  cesql: (_, place, __, refuse) => refuse(place, 'is not supported yet'),
}

function clauses(values: readonly FilterClause[], place: string, level: number, refuse: Refuse): Clause[] {
  return values.map((value, i) => build(value, `${place}[${i}]`, level, refuse))
}

function build(clause: FilterClause, place: string, level: number, refuse: Refuse): Clause {
  if (level > MAX_FILTER_DEPTH) return refuse(place, `is nested more than ${MAX_FILTER_DEPTH} clauses deep`)
  if (!isMap(clause)) return refuse(place, 'must be a map with one dialect')
  const given = Object.entries(clause).filter(([, value]) => value !== undefined)
  const [first, second] = given
  if (second !== undefined)
    return refuse(place, `has ${given.map(([name]) => name).join(' and ')}: one dialect per clause`)
  if (first === undefined) return level === 1 ? every('all', place, []) : refuse(place, 'says nothing')
  const [dialect, value] = first as [keyof FilterClause, never]
  if (!Object.hasOwn(DIALECTS, dialect)) return refuse(`${place}.${dialect}`, 'is not a dialect')
  return DIALECTS[dialect](value, `${place}.${dialect}`, level, refuse)
}

function members(values: readonly FilterClause[], place: string, level: number, refuse: Refuse): Clause[] {
  if (Array.isArray(values) && values.length > 0) return clauses(values, place, level + 1, refuse)
  return [refuse(place, 'must be a list of at least one clause')]
}

function allTexts(
  comparison: Comparison & keyof FilterClause,
  texts: Readonly<Record<string, string>>,
  place: string,
  refuse: Refuse,
): Clause {
  if (!isMap(texts) || Object.keys(texts).length === 0) return refuse(place, 'must be a map of attribute to text')
  return every(
    comparison,
    place,
    Object.entries(texts).map(([name, text]) =>
      typeof text === 'string' && text !== ''
        ? textClause(comparison, `${place}.${name}`, name, text)
        : refuse(`${place}.${name}`, 'must be a text that is not empty'),
    ),
  )
}

/** Legacy `filter.attributes`: `""` asks for an attribute that is present and not empty. */
function attributes(texts: Readonly<Record<string, string>>, refuse: Refuse): Clause[] {
  return Object.entries(texts).map(([name, text]) => {
    const place = `spec.filter.attributes.${name}`
    if (typeof text !== 'string') return refuse(place, 'must be a text')
    return textClause(text === '' ? 'present' : 'exact', place, name, text)
  })
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
