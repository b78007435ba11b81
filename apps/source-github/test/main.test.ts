import { describe, expect, test } from '@jest/globals'
import { runToExit } from '@sluice/testkit'

const MAIN = new URL('../src/main.ts', import.meta.url).pathname

describe('source-github alone', () => {
  test('with a file for a contract it exits 78 and says what it needs instead', async () => {
    const { code, stdout, stderr } = await runToExit(MAIN, { env: { CONTROL_PORT: '0', METRICS_PORT: 'off' } })
    expect([code, stdout]).toEqual([78, ''])
    expect(stderr).toMatch(/SLUICE_CONTRACT: is a file, but a controller has to say which replica runs a source/)
  })

  test('every problem is told at once, no secret among the words', async () => {
    const env = { METRICS_PORT: 'x', SLUICE_CONTRACT: 'ftp://user:s3cret@x', RECEIVER_PORT: '70000' }
    const { code, stderr } = await runToExit(MAIN, { env })
    expect(code).toBe(78)
    for (const name of ['METRICS_PORT', 'SLUICE_CONTRACT', 'RECEIVER_PORT'])
      expect(stderr).toMatch(new RegExp(`^  ${name}: `, 'm'))
    expect(stderr).not.toMatch(/s3cret|\n\s+at /)
  })
})
