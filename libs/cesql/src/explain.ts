import { ownAttributes } from './evaluate.ts'
import { type EvaluationError, type Expression, partsOf, type Value } from './expression.ts'
import { interpret } from './interpret.ts'
import { parse } from './parse.ts'
import { ParseError } from './parse-error.ts'
import { print } from './print.ts'
import { type Attributes, Run } from './run.ts'

/** One expression within another, with what it yields by itself. */
export interface Explanation {
  /** As `print` writes it, cut at 256 characters; the given text where it is no expression. */
  readonly text: string
  readonly kind: Expression['kind'] | 'unreadable'
  readonly start: number
  readonly end: number
  readonly value: Value
  readonly error: EvaluationError | null
  /** False where the whole was decided without it. */
  readonly reached: boolean
  /** Why the text is no expression. */
  readonly problem?: string
  readonly parts: readonly Explanation[]
}

const MAX_SHOWN = 256

/**
 * What every part of an expression yields for an event, also of the parts that were not needed. The root yields what
 * `evaluate` does. Never throws; all parts together may look at as many characters as one evaluation.
 */
export function explain(
  expression: string | Expression,
  attributes: Readonly<Record<string, Value>> | Attributes,
): Explanation {
  try {
    const parsed = typeof expression === 'string' ? parse(expression) : expression
    const run = new Run()
    run.reached = new Set()
    run.begin(isLookup(attributes) ? attributes : ownAttributes(attributes))
    const whole = { value: interpret(parsed, run), error: run.error }
    const { reached } = run
    run.reached = undefined
    const explained = explainPart(parsed, reached, run)
    return { ...explained, ...whole }
  } catch (error) {
    const text = shortened(typeof expression === 'string' ? expression : '')
    const found =
      error instanceof ParseError ? { error: 'parse' as const, problem: error.message } : { error: 'generic' as const }
    return { text, kind: 'unreadable', start: 0, end: text.length, value: false, reached: true, parts: [], ...found }
  }
}

function explainPart(expression: Expression, reached: ReadonlySet<Expression>, run: Run): Explanation {
  run.error = run.left < 0 ? 'generic' : null
  const value = interpret(expression, run)
  const { kind, start, end } = expression
  const { error } = run
  const parts = partsOf(expression).map((part) => explainPart(part, reached, run))
  const text = shortened(print(expression))
  return { text, kind, start, end, value, error, reached: reached.has(expression), parts }
}

function isLookup(attributes: Readonly<Record<string, Value>> | Attributes): attributes is Attributes {
  return typeof attributes.get === 'function'
}

function shortened(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${Array.from(text.slice(0, MAX_SHOWN)).slice(0, -1).join('')}…`
}
