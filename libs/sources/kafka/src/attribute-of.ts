import { isUtf8 } from 'node:buffer'

/** What no attribute may hold: controls, and code points that are no characters. Source: CloudEvents 1.0.2, type system. */
const FORBIDDEN = /[\p{Cc}\p{Noncharacter_Code_Point}]/u

/** Bytes as the value of an attribute: their text, or base64 where they are none that an attribute may hold. */
export function attributeOf(bytes: Buffer): string {
  if (isUtf8(bytes)) {
    const text = bytes.toString('utf8')
    if (!FORBIDDEN.test(text)) return text
  }
  return bytes.toString('base64')
}
