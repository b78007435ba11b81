import { attributeText, type CloudEvent } from '@sluice/cloudevents'
import type { FilterClause, FilterSpec } from '@sluice/contract'

/**
 * A filter, built. An event meets it when every attribute in `exact` has that text and `rest` agrees. `exact` is the
 * part an index answers; `rest` costs a call per event.
 */
export interface Condition {
  readonly exact: ReadonlyMap<string, string>
  readonly rest: ((event: CloudEvent) => boolean) | undefined
}

/** A filter that can't be built matches nothing; `problem` names the field and the reason. */
export type BuiltFilter = { readonly condition: Condition } | { readonly problem: string }

/**
 * The text an attribute is compared by: integers and booleans as they are written in a header. Undefined when absent.
 * Only attributes the event carries are present (Knative also counts an unset `time`), plus three derived names as in
 * Knative: `datamediatype`, and `dataschema` and `schemaurl` for each other. The hop counter is not the user's.
 */
export function comparedText(event: CloudEvent, name: string): string | undefined {
  const value = event.attributes.get(name)
  if (value === undefined) return derivedText(event, name)
  if (name === 'knativebrokerttl') return undefined
  return attributeText(value)
}

/** True when the event meets the condition, judged alone. An index over many conditions answers the same. */
export function meets(condition: Condition, event: CloudEvent): boolean {
  for (const [name, text] of condition.exact) if (comparedText(event, name) !== text) return false
  return condition.rest === undefined || condition.rest(event)
}

/**
 * Builds a filter: a non-empty `filters` list wins over `attributes`; every clause must agree. An empty clause and an
 * absent filter accept everything. Source: knative/eventing pkg/broker/filter/filter_handler.go, filterEvent.
 */
export function buildFilter(spec: FilterSpec): BuiltFilter {
  const exact = new Map<string, string>()
  const rest: ((event: CloudEvent) => boolean)[] = []
  const problem = spec.filters?.length
    ? addClauses(spec.filters, { exact, rest })
    : addAttributes(spec.attributes ?? {}, { exact, rest })
  if (problem !== undefined) return { problem }
  return { condition: { exact, rest: everyOf(rest) } }
}

interface Draft {
  readonly exact: Map<string, string>
  readonly rest: ((event: CloudEvent) => boolean)[]
}

/** One line per dialect: adds the clause's demands to the draft, or answers why it can't. */
const DIALECTS: Readonly<Record<string, (value: unknown, draft: Draft) => string | undefined>> = {
  exact(value, draft) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return 'must be a map of attribute to value'
    for (const [name, text] of Object.entries(value)) {
      if (typeof text !== 'string' || text === '') return `${name}: must be a non-empty string`
      addExact(name, text, draft)
    }
    return undefined
  },
}

function addClauses(clauses: readonly FilterClause[], draft: Draft): string | undefined {
  for (const [position, clause] of clauses.entries()) {
    const [first, second] = Object.entries(clause).filter(([, value]) => value !== undefined)
    if (first === undefined) continue
    if (second !== undefined) return `filters[${position}]: ${first[0]} and ${second[0]} in one clause; use two clauses`
    const [dialect, value] = first
    const add = Object.hasOwn(DIALECTS, dialect) ? DIALECTS[dialect] : undefined
    if (add === undefined) return `filters[${position}]: the dialect ${dialect} is not supported; use exact`
    const problem = add(value, draft)
    if (problem !== undefined) return `filters[${position}].${dialect}: ${problem}`
  }
  return undefined
}

/** Legacy `filter.attributes`: `""` asks for an attribute that is present and not empty. */
function addAttributes(attributes: Readonly<Record<string, string>>, draft: Draft): string | undefined {
  for (const [name, text] of Object.entries(attributes)) {
    if (typeof text !== 'string') return `filter.attributes.${name}: must be a string`
    if (text !== '') addExact(name, text, draft)
    else draft.rest.push((event) => (comparedText(event, name) ?? '') !== '')
  }
  return undefined
}

function addExact(name: string, text: string, draft: Draft): void {
  const other = draft.exact.get(name)
  if (other === undefined) draft.exact.set(name, text)
  else if (other !== text) draft.rest.push((event) => comparedText(event, name) === text)
}

function everyOf(tests: readonly ((event: CloudEvent) => boolean)[]): Condition['rest'] {
  if (tests.length < 2) return tests[0]
  return (event) => tests.every((test) => test(event))
}

function derivedText(event: CloudEvent, name: string): string | undefined {
  if (name === 'datamediatype') {
    const type = event.attributes.get('datacontenttype')
    return typeof type === 'string' ? type.split(';', 1)[0]?.trim().toLowerCase() : undefined
  }
  const twin = name === 'dataschema' ? 'schemaurl' : name === 'schemaurl' ? 'dataschema' : undefined
  return twin === undefined ? undefined : event.attributes.get(twin)?.toString()
}
