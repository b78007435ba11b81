import { describe, expect, test } from '@jest/globals'
import { API_KINDS, type ApiObject, apiTable, crdOf, type Structural } from '../src/api/index.ts'
import { broker, CASES, inMemoryChannel, trigger } from './admission-cases.ts'
import { asACluster, isTrue } from './as-a-cluster.ts'
import { apiServerSource, gitHubSource, kafkaSource, pingSource } from './source-cases.ts'

const table = apiTable()
const served = ({ apiVersion, kind }: ApiObject) => {
  const found = table.ofKind(apiVersion, kind)
  if (found === undefined) throw new Error(`${kind} of ${apiVersion} is not in the table`)
  return found
}
/** As JSON carries it: what is undefined is absent. */
const sent = (object: ApiObject): ApiObject => JSON.parse(JSON.stringify(object))
const inShape = (object: ApiObject | undefined) => object && served(object).admit({ object: sent(object) }).object

describe('the API and a cluster with our CRDs say the same', () => {
  const rulesThatBit = new Set<string>()

  test.each(CASES.map((each) => [each.title, each] as const))('of %s', (_, { object, oldObject, verdict }) => {
    const { refused, rules } = asACluster(inShape(object), inShape(oldObject), served(object).structural)
    for (const rule of rules) rulesThatBit.add(rule)
    const { causes } = served(object).admit({ object: sent(object), ...(oldObject && { oldObject: sent(oldObject) }) })
    expect({ cluster: refused.length > 0, api: causes.length > 0, refused }).toEqual({
      cluster: verdict === 'both',
      api: verdict !== 'accepted',
      refused: expect.anything(),
    })
  })

  test('and no CEL rule of a CRD is left out', () => {
    const ours = API_KINDS.filter(({ owner }) => owner === 'sluice')
    const all = new Set(
      ours.flatMap((kind) => crdOf(kind).spec.versions).flatMap(({ schema }) => rulesOf(schema.openAPIV3Schema)),
    )
    expect(all.size).toBeGreaterThan(20)
    expect([...all].filter((rule) => !rulesThatBit.has(rule))).toEqual([NOT_IN_THE_TABLE])
  })
})

/** Subscribers come from the controller; users can't send them, so no case of a user shows it. */
const NOT_IN_THE_TABLE = 'has(self.subscriberUri) || has(self.replyUri)'

function rulesOf(schema: Structural): string[] {
  return [
    ...(schema['x-kubernetes-validations'] ?? []).map(({ rule }) => rule),
    ...Object.values(schema.properties ?? {}).flatMap(rulesOf),
    ...(schema.items ? rulesOf(schema.items) : []),
    ...(schema.additionalProperties ? rulesOf(schema.additionalProperties) : []),
  ]
}

test('a subscriber without any URI is refused by both', () => {
  const object = inMemoryChannel({ subscribers: [{ uid: 'a' }] })
  expect(asACluster(inShape(object), undefined, served(object).structural).rules).toEqual([NOT_IN_THE_TABLE])
  const { causes } = served(object).admit({ object, mayUpdate: () => true })
  expect(causes.map(({ field }) => field)).toEqual(['spec.subscribers[0]'])
})

describe('the API and a cluster with our policies say the same', () => {
  const CLASS = 'eventing.knative.dev/broker.class'
  const annotated = (make: typeof broker, annotations: object) => make({}, { annotations })
  const injected = (value: string, name: string) =>
    trigger({ broker: name }, { annotations: { 'eventing.knative.dev/injection': value } })
  const scoped = (scope: string) => inMemoryChannel({}, { annotations: { 'eventing.knative.dev/scope': scope } })
  const subscribed = (...uids: readonly string[]) =>
    inMemoryChannel({ subscribers: uids.map((uid) => ({ uid, subscriberUri: 'http://a/' })) })

  const values: readonly [typeof trigger, string, string, 'accepted' | 'both' | 'api'][] = [
    [broker, 'sluice.dev/lanes', '1', 'accepted'],
    [broker, 'sluice.dev/lanes', '64', 'accepted'],
    [broker, 'sluice.dev/lanes', '0', 'both'],
    [broker, 'sluice.dev/lanes', '65', 'both'],
    [broker, 'sluice.dev/lanes', '-1', 'both'],
    [broker, 'sluice.dev/lanes', '1.5', 'both'],
    [broker, 'sluice.dev/lanes', 'many', 'both'],
    [broker, 'sluice.dev/lanes', '', 'both'],
    [broker, 'sluice.dev/order-key', 'tenant', 'accepted'],
    [broker, 'sluice.dev/order-key', 'Tenant', 'both'],
    [broker, 'sluice.dev/backlog-max', '1.5G', 'accepted'],
    [broker, 'sluice.dev/backlog-max', '1GB', 'both'],
    [broker, 'sluice.dev/backlog-max', '0', 'both'],
    [broker, 'sluice.dev/backlog-max', '1.5', 'api'],
    [broker, 'sluice.dev/backlog-full', 'block', 'accepted'],
    [broker, 'sluice.dev/backlog-full', 'shed', 'both'],
    [broker, 'sluice.dev/dedup-window', 'PT1M', 'both'],
    [broker, 'sluice.dev/rate', '1', 'both'],
    [trigger, 'sluice.dev/rate', '0.001', 'accepted'],
    [trigger, 'sluice.dev/rate', '0', 'both'],
    [trigger, 'sluice.dev/rate', '1e3', 'both'],
    [trigger, 'sluice.dev/rate', '1000001', 'both'],
    [trigger, 'sluice.dev/suspend', 'true', 'accepted'],
    [trigger, 'sluice.dev/suspend', 'yes', 'both'],
    [trigger, 'sluice.dev/dedup-window', 'PT24H', 'accepted'],
    [trigger, 'sluice.dev/dedup-window', 'PT0S', 'both'],
    [trigger, 'sluice.dev/dedup-window', '5m', 'both'],
    [trigger, 'sluice.dev/dedup-window', 'PT25H', 'api'],
    [trigger, 'sluice.dev/order', 'lane', 'accepted'],
    [trigger, 'sluice.dev/order', 'keys', 'both'],
    [trigger, 'kafka.eventing.knative.dev/delivery.order', 'sorted', 'both'],
    [trigger, 'sluice.dev/lanes', '8', 'both'],
    [pingSource, 'sluice.dev/missed-ticks', 'once', 'accepted'],
    [pingSource, 'sluice.dev/missed-ticks', 'some', 'both'],
    [gitHubSource, 'sluice.dev/webhook', 'manual', 'accepted'],
    [gitHubSource, 'sluice.dev/allow-sha1', 'yes', 'both'],
    [gitHubSource, 'sluice.dev/event-format', 'github', 'both'],
    [apiServerSource, 'sluice.dev/initial-listing', 'add', 'accepted'],
    [apiServerSource, 'features.knative.dev/apiserversource-skip-permissions-check', 'maybe', 'both'],
    [kafkaSource, 'sluice.dev/missed-ticks', 'once', 'both'],
  ]
  const rows = values.map(([make, name, text, verdict]) => [name, text, make({}).kind, make, verdict] as const)
  test.each(rows)('of %s: %j on a %s', (name, text, _, make, verdict) => {
    expect(judged(make({}, { annotations: { [name]: text } }))).toEqual({
      ...{ cluster: verdict !== 'both', api: verdict === 'accepted' },
    })
  })

  test('of orders that agree or not', () => {
    const ordered = (own: string, kafka: string) =>
      judged(
        trigger({}, { annotations: { 'sluice.dev/order': own, 'kafka.eventing.knative.dev/delivery.order': kafka } }),
      )
    expect(ordered('none', 'unordered')).toEqual({ cluster: true, api: true })
    expect(ordered('lane', 'ordered')).toEqual({ cluster: true, api: true })
    expect(ordered('none', 'ordered')).toEqual({ cluster: false, api: false })
    expect(ordered('key', 'unordered')).toEqual({ cluster: false, api: false })
  })

  test.each<[string, ApiObject, ApiObject | undefined, boolean, boolean]>([
    ['a Broker without class', broker({}), undefined, false, true],
    ['an empty class', annotated(broker, { [CLASS]: '' }), undefined, false, false],
    ['a class that changes', annotated(broker, { [CLASS]: 'b' }), annotated(broker, { [CLASS]: 'a' }), false, false],
    ['a class that goes', broker({}), annotated(broker, { [CLASS]: 'a' }), false, false],
    ['a class that stays', annotated(broker, { [CLASS]: 'a' }), annotated(broker, { [CLASS]: 'a' }), false, true],
    ['a class that comes', annotated(broker, { [CLASS]: 'a' }), broker({}), false, false],
    ['no class that stays away', broker({}), broker({}), false, true],
    ['an injection', injected('enabled', 'default'), undefined, false, true],
    ['an injection of another Broker', injected('enabled', 'orders'), undefined, false, false],
    ['an injection of "maybe"', injected('maybe', 'default'), undefined, false, false],
    ['a scope', scoped('namespace'), undefined, false, true],
    ['an unknown scope', scoped('universe'), undefined, false, false],
    ['subscribers of a user', subscribed('a'), undefined, false, false],
    ['subscribers of the controller', subscribed('a'), undefined, true, true],
    ['subscribers that stay', subscribed('a'), subscribed('a'), false, true],
    ['subscribers that a user changes', subscribed('a'), subscribed('b'), false, false],
    ['subscribers that a user removes', inMemoryChannel({}), subscribed('a'), false, false],
    ['a channel that has none', inMemoryChannel({}), inMemoryChannel({}), false, true],
  ])('of %s', (_, object, oldObject, isAllowed, isAccepted) => {
    expect(judged(object, oldObject, isAllowed)).toEqual({ cluster: isAccepted, api: isAccepted })
  })
})

/** Whether the policies' CEL and the API take an object; the authorizer's answer is given. */
function judged(object: ApiObject, oldObject?: ApiObject, isAllowed = false) {
  const { kind, admit } = served(object)
  const annotationsOf = (of: ApiObject | undefined) => of?.metadata.annotations ?? {}
  const context = {
    ...{ object, oldObject: oldObject ?? null, isAllowed },
    ...{ annotations: annotationsOf(object), oldAnnotations: annotationsOf(oldObject) },
  }
  const rules = (kind.requestRules ?? []).flatMap(({ cel }) => cel ?? [])
  const cluster = rules.every((rule) => isTrue(rule.replace(/authorizer\..*\.allowed\(\)/, 'isAllowed'), context))
  const { causes } = admit({ object, mayUpdate: () => isAllowed, ...(oldObject && { oldObject }) })
  return { cluster, api: causes.length === 0 }
}
