import type { CloudEvent } from '@sluice/cloudevents'
import type { FilterSpec } from '@sluice/contract'
import { buildFilter } from './build-filter.ts'
import type { Explanation } from './clause.ts'
import type { ExplainedPart } from './explained-parts.ts'

/** Why a filter takes an event or does not. */
export interface Verdict {
  readonly matches: boolean
  /** The first clause that fails, as one line; absent when the event matches. */
  readonly reason?: string
  /** Every clause; absent when the filter can't be built. */
  readonly filter?: Explanation
}

/** The verdict that a route with this filter would give, by the same clauses, and why. Never throws. */
export function explain(event: CloudEvent, spec: FilterSpec): Verdict {
  const built = buildFilter(spec)
  if ('problem' in built) return { matches: false, reason: `the filter can not be built: ${built.problem}` }
  const filter = built.filter.explain(event)
  return filter.matches ? { matches: true, filter } : { matches: false, reason: whyNot(filter), filter }
}

const SHOWN_CHARACTERS = 120

const WORDS: { readonly [D in Explanation['dialect']]?: (expected: string) => string } = {
  exact: (expected) => shown(expected),
  prefix: (expected) => `a text that begins with ${shown(expected)}`,
  suffix: (expected) => `a text that ends with ${shown(expected)}`,
  present: () => 'any text that is not empty',
}

/** Of a clause that is not met: the first that fails inside it, down to what was compared. */
function whyNot({ clause, dialect, clauses = [], ...leaf }: Explanation): string {
  const failing = clauses.find(({ matches }) => !matches)
  const [inside] = clauses
  if (dialect === 'not' && inside !== undefined)
    return inside.matches
      ? `${clause}: the clause inside agrees: ${why(inside)}`
      : `${clause}: the clause inside can't be evaluated: ${whyFailed(inside)}`
  if (dialect === 'any' && clauses.length > 1)
    return `${clause}: none of its ${clauses.length} clauses agrees; the first: ${failing && whyNot(failing)}`
  return failing === undefined ? comparison({ clause, dialect, ...leaf }) : whyNot(failing)
}

/** Of a clause that is neither met nor refuted: the first that failed inside it. */
function whyFailed(explanation: Explanation): string {
  const failing = explanation.clauses?.find(hasFailed)
  return failing === undefined ? whyNot(explanation) : whyFailed(failing)
}

function hasFailed({ error, clauses = [] }: Explanation): boolean {
  return error !== undefined || clauses.some(hasFailed)
}

/** Of a clause that is met: the first that settles it. */
function why({ clause, dialect, clauses = [], ...leaf }: Explanation): string {
  if (dialect === 'not') return clauses[0] === undefined ? clause : whyNot(clauses[0])
  const agreeing = clauses.find(({ matches }) => matches)
  return agreeing === undefined ? comparison({ clause, dialect, ...leaf }) : why(agreeing)
}

function comparison({ clause, dialect, attribute, expected, actual, error, parts }: Explanation): string {
  const found = actual === null ? 'the event does not have it' : `found ${shown(actual ?? '')}`
  if (dialect === 'cesql') return `${clause}: ${decisive({ text: expected ?? '', value: actual ?? '', error, parts })}`
  if (attribute === undefined || expected === undefined) return `${clause}: accepts everything`
  return `${clause}: asks for ${WORDS[dialect]?.(expected)}, ${found}`
}

/** Of an expression: the innermost part that settles it, and what it has of the event. */
function decisive({ text, value, error, parts = [] }: Decided): string {
  const needed = parts.filter(({ isNeeded }) => isNeeded)
  const settles = (part: ExplainedPart) =>
    part.error === error && (error !== undefined || `${part.value}` === `${value}`)
  const cause = needed.find((part) => part.parts !== undefined && settles(part))
  if (cause !== undefined) return decisive(cause)
  const yields = error === undefined ? `yields ${String(value).toUpperCase()}` : `fails with ${error}`
  return [`${text} ${yields}`, ...needed.flatMap(leaves).map(told)].join(', ')
}

interface Decided extends Pick<ExplainedPart, 'text' | 'value'> {
  readonly error?: string | undefined
  readonly parts?: readonly ExplainedPart[] | undefined
}

function leaves(part: ExplainedPart): readonly ExplainedPart[] {
  return part.parts === undefined ? [part] : part.parts.flatMap(leaves)
}

function told({ text, value, error }: ExplainedPart): string {
  return `${text} is ${error === undefined ? shown(String(value)) : 'not there'}`
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text)
}
