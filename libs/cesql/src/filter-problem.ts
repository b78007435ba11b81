import type { Expression } from './expression.ts'
import { missingFunctions } from './functions.ts'
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
  const [call] = missingFunctions(expression)
  if (call === undefined) return resultProblem(expression)
  return `there is no function ${call.name} that takes ${call.operands.length} operands`
}

function resultProblem(expression: Expression): string | undefined {
  const type = typeOf(expression)
  if (type === 'boolean') return undefined
  if (type === 'any')
    return `yields what the attribute holds, not a Boolean: compare it, or write BOOL(${print(expression)})`
  return `yields ${type === 'integer' ? 'an Integer' : 'a String'}, not a Boolean: compare it with something`
}
