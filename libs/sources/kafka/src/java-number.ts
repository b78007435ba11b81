const FLOAT_DIGITS = 9
const DOUBLE_DIGITS = 17
const SMALLEST_PLAIN = 1e-3
const LARGEST_PLAIN = 1e7

/** A float as Java says it: the fewest digits that no other float of that size shares. Source: java.lang.Float, toString. */
export function javaFloat(value: number): string {
  return javaText(value, FLOAT_DIGITS, (text) => Math.fround(Number(text)) === value)
}

/** The same for a double. Source: java.lang.Double, toString. */
export function javaDouble(value: number): string {
  return javaText(value, DOUBLE_DIGITS, (text) => Number(text) === value)
}

function javaText(value: number, mostDigits: number, isSame: (text: string) => boolean): string {
  if (!Number.isFinite(value)) return String(value)
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  let digits = 0
  while (digits < mostDigits - 1 && !isSame(value.toExponential(digits))) digits++
  const [mantissa = '', exponent = ''] = value.toExponential(digits).split('e')
  const size = Math.abs(value)
  if (size < SMALLEST_PLAIN || size >= LARGEST_PLAIN) return `${withPoint(mantissa)}E${Number(exponent)}`
  return withPoint(value.toFixed(Math.max(0, digits - Number(exponent))))
}

function withPoint(text: string): string {
  return text.includes('.') ? text : `${text}.0`
}
