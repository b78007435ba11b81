import { isUtf8 } from 'node:buffer'
import { type EventInvalid, invalid } from './invalid.ts'

// What a byte inside a string means: 0 itself, else it needs a look
const QUOTE = 1
const ESCAPE = 2
const CONTROL = 3
const STOPS: Readonly<Uint8Array> = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === 0x22 ? QUOTE : byte === 0x5c ? ESCAPE : byte < 0x20 ? CONTROL : 0,
)

/**
 * The end of the JSON value (RFC 8259) that starts at `start`, validated and not kept. Never recurses: a level of
 * nesting costs one array element. The bytes are known to be UTF-8. Throws EVENT_INVALID naming the byte.
 */
export function skipValue(bytes: Buffer, start: number): number {
  const closers: number[] = [] // of the objects and arrays that are open
  let at = start
  for (;;) {
    const first = bytes[at]
    if (first === 0x22) {
      at = skipString(bytes, at)
    } else if (first === 0x7b || first === 0x5b) {
      const closer = first + 2
      at = skipSpace(bytes, at + 1)
      if (bytes[at] !== closer) {
        closers.push(closer)
        if (closer === 0x7d) at = skipName(bytes, at)
        continue
      }
      at++
    } else {
      at = skipScalar(bytes, at)
    }
    // after a value: on to the next one, closing what ends here
    for (;;) {
      const closer = closers[closers.length - 1]
      if (closer === undefined) return at
      at = skipSpace(bytes, at)
      const byte = bytes[at]
      if (byte === 0x2c) {
        at = skipSpace(bytes, at + 1)
        if (closer === 0x7d) at = skipName(bytes, at)
        break
      }
      if (byte !== closer) throw malformed(at, `expected ',' or '${String.fromCharCode(closer)}'`)
      closers.pop()
      at++
    }
  }
}

/** The end of the string that starts at `start`, both quotes included. */
export function skipString(bytes: Buffer, start: number): number {
  if (bytes[start] !== 0x22) throw malformed(start, 'expected a string')
  const end = bytes.length
  for (let at = start + 1; at < end; at++) {
    const stop = STOPS[bytes[at] as number]
    if (stop === 0) continue
    if (stop === QUOTE) return at + 1
    if (stop === CONTROL) throw malformed(at, 'control character in a string')
    at += escapeLength(bytes, at) - 1
  }
  throw malformed(end, 'unterminated string')
}

export function skipSpace(bytes: Buffer, start: number): number {
  let at = start
  for (;;) {
    const byte = bytes[at]
    if (byte === undefined || byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09))
      return at
    at++
  }
}

export function malformed(at: number, problem: string): EventInvalid {
  return invalid(`malformed JSON at byte ${at}: ${problem}`)
}

/** True when all of `data` is one JSON value in UTF-8, white space around it allowed. */
export function isJson(data: Uint8Array): boolean {
  if (!isUtf8(data)) return false
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  try {
    return skipSpace(bytes, skipValue(bytes, skipSpace(bytes, 0))) === bytes.length
  } catch {
    return false
  }
}

/** Past a member's name and its colon, to the value. */
function skipName(bytes: Buffer, start: number): number {
  if (bytes[start] !== 0x22) throw malformed(start, 'expected a member name in quotes')
  const at = skipSpace(bytes, skipString(bytes, start))
  if (bytes[at] !== 0x3a) throw malformed(at, "expected ':'")
  return skipSpace(bytes, at + 1)
}

function skipScalar(bytes: Buffer, start: number): number {
  const first = bytes[start]
  if (first === 0x2d || isDigit(first)) return skipNumber(bytes, start)
  if (first === 0x74) return skipWord(bytes, start, 'true')
  if (first === 0x66) return skipWord(bytes, start, 'false')
  if (first === 0x6e) return skipWord(bytes, start, 'null')
  throw malformed(start, first === undefined ? 'unexpected end' : 'expected a value')
}

function skipWord(bytes: Buffer, start: number, word: string): number {
  for (let i = 1; i < word.length; i++) {
    if (bytes[start + i] !== word.charCodeAt(i)) throw malformed(start, 'expected a value')
  }
  return start + word.length
}

function skipNumber(bytes: Buffer, start: number): number {
  let at = bytes[start] === 0x2d ? start + 1 : start
  at = bytes[at] === 0x30 ? at + 1 : skipDigits(bytes, at)
  if (bytes[at] === 0x2e) at = skipDigits(bytes, at + 1)
  const exponent = bytes[at]
  if (exponent !== 0x65 && exponent !== 0x45) return at
  const sign = bytes[at + 1]
  return skipDigits(bytes, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1)
}

function skipDigits(bytes: Buffer, start: number): number {
  let at = start
  while (isDigit(bytes[at])) at++
  if (at === start) throw malformed(at, 'malformed number')
  return at
}

function escapeLength(bytes: Buffer, at: number): number {
  switch (bytes[at + 1]) {
    case 0x22: // "
    case 0x5c: // \
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
  throw malformed(at, 'invalid escape in a string')
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function isHex(byte: number | undefined): boolean {
  if (byte === undefined) return false
  const letter = byte | 0x20
  return isDigit(byte) || (letter >= 0x61 && letter <= 0x66)
}
