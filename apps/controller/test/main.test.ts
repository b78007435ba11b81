import { describe, expect, test } from '@jest/globals'
import { runToExit } from '@sluice/testkit'

const MAIN = new URL('../src/main.ts', import.meta.url).pathname

describe('controller alone', () => {
  test.each([{}, { CHANNEL_DRIVER: 'embedded' }])('with %j it exits 78 and says what to run instead', async (env) => {
    const { code, stdout, stderr } = await runToExit(MAIN, { env })
    expect({ code, stdout, stderr }).toEqual({
      code: 78,
      stdout: '',
      stderr:
        "controller can't start: CHANNEL_DRIVER=embedded serves one process, so the controller can't run apart: " +
        'set CHANNEL_DRIVER=nats or kafka, or run all roles in one with npm start (DRIVER_SERVES_ONE_PROCESS)\n',
    })
  })

  test('every problem is told at once, no secret among the words, and nothing is started', async () => {
    const env = { CHANNEL_DRIVER: 'nats', NATS_USER: 'me', NATS_TOKEN: 's3cret', METRICS_PORT: 'x', HOST: '0.0.0.0' }
    const { code, stderr } = await runToExit(MAIN, { env })
    expect(code).toBe(78)
    expect(stderr).toMatch(/^ {2}SLUICE_CONTRACT_TOKEN: beyond loopback services have to show a token/m)
    for (const name of ['METRICS_PORT', 'NATS_URL', 'NATS_USER'])
      expect(stderr).toMatch(new RegExp(`^  ${name}: `, 'm'))
    expect(stderr).not.toMatch(/s3cret|\n\s+at /)
  })

  test('a setting of the other control plane is refused', async () => {
    const nats = { CHANNEL_DRIVER: 'nats', NATS_URL: 'nats://127.0.0.1:1' }
    const cluster = await runToExit(MAIN, { env: { ...nats, CONTROL_PLANE: 'kubernetes', SLUICE_MANIFESTS: '.' } })
    expect([cluster.code, cluster.stderr]).toEqual([78, expect.stringContaining('SLUICE_MANIFESTS: does nothing')])
    const embedded = await runToExit(MAIN, { env: { ...nats, LEASE_NAMESPACE: 'x' } })
    expect([embedded.code, embedded.stderr]).toEqual([78, expect.stringContaining('LEASE_NAMESPACE: does nothing')])
  })

  test('a kubeconfig that is not there is told before anything is started', async () => {
    const env = { CONTROL_PLANE: 'kubernetes', KUBECONFIG: '/nowhere', CHANNEL_DRIVER: 'nats', NATS_URL: 'nats://a:1' }
    const { code, stderr } = await runToExit(MAIN, { env: { ...env, METRICS_PORT: 'off', CONTROL_PORT: 'off' } })
    expect(code).toBe(78)
    expect(stderr).toMatch(/the kubeconfig \/nowhere can't be read/)
    expect(stderr).not.toMatch(/\n\s+at /)
  })
})
