import type { CloudEvent } from '@sluice/cloudevents'
import type { ExplainedPart } from './explained-parts.ts'

/** A part of a filter, built. */
export interface Clause {
  /** Never throws; what can't be evaluated is not met. */
  meets(event: CloudEvent): boolean
  /** It was evaluated and is not met, which is what a `not` around it asks for. What fails neither meets nor refutes. */
  refutes(event: CloudEvent): boolean
  /** The same verdict, by the same comparison, with what led to it. Tells nobody of failures. */
  explain(event: CloudEvent): Explanation
  /** An event meets the clause exactly when it goes one of these ways; none: no event does. At most `MAX_WAYS`. */
  readonly ways: readonly Way[]
}

/** `exact` is what an index answers: attributes that have that text. `rest` costs a call per event; all must be met. */
export interface Way {
  readonly exact: ReadonlyMap<string, string>
  readonly rest: readonly Clause[]
}

/** What a clause says of one event. */
export interface Explanation {
  /** Its place in the Trigger: `spec.filters[1].any[0].prefix.source`. */
  readonly clause: string
  readonly dialect:
    | 'attributes'
    | 'filters'
    | 'exact'
    | 'present'
    | 'prefix'
    | 'suffix'
    | 'all'
    | 'any'
    | 'not'
    | 'cesql'
  readonly matches: boolean
  /** What was compared: the attribute, and for `cesql` the expression in `expected`. Texts are cut, see `shortened`. */
  readonly attribute?: string
  readonly expected?: string
  /** Null when the event does not have it. */
  readonly actual?: string | null
  /** Why it could not be evaluated; it is not met then. */
  readonly error?: string
  readonly clauses?: readonly Explanation[]
  /** Of a CESQL expression, what its parts yield. */
  readonly parts?: readonly ExplainedPart[]
}

const EXPLAINED_CHARACTERS = 256

/** A text as an explanation has it: whole up to 256 characters, beyond them cut with an ellipsis. */
export function shortened(text: string): string {
  return text.length > EXPLAINED_CHARACTERS ? `${text.slice(0, EXPLAINED_CHARACTERS)}…` : text
}

/** Beyond this a clause is evaluated, not indexed: each way is an entry of the index. */
export const MAX_WAYS = 32

const NO_NAMES: ReadonlyMap<string, string> = new Map()

/** The way of what no index can answer. */
export function evaluated(clause: Omit<Clause, 'ways'>): Clause {
  const rest: Clause[] = []
  const whole: Clause = { ...clause, ways: [{ exact: NO_NAMES, rest }] }
  rest.push(whole)
  return whole
}
