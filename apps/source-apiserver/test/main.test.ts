import { describe, expect, test } from '@jest/globals'
import { runToExit } from '@sluice/testkit'

const MAIN = new URL('../src/main.ts', import.meta.url).pathname
const env = { CONTROL_PORT: '0', METRICS_PORT: 'off', HOME: '/nonexistent' }

describe('source-apiserver alone', () => {
  test('without an API server it exits 78 and says what it needs', async () => {
    const { code, stdout, stderr } = await runToExit(MAIN, { env: { ...env, SLUICE_CONTRACT: 'http://127.0.0.1:1' } })
    expect([code, stdout]).toEqual([78, ''])
    expect(stderr).toMatch(/nothing says how the API server is reached: set KUBECONFIG/)
  })

  test('every problem is told at once, no secret among the words', async () => {
    const bad = {
      METRICS_PORT: 'x',
      SLUICE_CONTRACT: 'ftp://user:s3cret@x',
      API_SERVER_URL: 'api',
      API_SERVER_TOKEN: 's3cret',
    }
    const { code, stderr } = await runToExit(MAIN, { env: bad })
    expect(code).toBe(78)
    for (const name of ['METRICS_PORT', 'SLUICE_CONTRACT', 'API_SERVER_URL'])
      expect(stderr).toMatch(new RegExp(`^  ${name}: `, 'm'))
    expect(stderr).not.toMatch(/s3cret|\n\s+at /)
  })
})
