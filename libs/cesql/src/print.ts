import type { ChainKind, Expression } from './expression.ts'

const STRENGTH: Readonly<Record<ChainKind, number>> = { logic: 0, comparison: 1, sum: 2, product: 3 }
const MATCHING = 4
const UNARY = 5
const OPERAND = 6

/** An expression as text that `parse` reads as the same expression: keywords in capitals, brackets where needed. */
export function print(expression: Expression): string {
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'string' ? inQuotes(expression.value) : String(expression.value).toUpperCase()
    case 'attribute':
      return expression.name
    case 'exists':
      return `EXISTS ${expression.name}`
    case 'not':
      return `NOT ${bracketed(expression.operand, UNARY)}`
    case 'negate':
      // A sign that touches digits would be part of them
      return expression.operand.kind === 'literal'
        ? `-(${print(expression.operand)})`
        : `-${bracketed(expression.operand, UNARY)}`
    case 'like':
      return `${matching(expression)} LIKE ${inQuotes(expression.pattern)}`
    case 'in':
      return `${matching(expression)} IN (${expression.set.map(print).join(', ')})`
    case 'call':
      return `${expression.name}(${expression.operands.map(print).join(', ')})`
    default: {
      const [first, ...rest] = expression.operands.map((each) => bracketed(each, strengthOf(expression) + 1))
      return [first, ...rest.map((each, place) => `${expression.operators[place]} ${each}`)].join(' ')
    }
  }
}

function matching({ operand, negated }: { readonly operand: Expression; readonly negated: boolean }): string {
  return `${bracketed(operand, MATCHING)}${negated ? ' NOT' : ''}`
}

function bracketed(expression: Expression, least: number): string {
  return strengthOf(expression) < least ? `(${print(expression)})` : print(expression)
}

function strengthOf(expression: Expression): number {
  switch (expression.kind) {
    case 'like':
    case 'in':
      return MATCHING
    case 'not':
    case 'negate':
      return UNARY
    case 'logic':
    case 'comparison':
    case 'sum':
    case 'product':
      return STRENGTH[expression.kind]
    default:
      return OPERAND
  }
}

/**
 * A backslash pairs with what follows, so that an odd number of them can't stand before a quote of the text's own kind.
 * One of the two kinds always serves for a text that was read.
 */
function inQuotes(text: string): string {
  const quote = canStandIn(text, "'") || !canStandIn(text, '"') ? "'" : '"'
  return quote + text.replaceAll(quote, `\\${quote}`) + quote
}

function canStandIn(text: string, quote: string): boolean {
  let backslashes = 0
  for (const character of text) {
    if (character === quote && backslashes % 2 === 1) return false
    backslashes = character === '\\' ? backslashes + 1 : 0
  }
  return backslashes % 2 === 0
}
