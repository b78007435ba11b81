import { compute } from './arithmetic.ts'
import { isEqual, toBoolean, toInteger, toText } from './cast.ts'
import type { Call, Chain, EvaluationError, Expression, In, Like, Literal, OperatorOf, Value } from './expression.ts'
import { builtIn, castTo, zeroOf } from './functions.ts'
import { compared, computed, typeOf } from './interpret.ts'
import { matcherOf } from './like.ts'
import { parse } from './parse.ts'
import { type Attributes, NO_ATTRIBUTES, Run, SHORT } from './run.ts'

/** Whether an event matches. Throws only what looking up an attribute throws; must not be called from there. */
export type Predicate = (attributes: Attributes) => boolean

type Code<T extends Value = Value> = (run: Run) => T

/**
 * An expression as nested functions, for events by the thousand: answers as `matches` does. `onError` hears why an
 * evaluation failed. Throws ParseError. One predicate serves one event at a time and remembers none.
 */
export function compile(expression: string | Expression, onError?: (error: EvaluationError) => void): Predicate {
  const code = codeOf(typeof expression === 'string' ? parse(expression) : expression)
  const run = new Run()
  return (attributes) => {
    run.begin(attributes)
    const value = code(run)
    run.attributes = NO_ATTRIBUTES
    if (run.error === null) return value === true
    onError?.(run.error)
    return false
  }
}

/** The same rules as `interpret`, with everything decided beforehand that no event changes. */
export function codeOf(expression: Expression): Code {
  switch (expression.kind) {
    case 'literal': {
      const { value } = expression
      return () => value
    }
    case 'attribute': {
      const { name } = expression
      return (run) => run.attribute(name)
    }
    case 'exists': {
      const { name } = expression
      return (run) => run.exists(name)
    }
    case 'not': {
      const operand = booleanCode(expression.operand)
      return (run) => !operand(run) && run.error === null
    }
    case 'negate': {
      const operand = codeOf(expression.operand)
      return (run) => {
        const value = toInteger(operand(run), run)
        return run.error === null ? compute(0, '-', value, run) : 0
      }
    }
    case 'like':
      return codeOfLike(expression)
    case 'in':
      return codeOfIn(expression)
    case 'call':
      return codeOfCall(expression)
    case 'logic':
      return codeOfLogic(expression)
    case 'comparison':
      return codeOfComparison(expression)
    case 'sum':
    case 'product':
      return codeOfFold<OperatorOf['sum' | 'product']>(expression, computed, 0)
  }
}

/** Cast to Boolean; false whenever the run has an error. */
function booleanCode(expression: Expression): Code<boolean> {
  const code = codeOf(expression)
  // Whatever is Boolean by its kind yields false with an error
  if (typeOf(expression) === 'boolean') return code as Code<boolean>
  return (run) => toBoolean(code(run), run) && run.error === null
}

function codeOfLike({ operand, negated, pattern }: Like): Code<boolean> {
  const text = codeOf(operand)
  const matcher = matcherOf(pattern)
  return (run) => {
    const value = toText(text(run))
    return run.error === null && matcher(value, run) !== negated && run.error === null
  }
}

function codeOfIn({ operand, negated, set }: In): Code<boolean> {
  const left = codeOf(operand)
  const members = set.map(codeOf)
  const texts = shortTexts(set)
  return (run) => {
    const value = left(run)
    if (run.error !== null) return false
    if (typeof value === 'string' && texts !== undefined) return texts.has(value) !== negated
    for (const member of members) {
      const right = member(run)
      if (run.error === null && isEqual(right, value, run)) return !negated
      if (run.error !== null) return false
    }
    return negated
  }
}

/** A set of nothing but short literals, as the texts that a text is compared with; comparing them is not counted. */
function shortTexts(set: readonly Expression[]): ReadonlySet<string> | undefined {
  if (!set.every((each): each is Literal => each.kind === 'literal')) return undefined
  const texts = set.map(({ value }) => toText(value))
  return texts.every(({ length }) => length <= SHORT) ? new Set(texts) : undefined
}

function codeOfCall({ name, operands }: Call): Code {
  const called = builtIn(name, operands.length)
  if (called === undefined) return (run) => run.fail('missingFunction', false)
  const { parameters, rest, returns, body } = called
  const codes = operands.map(codeOf)
  const types = operands.map((_, place) => parameters[place] ?? rest ?? 'any')
  const zero = zeroOf(returns)
  return (run) => {
    const values: Value[] = []
    for (let place = 0; place < codes.length; place++) {
      const value = (codes[place] as Code)(run)
      if (run.error === null) values.push(castTo(types[place] as 'any', value, run))
      if (run.error !== null) return zero
    }
    return body(values, run)
  }
}

function codeOfLogic({ operands, operators }: Chain<'logic'>): Code<boolean> {
  const codes = operands.map(booleanCode)
  if (operators.every((operator) => operator === 'AND')) return allOf(codes)
  if (operators.every((operator) => operator === 'OR')) return anyOf(codes)
  return (run) => {
    let inverted = false
    for (let place = 0; place < codes.length; place++) {
      const value = (codes[place] as Code<boolean>)(run)
      if (run.error !== null) return false
      const operator = operators[place]
      if (operator === 'XOR') inverted = inverted !== value
      else if (operator === undefined || value === (operator === 'OR')) return value !== inverted
    }
    return false
  }
}

function allOf(codes: readonly Code<boolean>[]): Code<boolean> {
  return (run) => {
    for (const code of codes) if (!code(run)) return false
    return true
  }
}

function anyOf(codes: readonly Code<boolean>[]): Code<boolean> {
  return (run) => {
    for (const code of codes) {
      if (code(run)) return true
      if (run.error !== null) return false
    }
    return false
  }
}

function codeOfComparison(chain: Chain<'comparison'>): Code {
  const [left, right] = chain.operands
  const [operator] = chain.operators
  if (chain.operators.length === 1 && left?.kind === 'attribute' && right?.kind === 'literal') {
    if (operator === '=') return equalTo(left.name, right.value, false)
    if (operator === '!=' || operator === '<>') return equalTo(left.name, right.value, true)
  }
  return codeOfFold<OperatorOf['comparison']>(chain, compared, false)
}

/** The comparison that most filters are made of. */
function equalTo(name: string, right: Value, negated: boolean): Code<boolean> {
  if (typeof right !== 'string' || right.length > SHORT)
    return (run) => {
      const left = run.attribute(name)
      return run.error === null && isEqual(left, right, run) !== negated && run.error === null
    }
  return (run) => {
    const left = run.attribute(name)
    if (typeof left === 'string') return (left === right) !== negated
    return run.error === null && (toText(left) === right) !== negated
  }
}

/** A chain that groups to the left. */
function codeOfFold<Operator extends string>(
  { operands, operators }: { readonly operands: readonly Expression[]; readonly operators: readonly Operator[] },
  apply: (left: Value, operator: Operator, right: Value, run: Run) => Value,
  zero: Value,
): Code {
  const [first, ...rest] = operands.map(codeOf) as [Code, ...Code[]]
  return (run) => {
    let left = first(run)
    for (let place = 0; place < rest.length; place++) {
      if (run.error !== null) return zero
      const right = (rest[place] as Code)(run)
      if (run.error !== null) return zero
      left = apply(left, operators[place] as Operator, right, run)
    }
    return left
  }
}
