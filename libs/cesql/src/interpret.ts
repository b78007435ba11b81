import { compare, compute } from './arithmetic.ts'
import { isEqual, toBoolean, toInteger, toText } from './cast.ts'
import type { Call, Chain, Expression, In, Like, OperatorOf, Value } from './expression.ts'
import { builtIn, castTo, type Type, zeroOf } from './functions.ts'
import { matcherOf } from './like.ts'
import type { Run } from './run.ts'

/**
 * The plain evaluator: what an expression yields, node by node. An operator one of whose operands failed yields the
 * zero value of its own type; the run keeps the first error. Operands are evaluated from left to right, AND and OR no
 * further than they must. Source: CESQL §3, and the cases of its test kit where the prose leaves it open.
 */
export function interpret(expression: Expression, run: Run): Value {
  const value = byKind(expression, run)
  run.trace?.set(expression, { value, error: run.error })
  return value
}

function byKind(expression: Expression, run: Run): Value {
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'attribute':
      return run.attribute(expression.name)
    case 'exists':
      return run.exists(expression.name)
    case 'not': {
      const operand = toBoolean(interpret(expression.operand, run), run)
      return run.error === null && !operand
    }
    case 'negate': {
      const operand = toInteger(interpret(expression.operand, run), run)
      return run.error === null ? compute(0, '-', operand, run) : 0
    }
    case 'like':
      return interpretLike(expression, run)
    case 'in':
      return interpretIn(expression, run)
    case 'call':
      return interpretCall(expression, run)
    case 'logic':
      return interpretLogic(expression, run)
    case 'comparison':
      return interpretComparison(expression, run)
    case 'sum':
    case 'product':
      return interpretArithmetic(expression, run)
    default:
      // What no parser has made
      return run.fail('generic', false)
  }
}

/** The type an expression has whatever the event; that of an attribute is known once it is there. */
export function typeOf(expression: Expression): Type {
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'number' ? 'integer' : (typeof expression.value as 'string' | 'boolean')
    case 'attribute':
      return 'any'
    case 'negate':
    case 'sum':
    case 'product':
      return 'integer'
    case 'call':
      return builtIn(expression.name, expression.operands.length)?.returns ?? 'boolean'
    default:
      return 'boolean'
  }
}

function interpretLike({ operand, negated, pattern }: Like, run: Run): boolean {
  const text = toText(interpret(operand, run))
  if (run.error !== null) return false
  const isMatch = matcherOf(pattern)(text, run)
  return run.error === null && isMatch !== negated
}

/** The first equal value of the set decides: what comes behind it is not evaluated. */
function interpretIn({ operand, negated, set }: In, run: Run): boolean {
  const left = interpret(operand, run)
  for (const each of set) {
    if (run.error !== null) return false
    const right = interpret(each, run)
    if (run.error === null && isEqual(right, left, run)) return !negated
  }
  return run.error === null && negated
}

function interpretCall({ name, operands }: Call, run: Run): Value {
  const called = builtIn(name, operands.length)
  if (called === undefined) return run.fail('missingFunction', false)
  const values: Value[] = []
  for (const [place, operand] of operands.entries()) {
    const type = called.parameters[place] ?? called.rest ?? 'any'
    const value = interpret(operand, run)
    if (run.error === null) values.push(castTo(type, value, run))
    if (run.error !== null) return zeroOf(called.returns)
  }
  return called.body(values, run)
}

/** Grouped to the right: `a OR b AND c` is `a OR (b AND c)`, and `a AND b OR c` is `a AND (b OR c)`. */
function interpretLogic({ operands, operators }: Chain<'logic'>, run: Run): boolean {
  // What XORs to the left of the present operand turn the value of the rest into
  let inverted = false
  for (const [place, operand] of operands.entries()) {
    const value = toBoolean(interpret(operand, run), run)
    if (run.error !== null) return false
    const operator = operators[place]
    const decides = operator === undefined || (operator === 'AND' && !value) || (operator === 'OR' && value)
    if (decides) return value !== inverted
    if (operator === 'XOR' && value) inverted = !inverted
  }
  return false
}

function interpretComparison({ operands, operators }: Chain<'comparison'>, run: Run): Value {
  let left = interpret(operands[0] as Expression, run)
  for (const [place, operator] of operators.entries()) {
    if (run.error !== null) return false
    const right = interpret(operands[place + 1] as Expression, run)
    if (run.error !== null) return false
    left = compared(left, operator, right, run)
  }
  return left
}

/** What one comparison yields; false when a cast failed. */
export function compared(left: Value, operator: OperatorOf['comparison'], right: Value, run: Run): boolean {
  if (operator === '=') return isEqual(left, right, run) && run.error === null
  if (operator === '!=' || operator === '<>') return !isEqual(left, right, run) && run.error === null
  const isTrue = compare(toInteger(left, run), operator, toInteger(right, run))
  return isTrue && run.error === null
}

function interpretArithmetic({ operands, operators }: Chain<'sum'> | Chain<'product'>, run: Run): Value {
  let left = interpret(operands[0] as Expression, run)
  for (const [place, operator] of operators.entries()) {
    if (run.error !== null) return 0
    const right = interpret(operands[place + 1] as Expression, run)
    if (run.error !== null) return 0
    left = computed(left, operator, right, run)
  }
  return left
}

/** What one operation of arithmetic yields; 0 when a cast failed. */
export function computed(left: Value, operator: OperatorOf['sum' | 'product'], right: Value, run: Run): number {
  const x = toInteger(left, run)
  const y = toInteger(right, run)
  return run.error === null ? compute(x, operator, y, run) : 0
}
