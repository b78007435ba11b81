/** What might be a number that a double does not hold: many digits in a row. */
const SUSPICIOUS = /\d{16}/

/** JSON as it came: an integer that a double can't hold leaves `JSON.stringify` with its digits. */
export function parseExactly(text: string): unknown {
  if (!SUSPICIOUS.test(text)) return JSON.parse(text)
  return JSON.parse(text, ((_key: string, value: unknown, { source }: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
      ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(source)
      : value) as (key: string, value: unknown) => unknown)
}
