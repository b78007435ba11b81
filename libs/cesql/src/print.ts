import type { Chain, ChainKind, Expression } from './expression.ts'

const STRENGTH: Readonly<Record<ChainKind, number>> = { logic: 0, comparison: 1, sum: 2, product: 3 }
const MATCHING = 4
const UNARY = 5
const OPERAND = 6

/**
 * An expression as text that `parse` reads as the same expression: keywords in capitals, brackets where needed. May
 * stop once it has `enough` UTF-16 code units.
 */
export function print(expression: Expression, enough = Number.POSITIVE_INFINITY): string {
  const printer = new Printer(enough)
  printer.write(expression)
  return printer.text
}

class Printer {
  text = ''
  readonly #enough: number

  constructor(enough: number) {
    this.#enough = enough
  }

  write(expression: Expression): void {
    if (this.text.length >= this.#enough) return
    switch (expression.kind) {
      case 'literal':
        this.text += literal(expression.value)
        break
      case 'attribute':
        this.text += expression.name
        break
      case 'exists':
        this.text += `EXISTS ${expression.name}`
        break
      case 'not':
        this.text += 'NOT '
        this.#operand(expression.operand, UNARY)
        break
      case 'negate':
        this.text += '-'
        // A sign that touches digits would be part of them
        this.#operand(expression.operand, expression.operand.kind === 'literal' ? OPERAND + 1 : UNARY)
        break
      case 'like':
        this.#operand(expression.operand, MATCHING)
        this.text += `${expression.negated ? ' NOT' : ''} LIKE ${literal(expression.pattern)}`
        break
      case 'in':
        this.#operand(expression.operand, MATCHING)
        this.text += `${expression.negated ? ' NOT' : ''} IN `
        this.#list(expression.set)
        break
      case 'call':
        this.text += expression.name
        this.#list(expression.operands)
        break
      default:
        this.#chain(expression)
    }
  }

  #chain({ kind, operands, operators }: Expression & Chain): void {
    for (const [place, operand] of operands.entries()) {
      if (this.text.length >= this.#enough) return
      if (place > 0) this.text += ` ${operators[place - 1]} `
      this.#operand(operand, STRENGTH[kind] + 1)
    }
  }

  #list(expressions: readonly Expression[]): void {
    this.text += '('
    for (const [place, each] of expressions.entries()) {
      if (this.text.length >= this.#enough) return
      if (place > 0) this.text += ', '
      this.write(each)
    }
    this.text += ')'
  }

  #operand(expression: Expression, least: number): void {
    const isBracketed = strengthOf(expression) < least
    if (isBracketed) this.text += '('
    this.write(expression)
    if (isBracketed) this.text += ')'
  }
}

function strengthOf({ kind }: Expression): number {
  if (kind === 'like' || kind === 'in') return MATCHING
  if (kind === 'not' || kind === 'negate') return UNARY
  return Object.hasOwn(STRENGTH, kind) ? STRENGTH[kind as ChainKind] : OPERAND
}

function literal(value: string | number | boolean): string {
  return typeof value === 'string' ? inQuotes(value) : String(value).toUpperCase()
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
