import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { checkOptions } from '@sluice/channel-kafka'
import { readConfig } from '@sluice/config'
import { isFailure } from '@sluice/errors'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { CERTIFICATE, KEY, VirtualClock } from '@sluice/testkit'
import { kafkaConfig, kafkaOptions, kafkaRules } from './kafka.ts'
import { kafkaConnection, type OtherConnection } from './kafka-connection.ts'

type Env = Readonly<Record<string, string>>

const BROKERS = { KAFKA_BROKERS: 'a:9092, [::1]:9092' }
const PASSWORD = 'never shown'

function problemsOf(env: Env): readonly string[] {
  try {
    readConfig(kafkaConfig, env, kafkaRules)
    return []
  } catch (error) {
    if (isFailure(error, 'CONFIG_INVALID')) return error.detail.problems
    throw error
  }
}

function optionsOf(env: Env) {
  const deps = { name: 'filter', clock: new VirtualClock(), telemetry: createTestTelemetry() }
  const options = kafkaOptions(readConfig(kafkaConfig, { ...BROKERS, ...env }, kafkaRules), deps)
  checkOptions(options)
  const { clock: _, telemetry: __, ...rest } = options
  return rest
}

let folder = ''
const file = (name: string) => join(folder, name)
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-drivers-'))
  const files = { ca: CERTIFICATE, cert: CERTIFICATE, key: KEY, password: `${PASSWORD}\n`, text: PASSWORD }
  for (const [name, content] of Object.entries(files)) writeFileSync(file(name), content)
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('variables of Kafka that can never work are refused', () => {
  test.each<[string, Env, RegExp[]]>([
    ['no broker', {}, [/^KAFKA_BROKERS: is required/]],
    ['a broker without port', { KAFKA_BROKERS: 'kafka' }, [/^KAFKA_BROKERS: the value is not a list of host:port/]],
    ['a URL', { KAFKA_BROKERS: 'ssl://kafka:9093' }, [/^KAFKA_BROKERS: .*KAFKA_TLS or KAFKA_CA/]],
    ['credentials among the brokers', { KAFKA_BROKERS: `u:${PASSWORD}@kafka:1` }, [/^KAFKA_BROKERS: .*KAFKA_USER/]],
    [
      'a user without mechanism',
      { ...BROKERS, KAFKA_USER: 'u', KAFKA_PASSWORD: PASSWORD },
      [/^KAFKA_USER: needs KAFKA_SASL/],
    ],
    ['a mechanism alone', { ...BROKERS, KAFKA_SASL_MECHANISM: 'PLAIN' }, [/^KAFKA_SASL_MECHANISM: needs KAFKA_USER/]],
    [
      'a mechanism that is not had',
      { ...BROKERS, KAFKA_SASL_MECHANISM: 'GSSAPI' },
      [/not one of PLAIN, SCRAM/, /^KAFKA_SASL_MECHANISM: needs KAFKA_USER/],
    ],
    ['a codec that is not had', { ...BROKERS, KAFKA_COMPRESSION: 'zstd' }, [/"zstd" is not supported.*none or gzip/]],
    [
      'a client that nobody has',
      { ...BROKERS, KAFKA_CLIENT: 'librdkafka' },
      [/"librdkafka" is not one of platformatic, kafkajs/],
    ],
    ['a codec that nobody has', { ...BROKERS, KAFKA_COMPRESSION: 'zip' }, [/"zip" is not one of none, gzip/]],
    [
      'numbers out of bounds and a bad name',
      { ...BROKERS, KAFKA_REPLICAS: '0', KAFKA_PARTITIONS: '65', KAFKA_LEASE_MS: '1', KAFKA_PREFIX: 'a.b' },
      [/^KAFKA_PARTITIONS/, /^KAFKA_REPLICAS/, /^KAFKA_PREFIX/, /^KAFKA_LEASE_MS/],
    ],
  ])('%s', (_, env, expected) => {
    const problems = problemsOf(env)
    expect(problems).toHaveLength(expected.length)
    for (const [n, pattern] of expected.entries()) expect(problems[n]).toMatch(pattern)
    expect(problems.join()).not.toContain(PASSWORD)
  })

  test('more copies to be written than there are', () => {
    expect(problemsOf({ ...BROKERS, KAFKA_REPLICAS: '2', KAFKA_MIN_INSYNC: '3' })).toEqual([
      expect.stringMatching(/^KAFKA_MIN_INSYNC: is more than KAFKA_REPLICAS/),
    ])
    expect(problemsOf({ ...BROKERS, KAFKA_REPLICAS: '3', KAFKA_MIN_INSYNC: '3' })).toEqual([])
  })

  test('files that hold no certificate, or not the key of the certificate, and a password given twice', () => {
    const twice = { KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_USER: 'u', KAFKA_PASSWORD: PASSWORD }
    const tls = { KAFKA_CA: file('text'), KAFKA_CERT: file('cert'), KAFKA_KEY: file('text') }
    expect(problemsOf({ ...BROKERS, ...twice, ...tls, KAFKA_PASSWORD_FILE: file('password') })).toEqual([
      'KAFKA_PASSWORD_FILE: is set beside KAFKA_PASSWORD: unset one of them',
      'KAFKA_CA: is a file without a certificate in PEM',
      'KAFKA_CERT: it and KAFKA_KEY are not PEM, or not of each other',
    ])
    expect(problemsOf({ ...BROKERS, KAFKA_CERT: file('cert') })).toEqual(['KAFKA_CERT: needs KAFKA_KEY beside it'])
  })
})

describe('what Kafka is opened with', () => {
  test('nothing else set: one copy, no compression, no login, no TLS', () => {
    expect(optionsOf({})).toEqual({
      ...{ brokers: 'a:9092, [::1]:9092', clientId: 'sluice-filter', prefix: 'sluice', client: 'platformatic' },
      ...{ replicas: 1, flushAlways: false, places: false, compression: 'none', requestMs: 6_000, leaseMs: 10_000 },
    })
  })

  test.each<[string, () => Env, object]>([
    ['PLAIN', () => ({ KAFKA_PASSWORD: PASSWORD }), { mechanism: 'plain' }],
    ['SCRAM-SHA-256', () => ({ KAFKA_PASSWORD_FILE: file('password') }), { mechanism: 'scram-sha-256' }],
    ['SCRAM-SHA-512', () => ({ KAFKA_PASSWORD: PASSWORD }), { mechanism: 'scram-sha-512' }],
  ])('it logs in by %s', (name, env, sasl) => {
    const options = optionsOf({ KAFKA_SASL_MECHANISM: name, KAFKA_USER: 'u', ...env() })
    expect(options).toMatchObject({ sasl: { user: 'u', password: PASSWORD, ...sasl } })
  })

  test('TLS is asked for by itself, or by a file, which comes as its text', () => {
    expect(optionsOf({ KAFKA_TLS: 'true' })).toMatchObject({ tls: {} })
    const files = { KAFKA_CA: file('ca'), KAFKA_CERT: file('cert'), KAFKA_KEY: file('key') }
    const [ca, key] = [CERTIFICATE.trim(), KEY.trim()]
    expect(optionsOf(files)).toMatchObject({ tls: { ca, cert: ca, key } })
  })

  test('its client, times, copies, codec and prefix', () => {
    const env = { KAFKA_REQUEST_MS: '2s', KAFKA_LEASE_MS: '5s', KAFKA_REPLICAS: '3', KAFKA_MIN_INSYNC: '2' }
    expect(optionsOf({ KAFKA_CLIENT: 'kafkajs' })).toMatchObject({ client: 'kafkajs' })
    const options = { requestMs: 2_000, leaseMs: 5_000, replicas: 3, minInsync: 2, compression: 'gzip', prefix: 'blue' }
    expect(optionsOf({ ...env, KAFKA_PREFIX: 'blue', KAFKA_COMPRESSION: 'gzip' })).toMatchObject(options)
  })
})

describe('a connection that somebody else describes', () => {
  const differences = (env: Env, other: OtherConnection) =>
    kafkaConnection(readConfig(kafkaConfig, { ...BROKERS, ...env }, kafkaRules)).differences(other)
  const login = { mechanism: 'SCRAM-SHA-256', user: 'u', password: PASSWORD }
  const env = () => ({
    ...{ KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256', KAFKA_USER: 'u', KAFKA_PASSWORD_FILE: file('password') },
    ...{ KAFKA_CA: file('ca'), KAFKA_CERT: file('cert'), KAFKA_KEY: file('key') },
  })

  test('is the same whatever its white space', () => {
    const other = { isTls: true, login, ca: `${CERTIFICATE}\n`, cert: CERTIFICATE, key: KEY }
    expect(differences(env(), other)).toEqual([])
    expect(differences({}, { isTls: false })).toEqual([])
  })

  test('is another by the names of what differs, and no value', () => {
    const other = { isTls: false, login: { mechanism: 'PLAIN', user: 'v', password: 'never shown' } }
    expect(differences(env(), { ...other, ca: 'x' })).toEqual([
      'protocol asks for no TLS, and KAFKA_TLS, KAFKA_CA or KAFKA_CERT does',
      'sasl.mechanism is not KAFKA_SASL_MECHANISM',
      'user is not KAFKA_USER',
      'ca.crt is not the file of KAFKA_CA',
      'user.crt is not the file of KAFKA_CERT',
      'user.key is not the file of KAFKA_KEY',
    ])
    expect(
      differences(env(), { isTls: true, login: { ...login, password: 'x' }, cert: CERTIFICATE, key: KEY }),
    ).toEqual(['password is not KAFKA_PASSWORD'])
    expect(differences({}, { isTls: true, login })).toEqual([
      'protocol asks for TLS, and neither KAFKA_TLS nor KAFKA_CA does',
      'protocol asks for a login, and KAFKA_SASL_MECHANISM is not set',
    ])
    expect(differences(env(), { isTls: true, cert: CERTIFICATE, key: KEY })).toEqual([
      'protocol asks for no login, and KAFKA_USER is set',
    ])
  })
})
