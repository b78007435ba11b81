import type { Value } from './expression.ts'
import type { Run } from './run.ts'

/** The casts of CESQL §3.7. What can't be cast is a `cast` error and the zero value of the type. */
export function toText(value: Value): string {
  return typeof value === 'string' ? value : String(value)
}

export function toInteger(value: Value, run: Run): number {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (!run.spendOnText(value.length)) return 0
  return integerOf(value) ?? run.fail('cast', 0)
}

export function toBoolean(value: Value, run: Run): boolean {
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return value !== 0
  return booleanOf(value) ?? run.fail('cast', false)
}

export function isInteger(value: Value, run: Run): boolean {
  if (typeof value !== 'string') return true
  return run.spendOnText(value.length) && integerOf(value) !== undefined
}

export function isBoolean(value: Value): boolean {
  return typeof value !== 'string' || booleanOf(value) !== undefined
}

/** Digits with or without a sign, leading zeros allowed, within 32 bits. */
function integerOf(text: string): number | undefined {
  const first = text.charCodeAt(0)
  const isSigned = first === 0x2b || first === 0x2d
  if (text.length === (isSigned ? 1 : 0)) return undefined
  let size = 0
  for (let at = isSigned ? 1 : 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return undefined
    size = size * 10 + digit
    if (size > 2_147_483_648) return undefined
  }
  const value = first === 0x2d ? -size : size
  return value === (value | 0) ? value | 0 : undefined
}

function booleanOf(text: string): boolean | undefined {
  if (text === 'true' || text === 'false') return text === 'true'
  if (text.length !== 4 && text.length !== 5) return undefined
  const lower = text.toLowerCase()
  return lower === 'true' ? true : lower === 'false' ? false : undefined
}

/** `=`: the left side is cast to the type of the right one. False when that fails. */
export function isEqual(left: Value, right: Value, run: Run): boolean {
  if (typeof right === 'string') return isSameText(toText(left), right, run)
  if (typeof right === 'number') return toInteger(left, run) === right && run.error === null
  return toBoolean(left, run) === right && run.error === null
}

function isSameText(left: string, right: string, run: Run): boolean {
  return left.length === right.length && run.spendOnText(left.length) && left === right
}
