import { describe, expect, test } from '@jest/globals'
import { apiTable } from '../src/api/index.ts'
import { broker, CASES, eventType, inMemoryChannel, kafkaChannel, trigger } from './admission-cases.ts'

const table = apiTable()
const admit = (input: Parameters<ReturnType<typeof served>['admit']>[0]) => served(input.object).admit(input)
function served({ apiVersion, kind }: { apiVersion: string; kind: string }) {
  const found = table.ofKind(apiVersion, kind)
  if (found === undefined) throw new Error(`${kind} of ${apiVersion} is not in the table`)
  return found
}
const fieldsOf = (input: Parameters<typeof admit>[0]) => admit(input).causes.map(({ field }) => field)

const judged = (id: string) =>
  CASES.filter(({ ids = '' }) => ids.includes(id)).map(({ title, ...rest }) => [title, rest] as const)

describe('the API takes and refuses', () => {
  const verdict = (_: string, { object, oldObject, fields }: Omit<(typeof CASES)[number], 'title'>) =>
    expect([...new Set(fieldsOf({ object, ...(oldObject && { oldObject }) }))]).toEqual(fields)

  test.each(judged('BRK-04'))('BRK-04: %s', verdict)
  test.each(judged('BRK-07'))('BRK-07: %s', verdict)
  test.each(judged('BRK-08'))('BRK-08: %s', verdict)
  test.each(judged('TRG-03'))('TRG-03: %s', verdict)
  test.each(judged('TRG-04'))('TRG-04: %s', verdict)
  test.each(judged('TRG-12'))('TRG-12: %s', verdict)
  test.each(judged('CHN-16'))('CHN-16: %s', verdict)
  test.each(judged('CHN-17'))('CHN-17: %s', verdict)
  test.each(judged('CHN-18'))('CHN-18: %s', verdict)
  test.each(judged('SUB-01'))('SUB-01: %s', verdict)
  test.each(judged('SUB-02'))('SUB-02: %s', verdict)
  test.each(judged('SUB-03'))('SUB-03: %s', verdict)
  test.each(judged('SRC-04'))('SRC-04: %s', verdict)
  test.each(judged('SRC-12'))('SRC-12: %s', verdict)
  test.each(CASES.filter(({ ids }) => !ids).map(({ title, ...rest }) => [title, rest] as const))('%s', verdict)
})

describe('annotations and who asks', () => {
  const CLASS = 'eventing.knative.dev/broker.class'
  const ofClass = (name?: string) => broker({}, name === undefined ? {} : { annotations: { [CLASS]: name } })

  test.each([
    ['another', 'Kafka', 'MTChannelBasedBroker', 'Immutable fields changed'],
    ['none', 'Kafka', undefined, 'Immutable fields changed'],
    ['an empty one', undefined, '', 'must not be empty'],
  ])('BRK-03: the class of a Broker does not become %s', (_, old, now, problem) => {
    const { causes } = admit({ object: ofClass(now), oldObject: ofClass(old) })
    expect(causes).toContainEqual({
      reason: 'FieldValueInvalid',
      field: `metadata.annotations["${CLASS}"]`,
      message: expect.stringContaining(problem),
    })
  })

  test('BRK-03: the class stays as it is, also where it is the default that nobody wrote down', () => {
    const field = `metadata.annotations["${CLASS}"]`
    expect(fieldsOf({ object: ofClass('Kafka'), oldObject: ofClass('Kafka') })).toEqual([])
    expect(fieldsOf({ object: ofClass(), oldObject: ofClass() })).toEqual([])
    expect(fieldsOf({ object: ofClass('Kafka'), oldObject: ofClass() })).toEqual([field])
  })

  const depending = (dependency: object | string) =>
    trigger(
      {},
      {
        annotations: {
          'knative.dev/dependency': typeof dependency === 'string' ? dependency : JSON.stringify(dependency),
        },
      },
    )
  const SOURCE = { apiVersion: 'sources.knative.dev/v1', kind: 'PingSource', name: 'p' }

  test.each([
    ['not JSON', 'nonsense', 'must be the JSON of an object reference'],
    ['a list', '[]', 'must be the JSON of an object reference'],
    ['of another namespace', { ...SOURCE, namespace: 'b' }, "must be of the Trigger's namespace"],
    ['without kind', { ...SOURCE, kind: undefined }, 'lacks kind'],
    ['without name', { ...SOURCE, name: '' }, 'lacks name'],
    ['without apiVersion and name', { kind: 'PingSource' }, 'lacks name, apiVersion'],
  ])('TRG-13: a dependency that is %s is refused', (_, dependency, message) => {
    expect(admit({ object: depending(dependency) }).causes).toEqual([
      { reason: 'FieldValueInvalid', field: 'metadata.annotations["knative.dev/dependency"]', message },
    ])
  })

  test('TRG-13: a dependency of the same namespace is taken', () => {
    expect(fieldsOf({ object: depending(SOURCE) })).toEqual([])
    expect(fieldsOf({ object: depending({ ...SOURCE, namespace: 'shop' }) })).toEqual([])
  })

  test('injection is enabled or disabled, for the Broker "default" alone', () => {
    const injected = (value: string, name: string) =>
      fieldsOf({ object: trigger({ broker: name }, { annotations: { 'eventing.knative.dev/injection': value } }) })
    expect(injected('enabled', 'default')).toEqual([])
    expect(injected('enabled', 'orders')).toHaveLength(1)
    expect(injected('yes', 'default')).toHaveLength(1)
  })

  test.each([
    [broker({}, { annotations: { 'sluice.dev/max-in-flight': '1' } }), 'max-in-flight', 'belongs on a Trigger'],
    [
      broker({}, { annotations: { 'sluice.dev/lane': '8' } }),
      'lane',
      'is not an annotation of this kind: did you mean "sluice.dev/lanes"?',
    ],
    [
      inMemoryChannel({}, { annotations: { 'sluice.dev/lane': '8' } }),
      'lane',
      'is not an annotation of this kind: remove it',
    ],
  ])('an annotation of ours on the wrong kind is refused by name, in its place', (object, name, message) => {
    expect(admit({ object }).causes).toEqual([
      { reason: 'FieldValueInvalid', field: `metadata.annotations["sluice.dev/${name}"]`, message },
    ])
  })

  test("annotations of Knative's and of others are left alone", () => {
    const annotations = { 'messaging.knative.dev/subscribable': 'v1', 'example.org/a': '', 'sluice.devoted/to': 'x' }
    expect(fieldsOf({ object: inMemoryChannel({}, { annotations }) })).toEqual([])
  })

  test.each([inMemoryChannel, kafkaChannel])('subscribers are written by who may, and kept by everybody', (make) => {
    const subscribed = make({ subscribers: [{ uid: 'a', subscriberUri: 'http://a/' }] })
    const mayUpdate = (subresource: string) => subresource === 'subscribers'
    expect(fieldsOf({ object: subscribed })).toEqual(['spec.subscribers'])
    expect(fieldsOf({ object: subscribed, mayUpdate })).toEqual([])
    expect(fieldsOf({ object: subscribed, oldObject: subscribed })).toEqual([])
    expect(fieldsOf({ object: make({}), oldObject: subscribed })).toEqual(['spec.subscribers'])
  })
})

describe('the shape of an object', () => {
  test('TRG-10: a Trigger without filter has an empty one', () => {
    expect(admit({ object: trigger({}) }).object.spec).toMatchObject({ filter: {} })
  })

  test('a KafkaChannel has its defaults, also where spec is absent', () => {
    expect(admit({ object: kafkaChannel(undefined) }).object.spec).toEqual({
      ...{ numPartitions: 1, replicationFactor: 1, retentionDuration: 'PT168H' },
    })
  })

  test('unknown fields are named and pruned, at every level; free-form ones are kept', () => {
    const object = {
      ...trigger({ subcriber: 1, delivery: { retries: 2, retry: 1 }, filters: [{ all: [{ exact: { a: 'b' } }] }] }),
      extra: true,
    }
    const admission = admit({ object })
    expect(admission.unknownFields).toEqual(['spec.subcriber', 'spec.delivery.retries', 'extra'])
    const { object: named, unknownFields } = admit({ object: trigger({}, { labls: {}, creationTimestamp: null }) })
    expect(unknownFields).toEqual(['metadata.labls'])
    expect(named.metadata).toEqual({ name: 'x', namespace: 'shop' })
    expect(admission.object.spec).toMatchObject({ delivery: { retry: 1 }, filters: [{ all: [{ exact: { a: 'b' } }] }] })
    expect(admission.object).not.toHaveProperty('extra')
    expect(admission.causes).toEqual([])
  })

  test('null is refused as in a CRD, absent where there is a default, and absent in kinds of Kubernetes', () => {
    expect(fieldsOf({ object: trigger({ delivery: null, filter: null }) })).toEqual(['spec.delivery'])
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', creationTimestamp: null }, data: null }
    expect(fieldsOf({ object })).toEqual([])
  })

  test('the input is not changed', () => {
    const object = kafkaChannel(undefined)
    const before = structuredClone(object)
    admit({ object, oldObject: object })
    expect(object).toEqual(before)
  })
})

describe('metadata', () => {
  test.each([
    [{ name: 'T' }, 'metadata.name'],
    [{ name: undefined }, 'metadata.name'],
    [{ namespace: 'a.b' }, 'metadata.namespace'],
    [{ labels: { a: 'b c' } }, 'metadata.labels.a'],
    [{ labels: { 'a b': 'c' } }, 'metadata.labels["a b"]'],
    [{ annotations: { a: 1 } }, 'metadata.annotations.a'],
    [{ ownerReferences: [{ kind: 'Broker', name: 'b', uid: 'u' }] }, 'metadata.ownerReferences[0].apiVersion'],
  ])('%j is refused', (metadata, field) => {
    expect(fieldsOf({ object: trigger({}, metadata) })).toEqual([field])
  })
})

test('annotations beyond 256 KiB are refused', () => {
  const annotations = { a: 'x'.repeat(262_144) }
  expect(fieldsOf({ object: trigger({}, { annotations }) })).toEqual(['metadata.annotations'])
})

describe('kinds of Kubernetes', () => {
  const secret = (fields: object) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, ...fields })
  const configMap = (fields: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, ...fields })

  test('more than 1 MiB of data is refused', () => {
    expect(fieldsOf({ object: configMap({ data: { a: 'x'.repeat(2 ** 20 + 1) } }) })).toEqual(['data'])
  })

  test("a Secret's stringData becomes data", () => {
    const { object, causes } = admit({ object: secret({ data: { a: 'YQ==' }, stringData: { b: 'ü' } }) })
    expect(causes).toEqual([])
    expect(object).toEqual({ ...secret({}), type: 'Opaque', data: { a: 'YQ==', b: 'w7w=' } })
  })

  test('a problem of a Secret does not show what it holds', () => {
    const { causes } = admit({ object: secret({ data: { a: 'hunter2!' } }) })
    expect(causes).toEqual([{ reason: 'FieldValueInvalid', field: 'data.a', message: 'must be base64' }])
  })

  test.each([
    [configMap({ data: { 'a b': '' } }), undefined, 'data["a b"]'],
    [configMap({ data: { a: '' }, binaryData: { a: '' } }), undefined, 'binaryData'],
    [configMap({ data: { a: '2' } }), configMap({ data: { a: '1' }, immutable: true }), 'immutable'],
    [secret({ type: 'b' }), secret({ type: 'a' }), 'type'],
    [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a.b' } }, undefined, 'metadata.name'],
    [
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', annotations: { 'sluice.dev/url': 'x' } } },
      undefined,
      'metadata.annotations["sluice.dev/url"]',
    ],
  ])('%j after %j is refused', (object, oldObject, field) => {
    expect(fieldsOf({ object, ...(oldObject && { oldObject }) })).toEqual([field])
  })

  test('an Event and a Service as clusters have them are taken', () => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } }
    expect(admit({ object: service }).object).toEqual(service)
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject: { name: 'b' },
      type: 'Warning',
    }
    expect(admit({ object: event }).causes).toEqual([])
  })
})

describe('EventType in its versions', () => {
  const { kind } = served({ apiVersion: 'eventing.knative.dev/v1beta3', kind: 'EventType' })
  const older = {
    apiVersion: 'eventing.knative.dev/v1beta2',
    kind: 'EventType',
    metadata: { name: 'x', annotations: { a: 'b' } },
    spec: { type: 't', source: '/s', schema: 'http://s/', schemaData: '{}', broker: 'b', description: 'd' },
  }

  test('the older shape comes back as it was, though the newest has no place for some of it', () => {
    const newest = kind.convert?.(older, 'v1beta3') ?? older
    expect(newest.spec).toEqual({
      reference: { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: 'b' },
      description: 'd',
      attributes: [
        { name: 'type', required: true, value: 't' },
        { name: 'source', required: true, value: '/s' },
        { name: 'specversion', required: true },
        { name: 'id', required: true },
        { name: 'schemadata', required: false, value: 'http://s/' },
      ],
    })
    expect(fieldsOf({ object: newest })).toEqual([])
    const back = kind.convert?.(newest, 'v1beta2')
    expect(back).toMatchObject({ spec: older.spec, apiVersion: older.apiVersion })
  })

  test.each(['nonsense', '[]', '{"attributes":7}', '{"schemaData":7}'])(
    'an annotation of conversion that says %s is refused, and converts all the same',
    (text) => {
      const object = { ...older, metadata: { name: 'x', annotations: { 'sluice.dev/event-type': text } } }
      expect(fieldsOf({ object })).toEqual(['metadata.annotations["sluice.dev/event-type"]'])
      expect(kind.convert?.(object, 'v1beta3')).toMatchObject({ spec: { description: 'd' } })
    },
  )

  test('attributes that the older shape has no field for survive an update through it', () => {
    const attributes = [
      { name: 'type', required: true, value: 'a' },
      { name: 'source', required: true, value: '/{any}' },
      { name: 'specversion', required: true, value: '1.0' },
      { name: 'id', required: true },
      { name: 'tenant', required: false, value: 'x' },
    ]
    const before = kind.convert?.(eventType({ attributes }), 'v1beta1')
    expect(before).toMatchObject({ apiVersion: 'eventing.knative.dev/v1beta1', spec: { type: 'a', source: '/{any}' } })
    const after = kind.convert?.({ ...before, spec: { ...(before?.spec as object), type: 'b' } } as never, 'v1beta3')
    expect(after?.spec).toEqual({
      attributes: attributes.map((each) => (each.name === 'type' ? { ...each, value: 'b' } : each)),
    })
  })
})
