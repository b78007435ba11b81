import { isUtf8 } from 'node:buffer'

/**
 * True when the text of a header value is the attribute's value as it stands: printable ASCII without `%`, not quoted.
 * Spaces inside are let through, as peers that do not encode send them.
 */
export function isLiteral(header: string): boolean {
  for (let i = 0; i < header.length; i++) {
    const code = header.charCodeAt(i)
    if (code < 0x20 || code > 0x7e || code === 0x25) return false
  }
  return header.charCodeAt(0) !== 0x22
}

/**
 * The text that a `ce-` header stands for: quoted string undone, then one round of percent-decoding. `header` holds one
 * byte per character, as Node hands them out. A `%` without two hex digits stays; undefined if the bytes are not UTF-8.
 */
export function decodeHeaderValue(header: string): string | undefined {
  const text = unquoteHeaderValue(header)
  const bytes = Buffer.allocUnsafe(text.length)
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const high = code === 0x25 ? hexDigit(text.charCodeAt(i + 1)) : -1
    const low = high < 0 ? -1 : hexDigit(text.charCodeAt(i + 2))
    if (low < 0) {
      bytes[length++] = code
    } else {
      bytes[length++] = high * 16 + low
      i += 2
    }
  }
  const decoded = bytes.subarray(0, length)
  return isUtf8(decoded) ? decoded.toString('utf8') : undefined
}

/** Undoes one RFC 7230 quoted-string; what only looks like one stays as it is. */
export function unquoteHeaderValue(header: string): string {
  const last = header.length - 1
  if (last < 1 || header.charCodeAt(0) !== 0x22 || header.charCodeAt(last) !== 0x22) return header
  let text = ''
  for (let i = 1; i < last; i++) {
    if (header[i] === '"') return header
    if (header[i] === '\\' && ++i === last) return header
    text += header[i]
  }
  return text
}

/** The header value for a text: everything but U+0021-U+007E, and `"` and `%`, as upper-case %XX of its UTF-8 bytes. */
export function encodeHeaderValue(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (needsEncoding(text.charCodeAt(i))) return encodeFrom(text, i)
  }
  return text
}

function encodeFrom(text: string, start: number): string {
  let header = text.slice(0, start)
  for (const byte of Buffer.from(text.slice(start), 'utf8')) {
    header += needsEncoding(byte) ? HEX[byte] : String.fromCharCode(byte)
  }
  return header
}

const HEX: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
)

function needsEncoding(code: number): boolean {
  return code < 0x21 || code > 0x7e || code === 0x22 || code === 0x25
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
