import { type Expression, partsOf } from './expression.ts'
import { builtIn } from './functions.ts'
import { typeOf } from './interpret.ts'
import { parse } from './parse.ts'
import { ParseError } from './parse-error.ts'
import { print } from './print.ts'

/**
 * Why a text is no filter: it can't be parsed, calls functions that do not exist, or never yields a Boolean. Undefined
 * when it is one. What depends on the event, as a cast, is found out when it is evaluated. Never throws.
 */
export function filterProblem(text: string): string | undefined {
  let expression: Expression
  try {
    expression = parse(text)
  } catch (error) {
    if (error instanceof ParseError) return error.message
    throw error
  }
  return unknownCall(expression) ?? resultProblem(expression)
}

function unknownCall(expression: Expression): string | undefined {
  if (expression.kind === 'call' && builtIn(expression.name, expression.operands.length) === undefined)
    return `there is no function ${expression.name} that takes ${expression.operands.length} operands`
  for (const part of partsOf(expression)) {
    const problem = unknownCall(part)
    if (problem !== undefined) return problem
  }
  return undefined
}

function resultProblem(expression: Expression): string | undefined {
  const type = typeOf(expression)
  if (type === 'boolean') return undefined
  if (type === 'any')
    return `yields what the attribute holds, not a Boolean: compare it, or write BOOL(${print(expression)})`
  return `yields ${type === 'integer' ? 'an Integer' : 'a String'}, not a Boolean: compare it with something`
}
