import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, test } from '@jest/globals'
import { runToExit, startProcess } from '@sluice/testkit'

// Each test is a process or two, and some wait for a limit of two seconds

const FIXTURE = new URL('./fixtures/service.ts', import.meta.url).pathname
const ANY_PORTS = { CONTROL_PORT: '0', METRICS_PORT: 'off' }
const READY = { control: /^control (http\S+)$/m, up: /^(up)$/m }

const startFixture = (env: Record<string, string> = {}) =>
  startProcess(FIXTURE, { env: { ...ANY_PORTS, ...env }, ready: READY })
const wordsOf = (stdout: string) => stdout.split('\n').filter((line) => /^[a-z]+$/.test(line))

describe('stopping', () => {
  test.concurrent.each(['SIGTERM', 'SIGINT'] as const)(
    '%s drains, aborts, disposes in that order and exits 0',
    async (signal) => {
      await using service = await startFixture()
      service.kill(signal)
      expect(await service.exit).toEqual({ code: 0, signal: null })
      expect(wordsOf(service.stdout())).toEqual(['up', 'draining', 'aborted', 'disposed'])
    },
  )

  test.concurrent('a start under way is waited for, and what it opened is closed', async () => {
    const env = { ...ANY_PORTS, START_MS: '1500' }
    await using service = await startProcess(FIXTURE, { env, ready: { control: /^control (http\S+)$/m } })
    expect((await fetch(`${service.urls.control}/healthz`)).status).toBe(200)
    expect((await fetch(`${service.urls.control}/readyz`)).status).toBe(503)
    service.kill('SIGTERM')
    expect((await service.exit).code).toBe(0)
    expect(wordsOf(service.stdout())).toEqual(expect.arrayContaining(['draining', 'aborted', 'disposed']))
  })

  test.concurrent('what is in hand after DRAIN_MS is let go, and the exit is still 0', async () => {
    await using service = await startFixture({ DRAIN_MS: '50', IN_HAND_MS: '60000' })
    service.kill('SIGTERM')
    expect((await service.exit).code).toBe(0)
    expect(service.stderr()).toMatch(/drain time is over/)
    expect(wordsOf(service.stdout())).toEqual(['up', 'draining', 'aborted', 'disposed'])
  })

  test.concurrent('while it drains, readiness says so and liveness stays', async () => {
    await using service = await startFixture({ IN_HAND_MS: '60000' })
    service.kill('SIGTERM')
    await service.printed(/^draining$/m)
    const readyz = await fetch(`${service.urls.control}/readyz`)
    expect(readyz.status).toBe(503)
    expect(await readyz.json()).toMatchObject({
      ready: false,
      checks: [
        { name: 'channel', ready: true },
        { name: 'draining', ready: false, reason: 'the service is stopping' },
      ],
    })
    expect((await fetch(`${service.urls.control}/healthz`)).status).toBe(200)
  })

  test.concurrent('the same signal passed on twice by one key press drains once', async () => {
    await using service = await startFixture()
    service.kill('SIGINT')
    service.kill('SIGINT')
    expect((await service.exit).code).toBe(0)
  })

  test.concurrent('a second signal ends it at once', async () => {
    await using service = await startFixture({ IN_HAND_MS: '60000' })
    service.kill('SIGTERM')
    await service.printed(/^draining$/m)
    const again = setInterval(() => service.kill('SIGTERM'), 100)
    expect((await service.exit).code).toBe(143)
    clearInterval(again)
    expect(service.stdout()).not.toMatch(/disposed/)
  })

  test.concurrent('a disposal that hangs is forced, with what holds the process on the log', async () => {
    await using service = await startFixture({ DRAIN_MS: '0', IS_STUCK: 'true' })
    service.kill('SIGTERM')
    expect((await service.exit).code).toBe(1)
    expect(service.stderr()).toMatch(/"holding":\[.*something hangs, exit forced/)
  })

  test.concurrent('a handle left behind is forced too', async () => {
    await using service = await startFixture({ LEAKS_TIMER: 'true' })
    service.kill('SIGTERM')
    expect((await service.exit).code).toBe(1)
    expect(service.stderr()).toMatch(/"holding":\[.*"Timeout".*something hangs, exit forced/)
  })
})

describe('starting', () => {
  test('every problem of the configuration is one line on stderr, without a stack, exit 78', async () => {
    const { code, stderr } = await runToExit(FIXTURE, {
      env: { IN_HAND_MS: 'x', IS_STUCK: 'x', LOG_LEVEL: 'loud', SLUICE_X: '1' },
    })
    expect(code).toBe(78)
    expect(stderr.split('\n')).toEqual([
      "fixture can't start: the configuration has 4 problems (CONFIG_INVALID)",
      '  LOG_LEVEL: "loud" is not one of debug, info, warn, error',
      '  IN_HAND_MS: "x" is not a whole number from 0 to 60000',
      '  IS_STUCK: "x" is not true or false',
      expect.stringMatching(/^ {2}SLUICE_X: is not a variable of this service/),
      '',
    ])
  })

  test('a failure of ours is one line, and its exit code says whether starting again can help', async () => {
    const { code, stderr } = await runToExit(FIXTURE, { env: { ...ANY_PORTS, FAILS: 'at-start' } })
    expect(code).toBe(78)
    expect(stderr).toBe("fixture can't start: the driver embedded serves one process (DRIVER_SERVES_ONE_PROCESS)\n")
  })

  test.each(['CONTROL_PORT', 'METRICS_PORT'])('a taken %s is one line and exit 1', async (variable) => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as AddressInfo
    const { code, stderr } = await runToExit(FIXTURE, { env: { ...ANY_PORTS, [variable]: String(port) } })
    taken.close()
    expect(code).toBe(1)
    expect(stderr).toBe(`fixture can't start: port ${port} on 127.0.0.1 is in use by another process (PORT_IN_USE)\n`)
  })

  test('an argument is refused: settings are environment variables', async () => {
    const { code, stderr } = await runToExit(FIXTURE, { env: ANY_PORTS, args: ['--port=80'] })
    expect(code).toBe(78)
    expect(stderr).toMatch(/^ {2}--port=80: is not an argument; settings are environment variables, see --help$/m)
  })

  test('--help lists every variable with default and meaning, and nothing is started', async () => {
    const { code, stdout } = await runToExit(FIXTURE, { env: ANY_PORTS, args: ['--help'] })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^fixture: settings are environment variables\n/)
    expect(stdout).toMatch(/^ {2}CONTROL_PORT +8090 +probes/m)
    expect(stdout).toMatch(/^ {2}IN_HAND_MS +0 +how long draining takes$/m)
    expect(stdout).not.toMatch(/^control/m)
  })

  test('a bug while starting shows its stack and exits 1', async () => {
    const { code, stderr } = await runToExit(FIXTURE, { env: { ...ANY_PORTS, FAILS: 'foreign' } })
    expect(code).toBe(1)
    expect(stderr).toMatch(/fixture can't start: SyntaxError.*\n {4}at /)
  })

  test('a bug later is one log line and exit 1', async () => {
    const { code, stderr } = await runToExit(FIXTURE, { env: { ...ANY_PORTS, FAILS: 'later' } })
    expect(code).toBe(1)
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({
      level: 'error',
      msg: 'uncaught, exiting',
      error: { name: 'SyntaxError' },
    })
  })
})

describe('the control port', () => {
  test('probes, routes of the app and the durable level answer once it is up', async () => {
    await using service = await startFixture()
    const { control } = service.urls
    expect(await (await fetch(`${control}/healthz`)).text()).toBe('ok\n')
    expect(await (await fetch(`${control}/readyz`)).json()).toEqual({
      ready: true,
      durable: 'disk',
      checks: [{ name: 'channel', ready: true }],
    })
    expect(await (await fetch(`${control}/api/brokers`)).json()).toEqual(['default'])
    expect((await fetch(`${control}/nowhere`)).status).toBe(404)
    expect((await fetch(`${control}/healthz`, { headers: { origin: 'http://evil.example' } })).status).toBe(403)
  })

  test('beyond loopback it answers this machine; what comes from elsewhere gets probes only', async () => {
    await using service = await startFixture({ HOST: '0.0.0.0' })
    const { control = '' } = service.urls
    expect(control).toMatch(/^http:\/\/127\.0\.0\.1:/)
    expect((await fetch(`${control}/api/brokers`)).status).toBe(200)
    const elsewhere = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.family === 'IPv4' && !each.internal)
    if (elsewhere === undefined) return // a machine without a network can't be asked from elsewhere
    const beyond = control.replace('127.0.0.1', elsewhere.address)
    expect((await fetch(`${beyond}/readyz`)).status).toBe(200)
    expect((await fetch(`${beyond}/api/brokers`)).status).toBe(403)
  })
})
