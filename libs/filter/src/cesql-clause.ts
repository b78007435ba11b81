import {
  type Attributes,
  compile,
  type EvaluationError,
  type Expression,
  explain,
  filterProblem,
  parse,
} from '@sluice/cesql'
import type { CloudEvent } from '@sluice/cloudevents'
import { type Clause, type Explanation, shortened, type Way } from './clause.ts'
import { comparedValue } from './compared-text.ts'
import { explainedParts } from './explained-parts.ts'

/** An evaluation that failed: the clause was not met. */
export interface EvaluationFailure {
  /** The clause's place in the Trigger. */
  readonly clause: string
  readonly error: EvaluationError
}

/**
 * An expression in CESQL, over the same attributes as the other dialects, with their types. It is met when it yields
 * TRUE without an error; `failed` hears of errors. A text that is no filter answers why.
 */
export function cesqlClause(
  text: string,
  place: string,
  failed: (failure: EvaluationFailure) => void,
): Clause | { readonly problem: string } {
  const problem = filterProblem(text)
  if (problem !== undefined) return { problem }
  const expression = parse(text)
  const lookup = new Lookup()
  let hasFailed = false
  const predicate = compile(expression, (error) => {
    hasFailed = true
    failed({ clause: place, error })
  })
  const rest: Clause[] = []
  const clause: Clause = {
    meets: (event) => lookup.over(event, predicate),
    refutes: (event) => {
      hasFailed = false
      return !lookup.over(event, predicate) && !hasFailed
    },
    explain: (event): Explanation => {
      const { value, error, parts } = lookup.over(event, (attributes) => explain(expression, attributes))
      const whole = { clause: place, dialect: 'cesql' as const, matches: value === true && error === null }
      const found = { expected: shortened(text), actual: shortened(String(value)) }
      return { ...whole, ...found, ...(error !== null && { error }), parts: explainedParts(parts) }
    },
    ways: waysOf(expression, rest),
  }
  rest.push(clause)
  return clause
}

/** The attributes of one event at a time, none in between. */
class Lookup implements Attributes {
  #event: CloudEvent | undefined

  over<T>(event: CloudEvent, evaluate: (attributes: Attributes) => T): T {
    this.#event = event
    const result = evaluate(this)
    this.#event = undefined
    return result
  }

  get(name: string) {
    return this.#event === undefined ? undefined : comparedValue(this.#event, name)
  }
}

/**
 * Comparisons with a text that must hold for the whole to hold are looked up, and what they let through is evaluated:
 * `=` casts the attribute to text there, which is how an index compares it.
 */
function waysOf(expression: Expression, rest: readonly Clause[]): readonly Way[] {
  const exact = new Map<string, string>()
  for (const { name, text } of equalities(expression)) {
    if ((exact.get(name) ?? text) !== text) return []
    exact.set(name, text)
  }
  return [{ exact, rest }]
}

function equalities(expression: Expression): { name: string; text: string }[] {
  if (expression.kind === 'logic')
    return expression.operators.every((operator) => operator === 'AND') ? expression.operands.flatMap(equalities) : []
  if (expression.kind !== 'comparison' || expression.operators.join() !== '=') return []
  const [left, right] = expression.operands
  const isLookUp = left?.kind === 'attribute' && right?.kind === 'literal' && typeof right.value === 'string'
  return isLookUp ? [{ name: left.name, text: right.value as string }] : []
}
