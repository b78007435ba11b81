import { describe, expect, test } from '@jest/globals'
import { systemClock } from '@sluice/clock'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { controlRoutes, startControlServer } from './control-server.ts'
import { createReadiness } from './readiness.ts'

function setUp() {
  const telemetry = createTestTelemetry()
  const readiness = createReadiness(systemClock)
  return { telemetry, readiness, routes: controlRoutes({ host: '127.0.0.1', readiness, log: telemetry.log }) }
}
const headers = { host: '127.0.0.1' }

describe('readyz', () => {
  test('names each check, with the reason of what is not ready', async () => {
    const { readiness, routes } = setUp()
    readiness.ready('channel', () => undefined)
    readiness.ready('contract', async () => 'no revision yet')
    readiness.ready('sink', () => JSON.parse('{'))
    const response = await routes.inject({ url: '/readyz', headers })
    expect(response.statusCode).toBe(503)
    expect(response.json()).toEqual({
      ready: false,
      checks: [
        { name: 'channel', ready: true },
        { name: 'contract', ready: false, reason: 'no revision yet' },
        { name: 'sink', ready: false, reason: expect.stringMatching(/JSON/) },
      ],
    })
  })

  test('a warning is reported and the service stays ready; without one nothing is said', async () => {
    const { readiness, routes } = setUp()
    let problem: string | undefined = 'orders.yaml:3:1: is not YAML'
    readiness.ready('channel', () => undefined)
    readiness.warn('manifests', () => problem)
    const checks = [{ name: 'channel', ready: true }]
    const warned = await routes.inject({ url: '/readyz', headers })
    expect(warned.statusCode).toBe(200)
    expect(warned.json()).toEqual({ ready: true, checks, warnings: [{ name: 'manifests', reason: problem }] })
    problem = undefined
    expect((await routes.inject({ url: '/readyz', headers })).json()).toEqual({ ready: true, checks })
  })

  test('a check that was disposed no longer counts', async () => {
    const { readiness, routes } = setUp()
    readiness.ready('starting', () => 'starting')[Symbol.dispose]()
    readiness.durable({ replicas: 3 })
    const response = await routes.inject({ url: '/readyz', headers })
    expect(response.json()).toEqual({ ready: true, durable: { replicas: 3 }, checks: [] })
  })

  test('a check that hangs is not ready after its second', async () => {
    let cut = () => {}
    const clock = {
      ...systemClock,
      after: (_delayMs: number, callback: () => void) => {
        cut = callback
        return { [Symbol.dispose]: () => undefined }
      },
    }
    const readiness = createReadiness(clock)
    readiness.ready('channel', () => new Promise(() => undefined))
    const report = readiness.report()
    cut()
    expect((await report).checks).toEqual([{ name: 'channel', ready: false, reason: 'no answer within 1000 ms' }])
  })
})

test('a route that throws is a 500 without its words, which are logged', async () => {
  const { telemetry, routes } = setUp()
  routes.get('/api/broken', () => JSON.parse('{'))
  const response = await routes.inject({ url: '/api/broken', headers })
  expect(response.statusCode).toBe(500)
  expect(response.json()).toEqual({ error: 'internal error' })
  expect(telemetry.lines).toMatchObject([{ level: 'error', message: 'control request failed' }])
})

test('before it is opened the port is taken, alive, not ready, and says what the start waits for', async () => {
  const { telemetry, readiness } = setUp()
  const starting = readiness.ready('started', () => 'the service is starting')
  const deps = { host: '127.0.0.1', port: 0, readiness, log: telemetry.log }
  await using control = await startControlServer(deps)
  expect((await fetch(`${control.url}/healthz`)).status).toBe(200)
  const readyz = await fetch(`${control.url}/readyz`)
  expect([readyz.status, await readyz.text()]).toEqual([503, expect.stringContaining('the service is starting')])
  expect((await fetch(`${control.url}/api`)).status).toBe(503)
  expect((await fetch(`${control.url}/readyz`, { headers: { origin: 'http://evil.example' } })).status).toBe(403)
  starting[Symbol.dispose]()
  await control.open()
  expect((await fetch(`${control.url}/readyz`)).status).toBe(200)
})
