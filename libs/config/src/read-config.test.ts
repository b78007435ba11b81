import { describe, expect, test } from '@jest/globals'
import { isFailure } from '@sluice/errors'
import type { Shape } from './field.ts'
import { boolean, bytes, durationMs, integer, oneOf, originUrl, port, portOrOff, text } from './fields.ts'
import { describeConfig, type Env, readConfig } from './read-config.ts'

const meaning = 'what it is for'

function problemsOf(shape: Shape, env: Env): readonly string[] {
  try {
    readConfig(shape, env)
  } catch (error) {
    if (isFailure(error, 'CONFIG_INVALID')) return error.detail.problems
    throw error
  }
  return []
}

describe('rules between variables', () => {
  const shape = {
    user: text('NATS_USER', { fallback: undefined, meaning }),
    replicas: integer('NATS_REPLICAS', { min: 1, max: 5, fallback: undefined, meaning }),
  }
  const rules = (
    config: { user?: string | undefined; replicas?: number | undefined },
    isSet: (name: string) => boolean,
  ) => [
    ...(config.user === 'nobody' ? ['NATS_USER: may not be nobody'] : []),
    ...(isSet('NATS_REPLICAS') && config.replicas === undefined ? [] : ['NATS_REPLICAS: is needed']),
  ]

  test('are asked with everything that could be read, and their problems come with the others', () => {
    const problems = () => readConfig(shape, { NATS_USER: 'nobody', NATS_REPLICAS: 'x' }, rules)
    expect(problems).toThrow(/NATS_REPLICAS: "x" is not a whole number.*; NATS_USER: may not be nobody/)
    expect(problems).not.toThrow(/is needed/)
    expect(() => readConfig(shape, {}, rules)).toThrow('NATS_REPLICAS: is needed')
  })
})

describe('readConfig', () => {
  const shape = {
    ingressPort: port('INGRESS_PORT', { fallback: 8080, meaning }),
    metricsPort: portOrOff('METRICS_PORT', { fallback: 9090, meaning }),
    lanes: integer('SLUICE_LANES', { min: 1, max: 64, fallback: 8, meaning }),
    drainMs: durationMs('DRAIN_MS', { min: 0, max: 600_000, fallback: 8000, meaning }),
    maxEventBytes: bytes('MAX_EVENT_BYTES', { min: 65_536, max: 2 ** 30, fallback: 1_048_576, meaning }),
    driver: oneOf('CHANNEL_DRIVER', ['embedded', 'nats'], { fallback: 'embedded', meaning }),
    dataDir: text('SLUICE_DATA_DIR', { fallback: '.sluice', meaning }),
    manifests: text('SLUICE_MANIFESTS', { fallback: undefined, meaning }),
    verbose: boolean('VERBOSE', { fallback: false, meaning }),
  }

  test('an empty environment gives the fallbacks', () => {
    expect(readConfig(shape, {})).toEqual({
      ingressPort: 8080,
      metricsPort: 9090,
      lanes: 8,
      drainMs: 8000,
      maxEventBytes: 1_048_576,
      driver: 'embedded',
      dataDir: '.sluice',
      manifests: undefined,
      verbose: false,
    })
  })

  test('set values are read with their types, units included', () => {
    const env = {
      INGRESS_PORT: '0',
      METRICS_PORT: 'off',
      SLUICE_LANES: '64',
      DRAIN_MS: '2m',
      MAX_EVENT_BYTES: '2Mi',
      CHANNEL_DRIVER: 'nats',
      SLUICE_DATA_DIR: '/data',
      SLUICE_MANIFESTS: 'm',
      VERBOSE: 'true',
    }
    expect(readConfig(shape, env)).toEqual({
      ingressPort: 0,
      metricsPort: undefined,
      lanes: 64,
      drainMs: 120_000,
      maxEventBytes: 2_097_152,
      driver: 'nats',
      dataDir: '/data',
      manifests: 'm',
      verbose: true,
    })
  })

  test('the config is frozen', () => {
    expect(Object.isFrozen(readConfig(shape, {}))).toBe(true)
  })

  test('an empty value counts as unset', () => {
    expect(readConfig(shape, { INGRESS_PORT: '', SLUICE_DATA_DIR: '', SLUICE_NO_SUCH: '' }).ingressPort).toBe(8080)
  })

  test('all problems are reported at once, in the order of the shape, each naming its variable', () => {
    expect(problemsOf(shape, { INGRESS_PORT: 'http', VERBOSE: 'yes', CHANNEL_DRIVER: 'rabbit' })).toEqual([
      'INGRESS_PORT: "http" is not a whole number from 0 to 65535',
      'CHANNEL_DRIVER: "rabbit" is not one of embedded, nats',
      'VERBOSE: "yes" is not true or false',
    ])
  })

  test.each([
    ['INGRESS_PORT', '65536'],
    ['INGRESS_PORT', '-1'],
    ['INGRESS_PORT', '80.5'],
    ['INGRESS_PORT', '0x50'],
    ['INGRESS_PORT', ' 80'],
    ['INGRESS_PORT', '1e3'],
    ['METRICS_PORT', 'OFF'],
    ['SLUICE_LANES', '0'],
    ['SLUICE_LANES', '8s'],
    ['DRAIN_MS', '8 s'],
    ['DRAIN_MS', '11m'],
    ['DRAIN_MS', 's'],
    ['MAX_EVENT_BYTES', '1'],
    ['MAX_EVENT_BYTES', '1MiB'],
    ['MAX_EVENT_BYTES', '99999999999999999999'],
    ['SLUICE_DATA_DIR', 'x'.repeat(4097)],
  ])('%s=%.20s is a problem, never a fallback', (name, value) => {
    expect(problemsOf(shape, { [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name}: `))])
  })

  test.each([
    ['http://events.example:8080', 'http://events.example:8080'],
    ['https://events.example/', 'https://events.example'],
    ['HTTP://Events.Example:80', 'http://events.example'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
  ])('an origin %s is read as %s', (given, read) => {
    expect(readConfig({ url: originUrl('INGRESS_URL', { meaning }) }, { INGRESS_URL: given })).toEqual({ url: read })
  })

  test.each(['events.example:8080', 'ftp://a', 'http://a/b', 'http://a/?q', 'http://a/#f', 'http://u:p@a', 'http://'])(
    'an origin %s is a problem',
    (given) => {
      expect(problemsOf({ url: originUrl('INGRESS_URL', { meaning }) }, { INGRESS_URL: given })).toEqual([
        expect.stringMatching(/^INGRESS_URL: .* is not an http or https URL without path/),
      ])
    },
  )

  test('a required variable that is missing is a problem that says what it is for', () => {
    expect(problemsOf({ url: text('SINK', { meaning: 'where events go' }) }, {})).toEqual([
      'SINK: is required (where events go)',
    ])
  })

  test('an unknown variable with our prefix is a problem that names the nearest known one', () => {
    expect(problemsOf(shape, { SLUICE_DATADIR: 'x', PATH: '/bin' })).toEqual([
      'SLUICE_DATADIR: is not a variable of this service; the nearest is SLUICE_DATA_DIR',
    ])
  })

  test('one that is like no known variable is a problem without a guess', () => {
    expect(problemsOf(shape, { SLUICE_X: '1' })).toEqual(['SLUICE_X: is not a variable of this service'])
  })

  test('what Kubernetes says about a Service named sluice-… is not ours', () => {
    const links = {
      SLUICE_INGRESS_SERVICE_HOST: '10.0.0.1',
      SLUICE_INGRESS_SERVICE_PORT_HTTP: '80',
      SLUICE_INGRESS_PORT: 'tcp://10.0.0.1:80',
      SLUICE_INGRESS_PORT_80_TCP_ADDR: '10.0.0.1',
    }
    expect(problemsOf(shape, links)).toEqual([])
  })

  test('a service link in the place of a port is named as such', () => {
    expect(problemsOf(shape, { INGRESS_PORT: 'tcp://10.0.0.1:80' })[0]).toMatch(/enableServiceLinks: false/)
  })

  test('a secret is never repeated, and a long value is cut', () => {
    const secret = { token: text('TOKEN', { isSecret: true, meaning }) }
    expect(problemsOf(secret, { TOKEN: 'hunter2'.repeat(1000) })[0]).not.toMatch(/hunter2/)
    expect(problemsOf(shape, { VERBOSE: 'y'.repeat(500) })[0]?.length).toBeLessThan(130)
  })
})

test('describeConfig: one row per variable with its default and meaning', () => {
  const shape = {
    port: port('PORT', { fallback: 8080, meaning: 'where events come in' }),
    sink: text('SINK', { meaning: 'where events go' }),
    note: text('NOTE', { fallback: undefined, meaning: 'anything' }),
    metricsPort: portOrOff('METRICS_PORT', { fallback: undefined, meaning: 'where metrics are' }),
    size: bytes('SIZE', { min: 0, max: 2 ** 40, fallback: 3 * 2 ** 20, meaning: 'how large' }),
    odd: bytes('ODD', { min: 0, max: 2 ** 40, fallback: 1000, meaning: 'how odd' }),
  }
  expect(describeConfig(shape)).toEqual([
    { name: 'PORT', default: '8080', meaning: 'where events come in' },
    { name: 'SINK', default: 'required', meaning: 'where events go' },
    { name: 'NOTE', default: 'unset', meaning: 'anything' },
    { name: 'METRICS_PORT', default: 'off', meaning: 'where metrics are' },
    { name: 'SIZE', default: '3Mi', meaning: 'how large' },
    { name: 'ODD', default: '1000', meaning: 'how odd' },
  ])
})
