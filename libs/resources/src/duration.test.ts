import { describe, expect, test } from '@jest/globals'
import { parseDuration } from './duration.ts'
import { parseBytes } from './quantity.ts'

describe('parseDuration', () => {
  test.each([
    ['PT0S', 0],
    ['PT0.2S', 200],
    ['PT0,25S', 250],
    ['PT0.001S', 1],
    ['PT1M', 60_000],
    ['PT1H30M', 5_400_000],
    ['P1D', 86_400_000],
    ['P1DT1S', 86_401_000],
    ['P1W', 604_800_000],
    ['PT0.5H', 1_800_000],
    ['PT90S', 90_000],
    ['PT1.250000S', 1250],
    ['PT2147483.647S', 2_147_483_647],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toEqual({ ms })
  })

  test.each([
    '5s',
    '',
    'P',
    'PT',
    'P1DT',
    '-PT1S',
    'PT-1S',
    '+PT1S',
    'pt1s',
    'PT1',
    'PT.5S',
    'PT1S ',
    'PT1SP1D',
    'P1S',
    'PT1D',
    `PT${'1'.repeat(70)}S`,
  ])('%j is refused as no duration', (text) => {
    expect(parseDuration(text)).toEqual({
      problem: 'must be an ISO 8601 duration such as "PT0.2S", "PT30S" or "PT1M"',
    })
  })

  test.each([
    ['P1M', 'years and months have no fixed length: use days'],
    ['P1Y2DT1S', 'years and months have no fixed length: use days'],
    ['PT0.0005S', 'is finer than a millisecond'],
    ['PT0.0000000001S', 'is finer than a millisecond'],
    ['PT0.5M1S', 'only the last number of a duration may have a fraction'],
    ['PT2147483.648S', 'is longer than 24 days'],
    ['P4W', 'is longer than 24 days'],
  ])('%s is refused: %s', (text, problem) => {
    expect(parseDuration(text)).toEqual({ problem })
  })
})

describe('parseBytes', () => {
  test.each([
    ['1', 1],
    ['64Mi', 67_108_864],
    ['1G', 1_000_000_000],
    ['1.5Ki', 1536],
    ['1e3', 1000],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes)
  })

  test.each(['', '0', '-1', '1.5', '1K', '1mi', '100m', '1e', 'Gi', '9007199254740992', '1e99', '1 Gi', '0.0001Ki'])(
    '%j is refused',
    (text) => {
      expect(parseBytes(text)).toBeUndefined()
    },
  )
})
