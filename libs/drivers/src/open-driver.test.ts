import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { systemClock } from '@sluice/clock'
import { readConfig } from '@sluice/config'
import { isFailure } from '@sluice/errors'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { VirtualClock } from '@sluice/testkit'
import { driverConfig, driverRules, driversOf, openDriver, requireShared, runningDrivers } from './index.ts'
import { natsOptions } from './nats.ts'

type Env = Readonly<Record<string, string>>

const URL_OF_ONE = { CHANNEL_DRIVER: 'nats', NATS_URL: 'nats://127.0.0.1:4222' }
const read = (env: Env) => readConfig(driverConfig, env, driverRules)

function problemsOf(env: Env): readonly string[] {
  try {
    read(env)
  } catch (error) {
    if (isFailure(error, 'CONFIG_INVALID')) return error.detail.problems
    throw error
  }
  return []
}

let folder = ''
const file = (name: string) => join(folder, name)
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-drivers-'))
  for (const name of ['secret', 'ca', 'cert', 'key']) writeFileSync(file(name), `the ${name}\n`)
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('the variables of the drivers', () => {
  test('those of a driver that is not chosen are refused, each by name and with both ways out', () => {
    expect(problemsOf({ NATS_URL: 'nats://127.0.0.1', NATS_REPLICAS: '3' })).toEqual([
      'NATS_URL: is set, but CHANNEL_DRIVER is embedded: unset it, or set CHANNEL_DRIVER=nats, or CHANNEL_DRIVERS_BESIDE=nats',
      'NATS_REPLICAS: is set, but CHANNEL_DRIVER is embedded: unset it, or set CHANNEL_DRIVER=nats, or CHANNEL_DRIVERS_BESIDE=nats',
    ])
  })

  test.each<[string, Env, RegExp[]]>([
    ['no server', { CHANNEL_DRIVER: 'nats' }, [/^NATS_URL: is required/]],
    ['a URL of another kind', { ...URL_OF_ONE, NATS_URL: 'http://x' }, [/^NATS_URL: the value is not a list of URLs/]],
    ['credentials in the URL', { ...URL_OF_ONE, NATS_URL: 'nats://a,nats://u:p@b' }, [/^NATS_URL: .*credentials/]],
    ['two ways to log in', { ...URL_OF_ONE, NATS_TOKEN: 't', NATS_USER: 'u', NATS_PASSWORD: 'p' }, [/choose one of/]],
    ['a user without password', { ...URL_OF_ONE, NATS_USER: 'u' }, [/^NATS_USER: needs NATS_PASSWORD or/]],
    ['a bad number and a bad name', { ...URL_OF_ONE, NATS_REPLICAS: '6', NATS_PREFIX: 'a.b' }, [/REPLICAS/, /PREFIX/]],
    [
      'a driver beside that does not exist',
      { CHANNEL_DRIVERS_BESIDE: 'rabbit' },
      [/BESIDE: "rabbit" is not a list of/],
    ],
    [
      'the default one beside itself',
      { ...URL_OF_ONE, CHANNEL_DRIVERS_BESIDE: 'nats' },
      [/nats is the CHANNEL_DRIVER/],
    ],
    ['one beside without its variables', { CHANNEL_DRIVERS_BESIDE: 'nats' }, [/^NATS_URL: is required/]],
    [
      'a driver that does not exist',
      { CHANNEL_DRIVER: 'rabbit', NATS_URL: 'nats://a' },
      [/not one of embedded, nats, kafka/],
    ],
  ])('%s', (_, env, expected) => {
    const problems = problemsOf(env)
    expect(problems).toHaveLength(expected.length)
    for (const [n, pattern] of expected.entries()) expect(problems[n]).toMatch(pattern)
  })

  test('a certificate needs its key; a password given twice is one too many', () => {
    const tls = { NATS_CERT: file('cert') }
    expect(problemsOf({ ...URL_OF_ONE, ...tls })).toEqual(['NATS_CERT: needs NATS_KEY beside it'])
    const twice = { NATS_USER: 'u', NATS_PASSWORD: 'p', NATS_PASSWORD_FILE: file('secret') }
    expect(problemsOf({ ...URL_OF_ONE, ...twice })).toEqual([
      'NATS_PASSWORD_FILE: is set beside NATS_PASSWORD: unset one of them',
    ])
  })
})

describe('what NATS is opened with', () => {
  const optionsOf = (env: Env) => {
    const {
      clock: _,
      telemetry: __,
      ...options
    } = natsOptions(read({ ...URL_OF_ONE, ...env }), {
      ...{ name: 'filter', clock: new VirtualClock(), telemetry: createTestTelemetry() },
    })
    return options
  }

  test('nothing else set: one server, one copy, no login, no TLS', () => {
    expect(optionsOf({})).toEqual({
      ...{ url: 'nats://127.0.0.1:4222', replicas: 1, syncAlways: false, prefix: 'sluice', leaseMs: 10_000 },
      connectionName: 'sluice-filter',
    })
  })

  test.each<[string, () => Env, object]>([
    ['a token', () => ({ NATS_TOKEN: 't' }), { kind: 'token', token: 't' }],
    ['a token in a file', () => ({ NATS_TOKEN_FILE: file('secret') }), { kind: 'token', token: 'the secret' }],
    ['a password', () => ({ NATS_USER: 'u', NATS_PASSWORD: 'p' }), { kind: 'password', user: 'u', password: 'p' }],
    ['credentials', () => ({ NATS_CREDS: file('secret') }), { kind: 'credentials', credentials: 'the secret\n' }],
    ['an nkey', () => ({ NATS_NKEY: file('secret') }), { kind: 'nkey', seed: 'the secret' }],
  ])('it logs in with %s', (_, env, auth) => {
    expect(optionsOf(env())).toMatchObject({ auth })
  })

  test('files of TLS come as their texts', () => {
    const env = { NATS_CA: file('ca'), NATS_CERT: file('cert'), NATS_KEY: file('key') }
    expect(optionsOf(env)).toMatchObject({ tls: { ca: 'the ca', cert: 'the cert', key: 'the key' } })
  })
})

test('drivers side by side are named, and each has to be shared for a service apart', () => {
  const config = read({ CHANNEL_DRIVERS_BESIDE: 'nats', NATS_URL: 'nats://127.0.0.1:4222' })
  expect(driversOf(config)).toEqual(['embedded', 'nats'])
  expect(() => requireShared(config, 'filter')).toThrow('CHANNEL_DRIVER=embedded serves one process')
  const other = read({ ...URL_OF_ONE, CHANNEL_DRIVERS_BESIDE: 'embedded' })
  expect(driversOf(other)).toEqual(['nats', 'embedded'])
  expect(() => requireShared(other, 'filter')).toThrow('CHANNEL_DRIVERS_BESIDE=embedded serves one process')
})

test('embedded opens in its folder, is ready at once, and is refused to a service apart', async () => {
  const config = read({})
  const deps = { name: 'standalone', dataDir: ':memory:', clock: new VirtualClock(), telemetry: createTestTelemetry() }
  await using opened = await openDriver(config, deps)
  expect([opened.driver.name, opened.ready()]).toEqual(['embedded', undefined])
  expect(() => requireShared(config, 'filter')).toThrow('serves one process, so the filter')
  expect(() => requireShared(read(URL_OF_ONE), 'filter')).not.toThrow()
})

test('kafka opens while no broker answers, and is not ready; who programs logs is told its partitions and its brokers', async () => {
  const config = read({ CHANNEL_DRIVER: 'kafka', KAFKA_BROKERS: '127.0.0.1:1', KAFKA_PARTITIONS: '3' })
  const deps = { name: 'filter', clock: systemClock, telemetry: createTestTelemetry() }
  await using opened = await openDriver(config, deps)
  expect(opened.driver.name).toBe('kafka')
  expect(opened.ready()).toBeDefined()
  const { lanes, kafka } = runningDrivers(config)
  expect([lanes(), lanes('nats'), kafka?.brokers]).toEqual([3, 8, ['127.0.0.1:1']])
  expect(runningDrivers(read({})).kafka).toBeUndefined()
  expect(problemsOf({ CHANNEL_DRIVER: 'kafka' })).toEqual([
    'KAFKA_BROKERS: is required by the driver kafka, such as 127.0.0.1:9092',
  ])
})
