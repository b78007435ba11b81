import type { Evaluation, Expression, Value } from './expression.ts'
import { zeroOf } from './functions.ts'
import { interpret, typeOf } from './interpret.ts'
import { parse } from './parse.ts'
import { ParseError } from './parse-error.ts'
import { type Attributes, Run } from './run.ts'

export interface EvaluateOptions {
  /**
   * `complete`, the default: a function that has a natural value despite its error keeps it, as `LEFT('abc', -1)` keeps
   * 'abc'. `failFast`: with any error the value is the zero value of the expression's type. Source: CESQL §4.1.
   */
  readonly mode?: 'complete' | 'failFast'
}

/**
 * Evaluates an expression for an event's attributes, given by their lower-case names in an object or something to look
 * them up in, like a Map. Inherited properties are no attributes.
 * Never throws: a text that is no expression yields false and `parse`. Takes some tens of milliseconds at most.
 */
export function evaluate(
  expression: string | Expression,
  attributes: Readonly<Record<string, Value>> | Attributes,
  options: EvaluateOptions = {},
): Evaluation {
  try {
    const parsed = typeof expression === 'string' ? parse(expression) : expression
    const run = new Run()
    run.begin(lookupIn(attributes))
    const value = interpret(parsed, run)
    const isZero = run.error !== null && options.mode === 'failFast'
    return { value: isZero ? zeroOf(typeOf(parsed)) : value, error: run.error }
  } catch (error) {
    return { value: false, error: error instanceof ParseError ? 'parse' : 'generic' }
  }
}

/** For filters: true only when the expression yields the Boolean true without any error. Never throws. */
export function matches(
  expression: string | Expression,
  attributes: Readonly<Record<string, Value>> | Attributes,
): boolean {
  const { value, error } = evaluate(expression, attributes)
  return value === true && error === null
}

/** By an object's own properties alone: no event has a `constructor` that it was not given. */
export function lookupIn(attributes: Readonly<Record<string, Value>> | Attributes): Attributes {
  if (isLookup(attributes)) return attributes
  return { get: (name) => (Object.hasOwn(attributes, name) ? attributes[name] : undefined) }
}

function isLookup(attributes: Readonly<Record<string, Value>> | Attributes): attributes is Attributes {
  return typeof attributes.get === 'function'
}
