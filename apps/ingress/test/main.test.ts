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
        "ingress can't start: CHANNEL_DRIVER=embedded serves one process, so the ingress can't run apart; " +
        'npm start runs all roles in one (DRIVER_SERVES_ONE_PROCESS)\n',
    })
  })

  test('a driver that does not exist is a configuration problem that names those that do', async () => {
    const { code, stderr } = await runToExit(MAIN, { env: { CHANNEL_DRIVER: 'rabbit' } })
    expect(code).toBe(78)
    expect(stderr).toMatch(/^ {2}CHANNEL_DRIVER: "rabbit" is not one of embedded$/m)
  })
})
