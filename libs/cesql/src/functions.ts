import { isBoolean, isInteger, toBoolean, toInteger, toText } from './cast.ts'
import { characterCount, offsetBehind, trimmed } from './characters.ts'
import { type Call, type Expression, partsOf, type Value } from './expression.ts'
import type { Run } from './run.ts'

/** Longest text that a function makes, in UTF-16 code units. */
export const MAX_TEXT = 1_048_576

export type Type = 'any' | 'string' | 'integer' | 'boolean'
export type Body = (operands: readonly Value[], run: Run) => Value

export interface BuiltIn {
  readonly parameters: readonly Type[]
  /** The type of further operands, in any number. */
  readonly rest: Type | undefined
  readonly returns: Exclude<Type, 'any'>
  readonly body: Body
}

const ZERO = { string: '', integer: 0, boolean: false, any: false } as const
export const zeroOf = (type: Type): Value => ZERO[type]

/** A value as a parameter wants it. After a failure, which the run knows of, any value of the type. */
export function castTo(type: Type, value: Value, run: Run): Value {
  if (type === 'string') return toText(value)
  if (type === 'integer') return toInteger(value, run)
  return type === 'boolean' ? toBoolean(value, run) : value
}

/** The function of that name, in upper case, which takes so many operands. Source: CESQL §3.5. */
export function builtIn(name: string, operands: number): BuiltIn | undefined {
  return BUILT_INS.get(name)?.find(
    ({ parameters, rest }) => parameters.length === operands || (rest !== undefined && parameters.length < operands),
  )
}

/** The calls that no event can make succeed, since no function has their name and number of operands. */
export function missingFunctions(expression: Expression): readonly Call[] {
  const inner = partsOf(expression).flatMap(missingFunctions)
  if (expression.kind !== 'call' || builtIn(expression.name, expression.operands.length) !== undefined) return inner
  return [expression, ...inner]
}

const BUILT_INS: ReadonlyMap<string, readonly BuiltIn[]> = new Map<string, readonly BuiltIn[]>([
  ['INT', [fixed(['any'], 'integer', ([x], run) => toInteger(x as Value, run))]],
  ['BOOL', [fixed(['any'], 'boolean', ([x], run) => toBoolean(x as Value, run))]],
  ['STRING', [fixed(['any'], 'string', ([x]) => toText(x as Value))]],
  ['IS_INT', [fixed(['any'], 'boolean', ([x], run) => isInteger(x as Value, run))]],
  ['IS_BOOL', [fixed(['any'], 'boolean', ([x]) => isBoolean(x as Value))]],
  ['ABS', [fixed(['integer'], 'integer', ([x], run) => absolute(x as number, run))]],
  ['LENGTH', [fixed(['string'], 'integer', ([x], run) => ofText(x, run, 0, characterCount))]],
  ['LOWER', [fixed(['string'], 'string', ([x], run) => ofText(x, run, '', (text) => text.toLowerCase()))]],
  ['UPPER', [fixed(['string'], 'string', ([x], run) => ofText(x, run, '', (text) => text.toUpperCase()))]],
  ['TRIM', [fixed(['string'], 'string', ([x], run) => ofText(x, run, '', trimmed))]],
  ['CONCAT', [variadic([], (texts, run) => joined(texts as readonly string[], '', run))]],
  ['CONCAT_WS', [variadic(['string'], ([by, ...texts], run) => joined(texts as string[], by as string, run))]],
  ['LEFT', [fixed(['string', 'integer'], 'string', ([x, y], run) => left(x as string, y as number, run))]],
  ['RIGHT', [fixed(['string', 'integer'], 'string', ([x, y], run) => right(x as string, y as number, run))]],
  [
    'SUBSTRING',
    [
      fixed(['string', 'integer'], 'string', ([x, from], run) =>
        substring(x as string, from as number, undefined, run),
      ),
      fixed(['string', 'integer', 'integer'], 'string', ([x, from, length], run) =>
        substring(x as string, from as number, length as number, run),
      ),
    ],
  ],
])

function fixed(parameters: readonly Type[], returns: BuiltIn['returns'], body: Body): BuiltIn {
  return { parameters, rest: undefined, returns, body }
}

function variadic(parameters: readonly Type[], body: Body): BuiltIn {
  return { parameters, rest: 'string', returns: 'string', body }
}

function ofText<T extends Value>(text: Value | undefined, run: Run, zero: T, body: (text: string) => T): T {
  return run.spend((text as string).length) ? body(text as string) : zero
}

function absolute(value: number, run: Run): number {
  return value === -2_147_483_648 ? run.fail('math', 2_147_483_647) : Math.abs(value)
}

function joined(texts: readonly string[], delimiter: string, run: Run): string {
  let length = delimiter.length * Math.max(0, texts.length - 1)
  for (const text of texts) length += text.length
  if (length > MAX_TEXT) return run.fail('functionEvaluation', '')
  return run.spend(length) ? texts.join(delimiter) : ''
}

function left(text: string, count: number, run: Run): string {
  if (count < 0) return run.fail('functionEvaluation', text)
  return run.spend(text.length) ? text.slice(0, offsetBehind(text, count)) : ''
}

function right(text: string, count: number, run: Run): string {
  if (count < 0) return run.fail('functionEvaluation', text)
  if (!run.spend(text.length)) return ''
  return text.slice(offsetBehind(text, Math.max(0, characterCount(text) - count)))
}

/** Counts from 1, or from the end when `from` is negative; 0 is the empty text. */
function substring(text: string, from: number, length: number | undefined, run: Run): string {
  if (length !== undefined && length < 0) return run.fail('functionEvaluation', '')
  if (from === 0 || !run.spend(text.length)) return ''
  const count = characterCount(text)
  if (Math.abs(from) > count) return run.fail('functionEvaluation', '')
  const start = offsetBehind(text, from > 0 ? from - 1 : count + from)
  return text.slice(start, length === undefined ? undefined : offsetBehind(text, length, start))
}
