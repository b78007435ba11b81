import { describe, expect, test } from '@jest/globals'
import { at, BROKER, BY, CONFIG_MAP, EVENT, NAMESPACE, object, open, refusal, servedAs, TRIGGER } from './testing.ts'

const DEFINITION = servedAs('apiextensions.k8s.io/v1', 'CustomResourceDefinition')
const OLD_EVENT_TYPE = servedAs('eventing.knative.dev/v1beta2', 'EventType')
const EVENT_TYPE = servedAs('eventing.knative.dev/v1beta3', 'EventType')

describe('create', () => {
  test('gives an object its uid, time, generation and number, and keeps nothing a client says of them', async () => {
    await using registry = await open()
    const said = { uid: 'mine', creationTimestamp: '2020-01-01T00:00:00Z', generation: 7, selfLink: '/x' }
    const { object: made, isNew } = await registry.create(
      BROKER,
      'default',
      object(
        BROKER,
        'a',
        { status: { observedGeneration: 3 } },
        { ...said, deletionTimestamp: said.creationTimestamp },
      ),
      BY,
    )
    expect(isNew).toBe(true)
    expect(made).toEqual({
      apiVersion: 'eventing.knative.dev/v1',
      kind: 'Broker',
      metadata: {
        name: 'a',
        namespace: 'default',
        uid: expect.stringMatching(/^[0-9a-f]{8}-/),
        creationTimestamp: '2026-01-01T00:00:00Z',
        generation: 1,
        managedFields: [expect.objectContaining({ manager: 'test', operation: 'Update' })],
        resourceVersion: expect.stringMatching(/^\d+$/),
      },
      spec: {},
    })
    expect(registry.get(BROKER, at('a'))).toBe(made)
  })

  test('a kind of Kubernetes has no generation', async () => {
    await using registry = await open()
    const { object: made } = await registry.create(CONFIG_MAP, 'default', object(CONFIG_MAP, 'a'), BY)
    expect(made.metadata.generation).toBeUndefined()
  })

  test('makes up a name after generateName that nobody has', async () => {
    await using registry = await open()
    const nameless = { ...object(BROKER, ''), metadata: { generateName: 'b-' } }
    const made = await Promise.all(Array.from({ length: 20 }, () => registry.create(BROKER, 'default', nameless, BY)))
    const names = made.map((each) => String(each.object.metadata.name))
    expect(new Set(names).size).toBe(20)
    for (const name of names) expect(name).toMatch(/^b-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  })

  test.each([
    [
      'there already',
      'default',
      object(BROKER, 'a'),
      'AlreadyExists',
      409,
      'brokers.eventing.knative.dev "a" already exists',
    ],
    [
      'nameless',
      'default',
      { ...object(BROKER, ''), metadata: {} },
      'Invalid',
      422,
      'Broker.eventing.knative.dev "" is invalid: metadata.name: Required value: name or generateName is required',
    ],
    [
      'in a namespace that was not created',
      'nowhere',
      object(BROKER, 'x'),
      'NotFound',
      404,
      'namespaces "nowhere" not found',
    ],
    [
      'sent to another namespace',
      'default',
      object(BROKER, 'x', {}, { namespace: 'other' }),
      'BadRequest',
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    [
      'of another kind',
      'default',
      object(TRIGGER, 'x'),
      'BadRequest',
      400,
      'the kind in the data (Trigger) does not match the expected kind (Broker)',
    ],
    [
      'of another version',
      'default',
      { ...object(BROKER, 'x'), apiVersion: 'v9' },
      'BadRequest',
      400,
      'the API version in the data (v9) does not match the expected API version (eventing.knative.dev/v1)',
    ],
    ['no object', 'default', 'text', 'BadRequest', 400, 'the object provided is unrecognized (must be of type Broker)'],
    [
      'stored before',
      'default',
      object(BROKER, 'x', {}, { resourceVersion: '5' }),
      'BadRequest',
      400,
      'resourceVersion should not be set on objects to be created',
    ],
    [
      'too large',
      'default',
      object(
        BROKER,
        'x',
        {},
        { managedFields: 3, finalizers: Array.from({ length: 8_000 }, (_, i) => `${'f'.repeat(240)}${i}`) },
      ),
      'RequestEntityTooLarge',
      413,
      /at most 1572864 are stored/,
    ],
  ] as const)('refuses what is %s', async (_, namespace, given, reason, status, message) => {
    await using registry = await open()
    await registry.create(BROKER, 'default', object(BROKER, 'a'), BY)
    const error = await refusal(registry.create(BROKER, namespace, given, BY))
    expect(error.detail).toMatchObject({ reason, status })
    expect(error.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
  })

  test('says every cause at once, in Kubernetes’ words and with the values found', async () => {
    await using registry = await open()
    const spec = { delivery: { retry: -1, backoffDelay: 'soon' }, config: { apiVersion: 'v1', kind: 'ConfigMap' } }
    const error = await refusal(registry.create(BROKER, 'default', object(BROKER, 'x', { spec }), BY))
    expect(error.detail).toMatchObject({
      reason: 'Invalid',
      status: 422,
      details: { group: 'eventing.knative.dev', kind: 'Broker', name: 'x' },
    })
    expect(error.detail.details?.causes).toEqual(
      expect.arrayContaining([
        { reason: 'FieldValueRequired', field: 'spec.config.name', message: 'Required value: is required' },
        {
          reason: 'FieldValueInvalid',
          field: 'spec.delivery.retry',
          message: expect.stringMatching(/^Invalid value: -1: /),
        },
        {
          reason: 'FieldValueInvalid',
          field: 'spec.delivery.backoffDelay',
          message: expect.stringMatching(/^Invalid value: "soon": /),
        },
      ]),
    )
    expect(error.message).toMatch(/^Broker\.eventing\.knative\.dev "x" is invalid: \[spec\.\S+: .*, spec\.\S+: .*\]$/)
  })

  test('shows neither the password in a URL nor what is in a Secret', async () => {
    await using registry = await open()
    const spec = { delivery: { deadLetterSink: { uri: 'http://me:hidden@host/' } } }
    const secret = servedAs('v1', 'Secret')
    const errors = await Promise.all([
      refusal(registry.create(BROKER, 'default', object(BROKER, 'x', { spec }), BY)),
      refusal(registry.create(secret, 'default', object(secret, 'x', { data: { key: '*hidden*' } }), BY)),
    ])
    for (const error of errors) {
      expect(error.detail.reason).toBe('Invalid')
      expect(JSON.stringify([error.message, error.detail])).not.toMatch(/hidden/)
    }
  })

  test('an unknown field is refused under Strict, told under Warn, and goes under Ignore', async () => {
    await using registry = await open()
    const given = object(BROKER, 'x', { spec: { foo: 1, delivery: { bar: 2 } } })
    const error = await refusal(registry.create(BROKER, 'default', given, { ...BY, fieldValidation: 'Strict' }))
    expect(error.detail).toMatchObject({ reason: 'BadRequest', status: 400 })
    expect(error.message).toBe(
      'Broker in version "v1" cannot be handled as a Broker: strict decoding error: unknown field "spec.foo", unknown field "spec.delivery.bar"',
    )
    const dry = { ...BY, dryRun: true }
    const ignored = await registry.create(BROKER, 'default', given, { ...dry, fieldValidation: 'Ignore' })
    const { object: made, warnings } = await registry.create(BROKER, 'default', given, BY)
    expect([ignored.warnings, warnings]).toEqual([
      [],
      ['unknown field "spec.foo"', 'unknown field "spec.delivery.bar"'],
    ])
    expect(made.spec).toEqual({ delivery: {} })
  })

  test('dry-run does everything but the storing', async () => {
    await using registry = await open()
    const { resourceVersion } = registry.list(BROKER, {})
    const { object: made } = await registry.create(BROKER, 'default', object(BROKER, 'x'), { ...BY, dryRun: true })
    expect(made.metadata).toMatchObject({ name: 'x', generation: 1, uid: expect.any(String) })
    expect(registry.list(BROKER, {})).toEqual({ resourceVersion, items: [] })
    const error = await refusal(registry.create(BROKER, 'no', object(BROKER, 'x'), { ...BY, dryRun: true }))
    expect(error.detail.reason).toBe('NotFound')
  })

  test('default and knative-eventing are there from the start; a new namespace is Active and carries its name', async () => {
    await using registry = await open()
    const names = registry.list(NAMESPACE, {}).items.map(({ metadata }) => metadata.name)
    expect(names).toEqual(['default', 'knative-eventing'])
    const { object: made } = await registry.create(NAMESPACE, undefined, object(NAMESPACE, 'mine'), BY)
    expect(made).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'mine' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    })
    await registry.create(EVENT, 'mine', object(EVENT, 'x', { involvedObject: {} }), BY)
  })

  test('an object comes and goes in the version asked for', async () => {
    await using registry = await open()
    const spec = { type: 'order', source: '/shop', broker: 'default' }
    const { object: made } = await registry.create(OLD_EVENT_TYPE, 'default', object(OLD_EVENT_TYPE, 'x', { spec }), BY)
    expect(made).toMatchObject({ apiVersion: 'eventing.knative.dev/v1beta2', spec })
    const newest = registry.get(EVENT_TYPE, at('x'))
    expect(newest).toMatchObject({ apiVersion: 'eventing.knative.dev/v1beta3', metadata: { uid: made.metadata.uid } })
    const [listed] = registry.list(OLD_EVENT_TYPE, {}).items
    expect(listed).toEqual(made)
  })

  test('definitions of our kinds are there to be read only', async () => {
    await using registry = await open()
    const { items } = registry.list(DEFINITION, {})
    expect(items.map(({ metadata }) => metadata.name)).toContain('brokers.eventing.knative.dev')
    expect(items[0]).toMatchObject({ metadata: { uid: expect.any(String), resourceVersion: '1' } })
    const kafka = items.find(({ metadata }) => metadata.name === 'kafkasources.sources.knative.dev')
    const { versions } = (kafka?.spec ?? {}) as { versions: readonly { subresources: object }[] }
    // a cluster has `scale`, which is not served here
    expect(versions.map(({ subresources }) => subresources)).toEqual([{ status: {} }, { status: {} }])
    const error = await refusal(registry.create(DEFINITION, undefined, object(DEFINITION, 'x'), BY))
    expect(error.detail).toMatchObject({ reason: 'MethodNotAllowed', status: 405 })
  })

  test('what it hands out can not be changed', async () => {
    await using registry = await open()
    const { object: made } = await registry.create(BROKER, 'default', object(BROKER, 'x'), BY)
    expect(() => Object.assign(made.metadata, { name: 'y' })).toThrow(/read only/)
  })
})
