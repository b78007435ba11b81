const DURATION =
  /^P(?=.)(?:(\d+(?:[.,]\d+)?)W)?(?:(\d+(?:[.,]\d+)?)D)?(?:T(?=.)(?:(\d+(?:[.,]\d+)?)H)?(?:(\d+(?:[.,]\d+)?)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$/
const UNIT_MS = [604_800_000n, 86_400_000n, 3_600_000n, 60_000n, 1000n]

/** The longest duration a timer can hold: 24 days and some hours. */
export const MAX_DURATION_MS = 2 ** 31 - 1

/**
 * Milliseconds of an ISO 8601 duration, or what is wrong with it. Exact: weeks, days, hours, minutes and seconds with
 * a fraction down to the millisecond. Years and months have no fixed length and are refused, signs too.
 */
export function parseDuration(text: string): { ms: number } | { problem: string } {
  if (/^P[\d.,WD]*[\d.,]+[YM]/.test(text)) return { problem: 'years and months have no fixed length: use days' }
  const parts = text.length <= 64 ? DURATION.exec(text)?.slice(1) : undefined
  if (parts === undefined) return { problem: 'must be an ISO 8601 duration such as "PT0.2S", "PT30S" or "PT1M"' }
  const given = parts.filter((part) => part !== undefined)
  if (given.slice(0, -1).some((part) => /[.,]/.test(part)))
    return { problem: 'only the last number of a duration may have a fraction' }
  let nanos = 0n
  for (const [i, part] of parts.entries()) {
    const exact = part === undefined ? 0n : inNanoUnits(part)
    if (exact === undefined) return { problem: 'is finer than a millisecond' }
    nanos += exact * (UNIT_MS[i] ?? 0n)
  }
  if (nanos % NANO !== 0n) return { problem: 'is finer than a millisecond' }
  const ms = nanos / NANO
  return ms > MAX_DURATION_MS ? { problem: 'is longer than 24 days' } : { ms: Number(ms) }
}

const NANO = 1_000_000_000n

/** Undefined beyond nine decimals that count. */
function inNanoUnits(number: string): bigint | undefined {
  const [whole = '', fraction = ''] = number.replace(',', '.').split('.')
  const decimals = fraction.replace(/0+$/, '')
  if (decimals.length > 9) return undefined
  return BigInt(whole) * NANO + BigInt(decimals.padEnd(9, '0'))
}

const NUMBER = '[0-9]+([.,][0-9]+)?'
const SHAPE = `^P(${NUMBER}W)?(${NUMBER}D)?(T(${NUMBER}H)?(${NUMBER}M)?(${NUMBER}S)?)?$`

/** CEL that is true of a duration in the variable `of`, but for its length and its fractions: CEL's patterns can't count. */
export function durationInCel(of: string): string {
  return `${of}.matches('${SHAPE}') && ${of}.matches('[0-9][WDHMS]$')`
}
