import type { Chain, ChainKind, Expression, OperatorOf, Value } from './expression.ts'
import { ParseError, quoted } from './parse-error.ts'
import { type Token, tokenAt } from './tokens.ts'

/** In UTF-16 code units. */
export const MAX_LENGTH = 65_536
export const MAX_DEPTH = 128

export interface ParseOptions {
  /** Longest text that is looked at, in UTF-16 code units; 65,536 unless told. */
  readonly maxLength?: number
}

/** Chains from the weakest to the strongest; AND, OR and XOR are of one rank. Source: cesql/CESQLParser.g4. */
const RANKS = ['logic', 'comparison', 'sum', 'product'] as const satisfies readonly ChainKind[]
const OPERATORS: { readonly [Kind in ChainKind]: readonly OperatorOf[Kind][] } = {
  logic: ['AND', 'OR', 'XOR'],
  comparison: ['=', '!=', '<>', '<', '<=', '>', '>='],
  sum: ['+', '-'],
  product: ['*', '/', '%'],
}
const RANK_OF: ReadonlyMap<string, number> = new Map(
  RANKS.flatMap((kind, rank) => OPERATORS[kind].map((operator) => [operator, rank] as const)),
)
const FUNCTION_NAME = /^[A-Za-z][A-Za-z_]*$/

/** Reads a CESQL v1 expression. Throws ParseError; a text too long or nested deeper than 128 levels is one, too. */
export function parse(text: string, options: ParseOptions = {}): Expression {
  if (typeof text !== 'string') throw new ParseError('', 0, 'a text', typeof text)
  const maxLength = options.maxLength ?? MAX_LENGTH
  if (text.length > maxLength)
    throw new ParseError(text.slice(0, maxLength), maxLength, `at most ${maxLength} characters`, `${text.length}`)
  const parser = new Parser(text)
  const expression = parser.chain(0)
  parser.end()
  return expression
}

class Parser {
  readonly #text: string
  #token: Token
  /** Where the token before it ended: behind closing brackets, which an operand's own end is not. */
  #last = 0
  #depth = 0
  /** LIKE and IN that follow another without brackets: each makes the tree one level deeper. */
  #repeated = 0

  constructor(text: string) {
    this.#text = text
    this.#token = tokenAt(text, 0)
  }

  end(): void {
    if (this.#token.kind !== 'end') throw this.#unexpected('an operator or the end')
  }

  /** An expression whose operators are all of at least that rank. */
  chain(least: number): Expression {
    const { start } = this.#token
    let expression = this.#matching()
    for (let rank = this.#rank(); rank >= least; rank = this.#rank()) {
      const operands = [expression]
      const operators: string[] = []
      while (this.#rank() === rank) {
        operators.push(this.#take().text)
        operands.push(this.chain(rank + 1))
      }
      const kind = RANKS[rank] as ChainKind
      expression = { kind, operands, operators, start, end: this.#last } as Chain as Expression
    }
    return expression
  }

  #matching(): Expression {
    const start = this.#token.start
    let operand = this.#operand()
    for (let repeated = false; ; repeated = true) {
      const negated = this.#is('NOT')
      if (negated) this.#take()
      if (!this.#is('LIKE') && !this.#is('IN')) {
        if (negated) throw this.#unexpected('LIKE or IN after NOT')
        return operand
      }
      if (repeated && ++this.#repeated > MAX_DEPTH) throw this.#tooDeep()
      if (this.#take().text === 'LIKE') {
        if (this.#token.kind !== 'string') throw this.#unexpected('a pattern in quotes after LIKE')
        operand = { kind: 'like', operand, negated, pattern: this.#take().text, start, end: this.#last }
      } else {
        const set = this.#list('( and the values of the set after IN')
        if (set.length === 0) throw this.#unexpected('at least one value in the set', this.#last - 1)
        operand = { kind: 'in', operand, negated, set, start, end: this.#last }
      }
    }
  }

  #operand(): Expression {
    const { kind, text, start } = this.#token
    if (kind === 'integer') return this.#integer('', start)
    if (kind === 'string') return this.#literal(text)
    if (kind === 'word') return this.#word()
    switch (text) {
      case 'TRUE':
      case 'FALSE':
        return this.#literal(text === 'TRUE')
      case 'EXISTS':
        return this.#exists()
      case 'NOT':
        return this.#unary('not')
      case '(':
        return this.#bracketed()
      case '-':
      case '+':
        return this.#signed(text)
      default:
        throw this.#unexpected('an operand')
    }
  }

  /** A sign that touches its digits is part of the literal, so that the smallest integer can be written. */
  #signed(sign: string): Expression {
    const { start, end } = this.#token
    const next = tokenAt(this.#text, end)
    if (next.kind === 'integer' && next.start === end) {
      this.#take()
      return this.#integer(sign, start)
    }
    if (sign === '+') throw this.#unexpected('an operand')
    return this.#unary('negate')
  }

  #integer(sign: string, start: number): Expression {
    const value = Number(`${sign}${this.#token.text}`)
    if (value !== (value | 0)) throw this.#unexpected('an integer from -2147483648 to 2147483647', start)
    this.#take()
    return { kind: 'literal', value: value | 0, start, end: this.#last }
  }

  #literal(value: Value): Expression {
    const { start, end } = this.#take()
    return { kind: 'literal', value, start, end }
  }

  #word(): Expression {
    const { text, start, end } = this.#token
    const next = tokenAt(this.#text, end)
    const isCall = next.kind === 'symbol' && next.text === '('
    if (isCall && !FUNCTION_NAME.test(text)) throw this.#unexpected('a function name of letters and _')
    if (!isCall) return { kind: 'attribute', name: this.#name(), start, end }
    this.#take()
    const operands = this.#list('(')
    return { kind: 'call', name: text.toUpperCase(), operands, start, end: this.#last }
  }

  #exists(): Expression {
    const { start } = this.#take()
    if (this.#token.kind !== 'word') throw this.#unexpected('the name of an attribute after EXISTS')
    return { kind: 'exists', name: this.#name(), start, end: this.#last }
  }

  #name(): string {
    if (this.#token.text.includes('_')) throw this.#unexpected('an attribute name of letters and digits')
    return this.#take().text.toLowerCase()
  }

  #unary(kind: 'not' | 'negate'): Expression {
    const { start } = this.#take()
    this.#enter()
    const operand = this.#operand()
    this.#leave()
    return { kind, operand, start, end: this.#last }
  }

  #bracketed(): Expression {
    this.#take()
    this.#enter()
    const expression = this.chain(0)
    this.#leave()
    if (!this.#is(')')) throw this.#unexpected('an operator or )')
    this.#take()
    return expression
  }

  #list(expected: string): Expression[] {
    if (!this.#is('(')) throw this.#unexpected(expected)
    this.#take()
    this.#enter()
    const list: Expression[] = []
    while (!this.#is(')') || list.length > 0) {
      list.push(this.chain(0))
      if (this.#is(')')) break
      if (!this.#is(',')) throw this.#unexpected('an operator, "," or )')
      this.#take()
    }
    this.#leave()
    this.#take()
    return list
  }

  #enter(): void {
    if (++this.#depth > MAX_DEPTH) throw this.#tooDeep()
  }

  #leave(): void {
    this.#depth -= 1
  }

  /** The rank of the operator at hand; -1 for anything else. */
  #rank(): number {
    if (this.#token.kind !== 'symbol' && this.#token.kind !== 'keyword') return -1
    return RANK_OF.get(this.#token.text) ?? -1
  }

  #is(text: string): boolean {
    return this.#token.text === text && (this.#token.kind === 'symbol' || this.#token.kind === 'keyword')
  }

  #take(): Token {
    const token = this.#token
    this.#last = token.end
    this.#token = tokenAt(this.#text, token.end)
    return token
  }

  #unexpected(expected: string, offset = this.#token.start): ParseError {
    const found =
      this.#token.kind === 'end' && offset === this.#token.start
        ? 'the end'
        : quoted(this.#text.slice(offset, Math.max(this.#token.end, offset + 1)))
    return new ParseError(this.#text, offset, expected, found)
  }

  #tooDeep(): ParseError {
    return new ParseError(this.#text, this.#token.start, `at most ${MAX_DEPTH} levels of nesting`, 'more')
  }
}
