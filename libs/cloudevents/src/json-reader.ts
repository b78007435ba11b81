import { isUtf8 } from 'node:buffer'
import { invalid } from './invalid.ts'

const TAB = 0x09
const NEWLINE = 0x0a
const RETURN = 0x0d
const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * Walks JSON text (RFC 8259) in bytes that are known to be UTF-8, validating as it goes and keeping nothing. Never
 * recurses: nesting costs one array element a level. Every complaint is EVENT_INVALID with the byte it is about.
 */
export class JsonReader {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  /** The next byte that is not white space, not consumed; -1 at the end. */
  peek(): number {
    const { bytes } = this
    let at = this.at
    while (at < bytes.length) {
      const byte = bytes[at] as number
      if (byte !== SPACE && byte !== NEWLINE && byte !== RETURN && byte !== TAB) {
        this.at = at
        return byte
      }
      at++
    }
    this.at = at
    return -1
  }

  /** Consumes `byte` if it is next. */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false
    this.at++
    return true
  }

  /** Consumes the next byte, which has to be `char`. */
  expect(char: string): void {
    if (!this.take(char.charCodeAt(0))) this.fail(`expected '${char}'`)
  }

  /** Consumes a string and answers its value; escapes may spell lone surrogates. */
  readString(): string {
    if (this.peek() !== QUOTE) this.fail('expected a string')
    const start = this.at
    const kind = this.skipString()
    if (kind === 'escaped') return JSON.parse(this.bytes.toString('utf8', start, this.at)) as string
    return this.bytes.toString(kind === 'ascii' ? 'latin1' : 'utf8', start + 1, this.at - 1)
  }

  /** Consumes one value of any kind; its text lies from the first answered index to `at`. */
  skipValue(): number {
    const first = this.peek()
    const start = this.at
    if (first !== OPEN_BRACE && first !== OPEN_BRACKET) {
      this.skipScalar(first)
      return start
    }
    const open: number[] = []
    do {
      const byte = this.peek()
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        this.at++
        const close = byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET
        if (!this.take(close)) {
          open.push(close)
          if (close === CLOSE_BRACE) this.skipName()
          continue
        }
      } else {
        this.skipScalar(byte)
      }
      this.closeEnded(open)
    } while (open.length > 0)
    return start
  }

  fail(problem: string): never {
    throw invalid(`malformed JSON at byte ${this.at}: ${problem}`)
  }

  /** After a value: to the next one in the innermost open object or array, closing those that end here. */
  private closeEnded(open: number[]): void {
    while (open.length > 0) {
      const close = open[open.length - 1] as number
      const byte = this.peek()
      if (byte === COMMA) {
        this.at++
        if (close === CLOSE_BRACE) this.skipName()
        return
      }
      if (byte !== close) this.fail(`expected ',' or '${String.fromCharCode(close)}'`)
      this.at++
      open.pop()
    }
  }

  private skipName(): void {
    if (this.peek() !== QUOTE) this.fail('expected a member name in quotes')
    this.skipString()
    if (this.peek() !== COLON) this.fail("expected ':'")
    this.at++
  }

  private skipScalar(first: number): void {
    if (first === QUOTE) this.skipString()
    else if (first === 0x74) this.skipWord('true')
    else if (first === 0x66) this.skipWord('false')
    else if (first === 0x6e) this.skipWord('null')
    else if (first === 0x2d || isDigit(first)) this.skipNumber()
    else this.fail(first === -1 ? 'unexpected end' : 'expected a value')
  }

  private skipString(): 'ascii' | 'utf8' | 'escaped' {
    const { bytes } = this
    let kind: 'ascii' | 'utf8' | 'escaped' = 'ascii'
    let at = this.at + 1
    while (at < bytes.length) {
      const byte = bytes[at] as number
      if (byte === QUOTE) {
        this.at = at + 1
        return kind
      }
      if (byte === BACKSLASH) {
        at += this.escapeLength(at)
        kind = 'escaped'
        continue
      }
      if (byte < SPACE) {
        this.at = at
        this.fail('control character in a string')
      }
      if (byte > 0x7f && kind === 'ascii') kind = 'utf8'
      at++
    }
    this.at = at
    return this.fail('unterminated string')
  }

  private escapeLength(at: number): number {
    const { bytes } = this
    switch (bytes[at + 1]) {
      case QUOTE:
      case BACKSLASH:
      case 0x2f: // /
      case 0x62: // b
      case 0x66: // f
      case 0x6e: // n
      case 0x72: // r
      case 0x74: // t
        return 2
      case 0x75: // u
        if (isHex(bytes[at + 2]) && isHex(bytes[at + 3]) && isHex(bytes[at + 4]) && isHex(bytes[at + 5])) return 6
    }
    this.at = at
    return this.fail('invalid escape in a string')
  }

  private skipWord(word: string): void {
    for (let i = 0; i < word.length; i++) {
      if (this.bytes[this.at + i] !== word.charCodeAt(i)) this.fail('expected a value')
    }
    this.at += word.length
  }

  private skipNumber(): void {
    if (this.bytes[this.at] === 0x2d) this.at++
    if (this.bytes[this.at] === 0x30) this.at++
    else this.skipDigits()
    if (this.bytes[this.at] === 0x2e) {
      this.at++
      this.skipDigits()
    }
    if (((this.bytes[this.at] ?? 0) | 0x20) === 0x65) {
      this.at++
      const sign = this.bytes[this.at]
      if (sign === 0x2b || sign === 0x2d) this.at++
      this.skipDigits()
    }
  }

  private skipDigits(): void {
    const start = this.at
    while (isDigit(this.bytes[this.at])) this.at++
    if (this.at === start) this.fail('malformed number')
  }
}

/** True when all of `data` is one JSON value in UTF-8, white space around it allowed. */
export function isJson(data: Uint8Array): boolean {
  if (!isUtf8(data)) return false
  const reader = new JsonReader(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
  try {
    reader.skipValue()
  } catch {
    return false
  }
  return reader.peek() === -1
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function isHex(byte: number | undefined): boolean {
  if (byte === undefined) return false
  const letter = byte | 0x20
  return isDigit(byte) || (letter >= 0x61 && letter <= 0x66)
}
