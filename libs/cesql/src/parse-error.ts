const MAX_QUOTED = 32

/** An expression that is none. `line` and `column` count characters from 1, `offset` UTF-16 code units from 0. */
export class ParseError extends Error {
  override readonly name = 'ParseError'
  readonly line: number
  readonly column: number
  readonly offset: number
  /** What would have been right, as in "a string in quotes". */
  readonly expected: string
  readonly found: string

  constructor(text: string, offset: number, expected: string, found: string) {
    const before = text.slice(0, offset)
    const lineStart = before.lastIndexOf('\n') + 1
    const line = before.split('\n').length
    const column = Array.from(before.slice(lineStart)).length + 1
    super(`line ${line}, column ${column}: expected ${expected}, found ${found}`)
    this.line = line
    this.column = column
    this.offset = offset
    this.expected = expected
    this.found = found
  }
}

/** A piece of the text, as an error shows it: in quotes, cut when it is long. */
export function quoted(piece: string): string {
  const characters = Array.from(piece.slice(0, MAX_QUOTED * 2))
  return characters.length > MAX_QUOTED ? `"${characters.slice(0, MAX_QUOTED).join('')}…"` : `"${characters.join('')}"`
}
