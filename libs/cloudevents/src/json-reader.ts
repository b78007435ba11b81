import { malformed, skipSpace, skipString, skipValue } from './json-skip.ts'

/** A place in JSON text that moves on as values are taken. Complaints are EVENT_INVALID naming the byte. */
export class JsonReader {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  /** The next byte that is not white space, not taken; undefined at the end. */
  peek(): number | undefined {
    this.at = skipSpace(this.bytes, this.at)
    return this.bytes[this.at]
  }

  /** Takes `byte` if it is next. */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false
    this.at++
    return true
  }

  expect(byte: number): void {
    if (!this.take(byte)) throw malformed(this.at, `expected '${String.fromCharCode(byte)}'`)
  }

  /** Takes a string; its escapes may spell lone surrogates. */
  readString(): string {
    this.peek()
    const start = this.at
    this.at = skipString(this.bytes, start)
    const text = this.bytes.toString('latin1', start + 1, this.at - 1)
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code === 0x5c) return JSON.parse(this.bytes.toString('utf8', start, this.at)) as string
      if (code > 0x7f) return this.readBeyondAscii(start)
    }
    return text
  }

  /** Takes a value of any kind: its text lies from the answered index to `at`. */
  skipValue(): number {
    this.peek()
    const start = this.at
    this.at = skipValue(this.bytes, start)
    return start
  }

  private readBeyondAscii(start: number): string {
    const text = this.bytes.toString('utf8', start, this.at)
    return text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1)
  }
}
