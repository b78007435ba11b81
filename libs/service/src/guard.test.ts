import { describe, expect, test } from '@jest/globals'
import { refusal } from './guard.ts'

const ask = (headers: Record<string, string>, listeningOn = '127.0.0.1', path = '/api', from = '10.0.0.2') =>
  refusal({ headers, path, from }, listeningOn)

describe('the guard of the control port', () => {
  test.each(['127.0.0.1:8090', 'localhost:8090', 'LOCALHOST', '[::1]:8090', '127.0.0.1'])('lets Host %s in', (host) => {
    expect(ask({ host })).toBeUndefined()
  })

  test.each(['evil.example:8090', '', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.1:8090', '[::2]:1'])(
    'refuses Host "%s" on loopback',
    (host) => {
      expect(ask({ host })).toMatch(/Host header/)
    },
  )

  test('refuses a request without Host', () => {
    expect(ask({})).toMatch(/Host header/)
  })

  test('lets its own origin in', () => {
    expect(ask({ host: '127.0.0.1:8090', origin: 'http://127.0.0.1:8090' })).toBeUndefined()
  })

  test.each(['http://evil.example', 'null', 'http://127.0.0.1:3000', 'http://localhost:8090', ''])(
    'refuses origin "%s"',
    (origin) => {
      expect(ask({ host: '127.0.0.1:8090', origin })).toMatch(/origin/)
    },
  )

  test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])(
    'beyond loopback, who comes from %s is guarded as on loopback',
    (from) => {
      const beyond = (headers: Record<string, string>) => ask(headers, '0.0.0.0', '/api', from)
      expect(beyond({ host: '127.0.0.1:8090' })).toBeUndefined()
      expect(beyond({ host: 'evil.example' })).toMatch(/Host header/)
      expect(beyond({ host: 'localhost', origin: 'http://evil.example' })).toMatch(/origin/)
    },
  )

  test('beyond loopback lets probes in under any name, and nothing else', () => {
    expect(ask({ host: 'pod-1:8090' }, '0.0.0.0', '/healthz')).toBeUndefined()
    expect(ask({ host: 'pod-1:8090' }, '0.0.0.0', '/readyz')).toBeUndefined()
    expect(ask({ host: '127.0.0.1:8090' }, '0.0.0.0', '/api')).toMatch(/beyond loopback/)
  })
})
