import { describe, expect, test } from '@jest/globals'
import { systemClock } from '@sluice/clock'
import { CERTIFICATE, KEY } from '@sluice/testkit'
import { silentTelemetry } from '../test/silent.ts'
import { checkOptions, durabilityOf, type KafkaOptions, minInsyncOf } from './config.ts'

function problemsOf(options: Partial<KafkaOptions>): readonly string[] {
  try {
    checkOptions({ brokers: 'kafka:9092', clock: systemClock, telemetry: silentTelemetry, ...options })
    return []
  } catch (error) {
    return (error as { detail: { problems: readonly string[] } }).detail.problems
  }
}

describe('options of Kafka', () => {
  test('are taken when they can work', () => {
    expect(checkOptions({ brokers: 'a:1, [::1]:9092', clock: systemClock, telemetry: silentTelemetry })).toEqual([
      { host: 'a', port: 1 },
      { host: '[::1]', port: 9092 },
    ])
    const sasl = { mechanism: 'scram-sha-512', user: 'u', password: 'p' } as const
    expect(problemsOf({ sasl, tls: { ca: CERTIFICATE, cert: CERTIFICATE, key: KEY }, compression: 'gzip' })).toEqual([])
  })

  test('that can never work are refused with all that is wrong, and nothing secret', () => {
    const problems = problemsOf({
      brokers: 'a,kafka://b:1,u:secret@c:1,d:0,',
      sasl: { mechanism: 'gssapi' as 'plain', user: '', password: '' },
      tls: { ca: 'none', cert: 'x' },
      replicas: 0,
      compression: 'snappy' as 'gzip',
    })
    expect(problems).toHaveLength(12)
    expect(problems.join()).not.toContain('secret')
    expect(problems).toContain('compression snappy is not supported: use none or gzip')
    expect(problems).toContain('SASL mechanism gssapi is none of plain, scram-sha-256, scram-sha-512')
  })

  test('say how many copies are written before an event is accepted, and durability counts no others', () => {
    const of = (copies: Pick<KafkaOptions, 'replicas' | 'minInsync' | 'flushAlways'>) => {
      const options = { brokers: 'kafka:9092', clock: systemClock, telemetry: silentTelemetry, ...copies }
      return [minInsyncOf(options), durabilityOf(options)]
    }
    expect(of({})).toEqual([1, 'process'])
    expect(of({ flushAlways: true })).toEqual([1, 'disk'])
    expect(of({ replicas: 2 })).toEqual([1, 'process'])
    expect(of({ replicas: 2, minInsync: 2 })).toEqual([2, { replicas: 2 }])
    expect(of({ replicas: 3 })).toEqual([2, { replicas: 3 }])
    expect(of({ replicas: 3, minInsync: 1 })).toEqual([1, 'process'])
    expect(of({ replicas: 1, minInsync: 2 })[0]).toBe(1)
    expect(problemsOf({ replicas: 2, minInsync: 3 })).toEqual([
      '3 copies before an event is accepted: at least 1, and no more than the 2 replicas',
    ])
  })

  test('with a key that is not of the certificate are refused', () => {
    expect(problemsOf({ tls: { cert: CERTIFICATE, key: 'secret' } })).toEqual([
      'the TLS client certificate and its key are not PEM, or not of each other',
    ])
  })
})
