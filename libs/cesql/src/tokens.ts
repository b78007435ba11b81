import { ParseError, quoted } from './parse-error.ts'

export type TokenKind = 'word' | 'keyword' | 'integer' | 'string' | 'symbol' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** A keyword in upper case, a symbol, a word or digits as written, a string without quotes and escapes. */
  readonly text: string
  readonly start: number
  readonly end: number
}

const KEYWORDS: ReadonlySet<string> = new Set(['AND', 'OR', 'XOR', 'NOT', 'LIKE', 'EXISTS', 'IN', 'TRUE', 'FALSE'])
const SYMBOLS = ['<=', '>=', '<>', '!=', '=', '<', '>', '+', '-', '*', '/', '%', '(', ')', ',']
const WORD = /[A-Za-z0-9_]+/y
const SPACE = /[ \t\r\n]+/y
const DIGITS = /^[0-9]+$/

/** The token at or behind `offset`. Throws ParseError for what begins none. Source: cesql/CESQLLexer.g4. */
export function tokenAt(text: string, offset: number): Token {
  const start = endOf(SPACE, text, offset)
  if (start === text.length) return { kind: 'end', text: '', start, end: start }
  const first = text[start] as string
  if (first === "'" || first === '"') return stringAt(text, start, first)
  const wordEnd = endOf(WORD, text, start)
  if (wordEnd > start) return word(text.slice(start, wordEnd), start, wordEnd)
  const symbol = SYMBOLS.find((each) => text.startsWith(each, start))
  if (symbol !== undefined) return { kind: 'symbol', text: symbol, start, end: start + symbol.length }
  const character = String.fromCodePoint(text.codePointAt(start) as number)
  throw new ParseError(text, start, 'an operand or an operator', quoted(character))
}

function word(text: string, start: number, end: number): Token {
  const upper = text.toUpperCase()
  if (KEYWORDS.has(upper)) return { kind: 'keyword', text: upper, start, end }
  return { kind: DIGITS.test(text) ? 'integer' : 'word', text, start, end }
}

/**
 * Backslashes come in pairs with what follows; only before the delimiter they vanish. A doubled delimiter is one, too:
 * the grammar allows it, and SQL reads it so.
 */
function stringAt(text: string, start: number, delimiter: string): Token {
  let value = ''
  let from = start + 1
  for (let at = from; at < text.length; at++) {
    const isEscape = text[at] === '\\'
    if (!isEscape && text[at] !== delimiter) continue
    const doubled = text[at + 1] === delimiter
    if (doubled) {
      value += text.slice(from, at)
      from = at + 1
    } else if (!isEscape) return { kind: 'string', text: value + text.slice(from, at), start, end: at + 1 }
    at += 1
  }
  throw new ParseError(text, start, `a closing ${delimiter} for the string that begins here`, 'the end')
}

function endOf(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset
  return pattern.test(text) ? pattern.lastIndex : offset
}
