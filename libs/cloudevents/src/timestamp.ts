const MINUTES_OF_DAY = 24 * 60

/**
 * RFC 3339 `date-time`, letters in either case, any number of fraction digits. The calendar is checked; second 60 only
 * where a leap second can be, the last minute of a day in UTC.
 */
export function isTimestamp(text: string): boolean {
  const end = text.length
  if (end < 20) return false
  const year = digits(text, 0, 4)
  const month = digits(text, 5, 2)
  const day = digits(text, 8, 2)
  const hour = digits(text, 11, 2)
  const minute = digits(text, 14, 2)
  const second = digits(text, 17, 2)
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return false
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false
  if (text[4] !== '-' || text[7] !== '-' || text[13] !== ':' || text[16] !== ':') return false
  if ((text.charCodeAt(10) | 0x20) !== 0x74) return false // t or T
  let at = 19
  if (text[at] === '.') {
    at++
    const fraction = at
    while (at < end && isDigit(text.charCodeAt(at))) at++
    if (at === fraction) return false
  }
  const offset = offsetMinutes(text, at)
  if (offset === undefined) return false
  return second < 60 || (hour * 60 + minute - offset + 2 * MINUTES_OF_DAY) % MINUTES_OF_DAY === MINUTES_OF_DAY - 1
}

function offsetMinutes(text: string, at: number): number | undefined {
  if (at === text.length - 1) return (text.charCodeAt(at) | 0x20) === 0x7a ? 0 : undefined // z or Z
  const sign = text[at]
  if ((sign !== '+' && sign !== '-') || text.length !== at + 6 || text[at + 3] !== ':') return undefined
  const hours = digits(text, at + 1, 2)
  const minutes = digits(text, at + 4, 2)
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return undefined
  return (sign === '-' ? -1 : 1) * (hours * 60 + minutes)
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** The number written in `count` digits, -1 if one of them is none. */
function digits(text: string, start: number, count: number): number {
  let value = 0
  for (let i = start; i < start + count; i++) {
    const code = text.charCodeAt(i)
    if (!isDigit(code)) return -1
    value = value * 10 + code - 0x30
  }
  return value
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}
