import { lookupIn } from './evaluate.ts'
import { type Evaluation, type Expression, partsOf, type Value } from './expression.ts'
import { interpret } from './interpret.ts'
import { parse } from './parse.ts'
import { ParseError } from './parse-error.ts'
import { print } from './print.ts'
import { type Attributes, Run } from './run.ts'

/** One expression within another, with what it yields by itself. */
export interface Explanation extends Evaluation {
  /** As `print` writes it, cut behind 256 characters; the given text where it is no expression. */
  readonly text: string
  readonly kind: Expression['kind'] | 'unreadable'
  readonly start: number
  readonly end: number
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
    run.begin(lookupIn(attributes))
    run.trace = new Map()
    interpret(parsed, run)
    return explainPart(parsed, new Set(run.trace.keys()), run.trace, run)
  } catch (error) {
    const text = shortened(typeof expression === 'string' ? expression : '')
    const failure = {
      kind: 'unreadable',
      value: false,
      reached: true,
      parts: [],
      text,
      start: 0,
      end: text.length,
    } as const
    if (error instanceof ParseError) return { ...failure, error: 'parse', problem: error.message }
    return { ...failure, error: 'generic' }
  }
}

/** Each part is evaluated once: with the whole, with the largest part that the whole did without, or by itself. */
function explainPart(
  expression: Expression,
  reached: ReadonlySet<Expression>,
  trace: ReadonlyMap<Expression, Evaluation>,
  run: Run,
): Explanation {
  if (!trace.has(expression)) {
    run.error = null
    interpret(expression, run)
  }
  const { value, error } = trace.get(expression) as Evaluation
  const { kind, start, end } = expression
  const parts = partsOf(expression).map((part) => explainPart(part, reached, trace, run))
  const text = shortened(print(expression, MAX_SHOWN + 1))
  return { text, kind, start, end, value, error, reached: reached.has(expression), parts }
}

function shortened(text: string): string {
  const shown = Array.from(text.slice(0, 2 * MAX_SHOWN + 2))
  return shown.length <= MAX_SHOWN ? text : `${shown.slice(0, MAX_SHOWN).join('')}…`
}
