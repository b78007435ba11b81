import { describe, expect, test } from '@jest/globals'
import { systemClock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { type Access, authorizedByGuard } from './access.ts'
import { type ControlRequest, serveRoute } from './control-route.ts'
import { controlRoutes } from './control-server.ts'
import { createReadiness } from './readiness.ts'

const ACCESS = { verb: 'write', resource: 'triggers' } as const

function setUp(answer: (request: ControlRequest) => Promise<object>) {
  const telemetry = createTestTelemetry()
  const control = controlRoutes({ host: '127.0.0.1', readiness: createReadiness(systemClock), log: telemetry.log })
  const route = { method: 'POST', path: '/ask/:who', access: ACCESS, maxBodyBytes: 1_000, answer } as const
  serveRoute({ control, telemetry, authorize: authorizedByGuard }, route)
  const ask = (url: string, headers: Record<string, string> = {}, payload: Buffer | string = '') =>
    control.inject({ method: 'POST', url, headers: { host: '127.0.0.1', ...headers }, payload })
  return { control, telemetry, ask }
}

describe('a route of the control port', () => {
  test('is given the request as it came, whatever its type, and answers JSON', async () => {
    const seen: ControlRequest[] = []
    const { ask } = setUp(async (request) => {
      seen.push(request)
      return { ok: true }
    })
    const bytes = Buffer.from([0xff, 0, 0x7b])
    const answer = await ask('/ask/a%2Fb?x=1&x=2', { 'content-type': 'application/json', 'ce-Id': '7' }, bytes)
    expect([answer.statusCode, answer.json()]).toEqual([200, { ok: true }])
    expect(seen[0]?.path).toEqual({ who: 'a/b' })
    expect(seen[0]?.query.getAll('x')).toEqual(['1', '2'])
    expect(seen[0]?.body).toEqual(bytes)
    expect(seen[0]?.rawHeaders.map((text) => text.toLowerCase())).toEqual(expect.arrayContaining(['ce-id', '7']))
    await ask('/ask/b')
    expect(seen[1]?.body).toBeUndefined()
  })

  test.each([
    [new EventingError({ code: 'BROKER_UNKNOWN', path: '/a/b' }, 'no such broker'), 404, 'no such broker'],
    [new EventingError({ code: 'EVENT_INVALID', problem: 'x' }, 'no event'), 400, 'no event'],
    [new EventingError({ code: 'CHANNEL_UNAVAILABLE', driver: 'd', reason: 'r' }, 'disk full'), 503, 'disk full'],
    [new EventingError({ code: 'JOBS_FULL', maxJobs: 4 }, 'four run'), 429, 'four run'],
    [new EventingError({ code: 'INTERNAL' }, 'secret'), 500, 'internal error'],
    [new TypeError('secret'), 500, 'internal error'],
  ])('refuses with a problem and its code: %s', async (error, status, detail) => {
    const { ask, telemetry } = setUp(() => Promise.reject(error))
    const answer = await ask('/ask/a')
    expect(answer.headers['content-type']).toBe('application/problem+json')
    const code = error instanceof EventingError ? error.detail.code : 'INTERNAL'
    expect([answer.statusCode, answer.json()]).toEqual([status, expect.objectContaining({ status, detail, code })])
    expect(telemetry.lines).toHaveLength(status === 500 ? 1 : 0)
  })

  test('a window that was cut says where the log begins', async () => {
    const oldest = { position: '12', storedAt: '2026-01-01T00:00:00.000Z' }
    const { ask } = setUp(() => Promise.reject(new EventingError({ code: 'WINDOW_CUT', oldest }, 'cut')))
    const answer = await ask('/ask/a')
    expect([answer.statusCode, answer.json()]).toEqual([410, expect.objectContaining({ code: 'WINDOW_CUT', oldest })])
  })

  test('is answered only to whom the one function allows it, which is asked with namespace, verb and resource', async () => {
    const telemetry = createTestTelemetry()
    const control = controlRoutes({ host: '127.0.0.1', readiness: createReadiness(systemClock), log: telemetry.log })
    const asked: Access[] = []
    const authorize = (access: Access) => {
      asked.push(access)
      return access.namespace === 'shop' ? undefined : 'not yours'
    }
    let answered = 0
    const answer = async () => ({ answered: ++answered })
    const path = '/ask/:namespace'
    serveRoute({ control, telemetry, authorize }, { method: 'GET', path, access: ACCESS, maxBodyBytes: 1, answer })
    const ask = (url: string) => control.inject({ url, headers: { host: '127.0.0.1' } })
    expect((await ask('/ask/shop')).statusCode).toBe(200)
    const denied = await ask('/ask/other')
    expect([denied.statusCode, denied.json().code, answered]).toEqual([403, 'ACCESS_DENIED', 1])
    expect(asked).toEqual(['shop', 'other'].map((namespace) => ({ namespace, ...ACCESS })))
  })

  test('bounds the body and refuses a compressed one, before anything is answered', async () => {
    const { ask } = setUp(async () => ({}))
    const large = await ask('/ask/a', { 'content-type': 'text/plain' }, 'x'.repeat(1_001))
    expect([large.statusCode, large.json().code]).toEqual([413, 'EVENT_TOO_LARGE'])
    const packed = await ask('/ask/a', { 'content-encoding': 'gzip' }, 'x')
    expect([packed.statusCode, packed.json().code]).toEqual([415, 'CONTENT_ENCODING_UNSUPPORTED'])
  })

  test('is guarded: no other origin, no other host', async () => {
    const { ask } = setUp(async () => ({}))
    expect((await ask('/ask/a', { origin: 'http://evil.example' })).statusCode).toBe(403)
    expect((await ask('/ask/a', { host: 'evil.example' })).statusCode).toBe(403)
  })

  test('names may be as long as Kubernetes lets them be', async () => {
    const { ask } = setUp(async ({ path }) => ({ length: path.who?.length }))
    expect((await ask(`/ask/${'a'.repeat(253)}`)).json()).toEqual({ length: 253 })
  })

  test('without a control port there is nothing to add to', () => {
    const { telemetry } = setUp(async () => ({}))
    const route = { method: 'GET', path: '/', access: ACCESS, maxBodyBytes: 1, answer: async () => ({}) } as const
    expect(() => serveRoute({ control: undefined, telemetry, authorize: authorizedByGuard }, route)).not.toThrow()
  })
})
