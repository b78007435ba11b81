import { describe, expect, test } from '@jest/globals'
import { runToExit } from '@sluice/testkit'

const MAIN = new URL('../src/main.ts', import.meta.url).pathname

describe('ingress alone', () => {
  test.each([{}, { CHANNEL_DRIVER: 'embedded' }])('with %j it exits 78 and says what to run instead', async (env) => {
    const { code, stdout, stderr } = await runToExit(MAIN, { env })
    expect({ code, stdout, stderr }).toEqual({
      code: 78,
      stdout: '',
      stderr:
        "ingress can't start: CHANNEL_DRIVER=embedded serves one process, so the ingress can't run apart: " +
        'set CHANNEL_DRIVER=nats or kafka, or run all roles in one with npm start (DRIVER_SERVES_ONE_PROCESS)\n',
    })
  })

  test('every problem is told at once, no secret among the words, and nothing is started', async () => {
    const env = {
      CHANNEL_DRIVER: 'nats',
      NATS_USER: 'me',
      NATS_TOKEN: 's3cret',
      METRICS_PORT: 'x',
      SLUICE_CONTRACT: 'ftp://user:s3cret@x',
    }
    const { code, stderr } = await runToExit(MAIN, { env })
    expect(code).toBe(78)
    expect(stderr).toMatch(/^ {2}SLUICE_CONTRACT: the value is neither an http or https URL nor a file$/m)
    for (const name of ['METRICS_PORT', 'NATS_URL', 'NATS_USER'])
      expect(stderr).toMatch(new RegExp(`^  ${name}: `, 'm'))
    expect(stderr).not.toMatch(/s3cret|\n\s+at /)
  })
})
