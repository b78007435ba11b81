import { describe, expect, test } from '@jest/globals'
import { retryAfterMs, retryAfterOf } from './retry-after.ts'

const NOW = Date.UTC(2026, 0, 1)

describe('Retry-After', () => {
  test.each([429, 503])('RTY-16 is looked at on a %i', (status) => {
    expect(retryAfterOf(status, { 'retry-after': ' 7 ' })).toBe('7')
  })

  test.each([200, 404, 408, 409, 500, 502, 504])('RTY-17 is not looked at on a %i', (status) => {
    expect(retryAfterOf(status, { 'retry-after': '7' })).toBeUndefined()
  })

  test.each([
    ['7', 7_000],
    ['0', 0],
    ['61', 60_000],
    ['999999999999999', 60_000],
    ['9'.repeat(400), 60_000],
    ['Thu, 01 Jan 2026 00:00:09 GMT', 9_000],
    ['Thursday, 01-Jan-26 00:00:09 GMT', 9_000],
    ['Thu Jan  1 00:00:09 2026', 9_000],
    ['Thu, 01 Jan 2026 01:00:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 23:59:59 GMT', 0],
  ])('RTY-16 %s asks for %i ms of at most a minute', (header, expected) => {
    expect(retryAfterMs(header, 60_000, NOW)).toBe(expected)
  })

  test.each([
    '',
    'soon',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    '2026-01-01T00:00:09Z',
    'Thu, 99 Jan 2026 00:00:09 GMT',
    'Thu, 01 Jan 2026 00:00:09 +0100',
  ])('RTY-18 %j asks for nothing', (header) => {
    expect(retryAfterMs(header, 60_000, NOW)).toBe(0)
  })

  test.each([undefined, 0])('RTY-17 is not looked at when retryAfterMax is %p', (maxMs) => {
    expect(retryAfterMs('7', maxMs, NOW)).toBe(0)
  })

  test('RTY-18 that came twice asks for nothing', () => {
    expect(retryAfterOf(503, { 'retry-after': ['7', '8'] })).toBeUndefined()
  })
})
