import type { EvaluationError, Expression, Value } from './expression.ts'
import { zeroOf } from './functions.ts'
import { interpret, typeOf } from './interpret.ts'
import { parse } from './parse.ts'
import { ParseError } from './parse-error.ts'
import { type Attributes, Run } from './run.ts'

export interface Evaluation {
  readonly value: Value
  /** The first error, in the order of evaluation. */
  readonly error: EvaluationError | null
}

export interface EvaluateOptions {
  /**
   * `complete`, the default: a function that has a natural value despite its error keeps it, as `LEFT('abc', -1)` keeps
   * 'abc'. `failFast`: with any error the value is the zero value of the expression's type. Source: CESQL §4.1.
   */
  readonly mode?: 'complete' | 'failFast'
}

/**
 * Evaluates an expression for an event's attributes, given by their lower-case names; inherited properties are none.
 * Never throws: a text that is no expression yields false and `parse`. Takes some tens of milliseconds at most.
 */
export function evaluate(
  expression: string | Expression,
  attributes: Readonly<Record<string, Value>>,
  options: EvaluateOptions = {},
): Evaluation {
  try {
    const parsed = typeof expression === 'string' ? parse(expression) : expression
    const run = new Run()
    run.begin(ownAttributes(attributes))
    const value = interpret(parsed, run)
    const isZero = run.error !== null && options.mode === 'failFast'
    return { value: isZero ? zeroOf(typeOf(parsed)) : value, error: run.error }
  } catch (error) {
    return { value: false, error: error instanceof ParseError ? 'parse' : 'generic' }
  }
}

/** For filters: true only when the expression yields the Boolean true without any error. Never throws. */
export function matches(expression: string | Expression, attributes: Readonly<Record<string, Value>>): boolean {
  const { value, error } = evaluate(expression, attributes)
  return value === true && error === null
}

/** Attributes of an object, by its own properties alone: no event has a `constructor` that it was not given. */
export function ownAttributes(attributes: Readonly<Record<string, Value>>): Attributes {
  return { get: (name) => (Object.hasOwn(attributes, name) ? attributes[name] : undefined) }
}
