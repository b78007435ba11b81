/** Texts are counted in characters, that is code points, and not in the UTF-16 units they are kept in. */
export function characterCount(text: string): number {
  let pairs = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit >= 0xd800 && unit <= 0xdbff && isLow(text.charCodeAt(at + 1))) pairs += 1
  }
  return text.length - pairs
}

/** Units that the character at `at` takes: 1, or 2 for a pair of surrogates. */
export function widthAt(text: string, at: number): 1 | 2 {
  const unit = text.charCodeAt(at)
  if (unit < 0xd800 || unit > 0xdbff) return 1
  return isLow(text.charCodeAt(at + 1)) ? 2 : 1
}

/** The offset behind the first `count` characters, at most the text's length. */
export function offsetBehind(text: string, count: number, from = 0): number {
  let at = from
  for (let passed = 0; passed < count && at < text.length; passed++) at += widthAt(text, at)
  return Math.min(at, text.length)
}

/** Without Unicode White_Space at both ends, which is what JavaScript trims plus U+0085 less U+FEFF. */
export function trimmed(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isWhiteSpace(text.charCodeAt(start))) start += 1
  while (end > start && isWhiteSpace(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

function isWhiteSpace(unit: number): boolean {
  if (unit < 0x80) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d)
  if (unit >= 0x2000 && unit <= 0x200a) return true
  return WIDE_SPACE.has(unit)
}

const WIDE_SPACE: ReadonlySet<number> = new Set([0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000])
