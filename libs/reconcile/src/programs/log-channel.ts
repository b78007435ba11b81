import { parseDuration } from '@sluice/resources'
import { type ApiObject, isSame } from '@sluice/resources/api'
import { deliverySpec } from '@sluice/resources/settings'
import type { ObjectEvent, Program, Reconciled } from '../runtime/program.ts'
import { channelTopic, checked, wishes } from './backend.ts'
import { running } from './broker-config.ts'
import { type Condition, isFalse, isTrue, outcome } from './conditions.ts'
import { type Context, createOwners, deadLetterSink, inForce, resolvedFields, sinkOf, watchesOf } from './context.ts'
import { refsOf } from './destination.ts'
import { kafkaSettings } from './kafka-config.ts'
import { LOG_CHANNELS, pathOf } from './kinds.ts'
import { hostOf, logRows } from './log.ts'
import { type Fields, keyOf, refOf, specOf, uidOf } from './objects.ts'
import { createReferences } from './references.ts'
import { dataOf } from './settings.ts'
import { type Subscribers, subscribersOf } from './subscribers.ts'

const KAFKA = 'KafkaChannel'
const DEFAULT_LANES = 8
const MAX_LANES = 64

/** Condition types of each kind, as kn and users wait for them: of the log, of who takes events, of who sends them on. */
const TYPES: Readonly<Record<string, { readonly log: string; readonly ingress: string; readonly dispatcher: string }>> =
  {
    InMemoryChannel: { log: 'ChannelServiceReady', ingress: 'ServiceReady', dispatcher: 'EndpointsReady' },
    KafkaChannel: { log: 'TopicReady', ingress: 'ProbeSucceeded', dispatcher: 'Subscribers' },
    NatsJetStreamChannel: { log: 'StreamReady', ingress: 'ServiceReady', dispatcher: 'DispatcherReady' },
  }

/** Fields that say how a channel is made where every channel has an installation of its own. */
const WITHOUT_EFFECT: Readonly<Record<string, readonly string[]>> = {
  NatsJetStreamChannel: ['stream', 'consumerConfigTemplate', 'deploymentSpecTemplate'],
}

/**
 * Channels that are logs themselves: one program per kind. Its subscribers are written into spec and status, so that
 * tools see them; the data plane reads rows.
 */
export function logChannelProgram(
  context: Context,
  kind: string,
  subscribers: Subscribers,
  referable: readonly string[],
): Program {
  const references = createReferences()
  const owners = createOwners(context)
  return {
    kind: context.kinds(kind),
    watches: [
      ...watchesOf(context, references, kind === KAFKA ? [...referable, 'ConfigMap'] : referable),
      { kind: context.kinds('Subscription'), concerns: (change) => subscribers.channelsOf(change, kind) },
    ],
    listen: owners.listenTo(references, 'subscription'),
    async reconcile(key, object) {
      await context.ready
      owners.note(key, object)
      if (object === undefined) {
        references.set(key, [])
        return {}
      }
      const { namespace, name } = keyOf(object)
      const { delivery } = specOf(object) as { delivery?: Fields }
      const subscriptions = subscribers.of(object)
      references.set(key, [
        ...refsOf(sinkOf(delivery), namespace),
        ...(kind === KAFKA ? [refOf('ConfigMap', channelConfig(context))] : []),
        ...['Channel', ...Object.keys(LOG_CHANNELS)].map((each) => refOf(each, { namespace, name })),
        ...subscriptions.map((each) => `subscription ${uidOf(each)}`),
      ])
      const listed = subscribersOf(context, subscriptions)
      if (!isSame(listed.spec, specOf(object).subscribers ?? [])) {
        await context.client.update(context.kinds(kind), withSubscribers(object, listed.spec))
        // its change brings this object back
        return {}
      }
      return reconcileChannel(context, object, listed.status)
    },
  }
}

function withSubscribers(object: ApiObject, subscribers: readonly Fields[]): ApiObject {
  const { subscribers: _, ...rest } = specOf(object)
  return { ...object, spec: subscribers.length === 0 ? rest : { ...rest, subscribers } }
}

async function reconcileChannel(
  context: Context,
  channel: ApiObject,
  subscribers: readonly Fields[],
): Promise<Reconciled> {
  const { ledger, addresses, clock } = context
  const place = keyOf(channel)
  const uid = uidOf(channel)
  const spec = specOf(channel) as { delivery?: Fields }
  const former = ledger.rows(uid).log
  const sink = deadLetterSink(context, sinkOf(spec.delivery), place.namespace)
  const types = TYPES[channel.kind] as NonNullable<(typeof TYPES)[string]>
  const driver = running(context, LOG_CHANNELS[channel.kind]?.driver)
  const shape = shapeOf(context, channel)
  const delivery = deliverySpec(spec.delivery, undefined)
  const problem: Condition | undefined =
    'reason' in driver
      ? isFalse(types.log, driver.reason, driver.message)
      : 'problem' in shape
        ? isFalse(types.log, 'SpecInvalid', shape.problem)
        : 'problem' in delivery
          ? isFalse(types.log, 'DeliveryInvalid', `spec.${delivery.problem}`)
          : await connectionProblem(context, channel, types.log)
  const rows =
    'lanes' in shape ? rowsOf(context, channel, shape, 'name' in driver ? driver.name : undefined) : undefined
  const isNew = former === undefined && problem === undefined && sink.condition.status === 'True'
  const refused = isNew && rows?.log && (await checked(context, types.log, rows.log, ''))
  const isProgrammed = former !== undefined || (isNew && !refused)
  if (isProgrammed && rows) ledger.put(uid, rows)
  const force = inForce(context, channel, { [types.ingress]: 'ingress', [types.dispatcher]: 'dispatcher' })
  const url = new URL(pathOf(channel.kind, place), addresses.external())
  const own = refused ? refused.condition : problem
  const noAddress = own === undefined ? 'waits for its dead letter sink' : `waits: ${own.message}`
  return outcome(channel, {
    clock,
    againInMs: isProgrammed ? force.againInMs : refused ? refused.againInMs : undefined,
    conditions: [
      own ?? isTrue(types.log),
      sink.condition,
      isProgrammed ? isTrue('Addressable') : isFalse('Addressable', 'NoAddress', noAddress),
      ...(isProgrammed ? force.conditions : []),
      ...(channel.kind === KAFKA ? [isTrue('ConfigParsed'), isTrue('ConfigMapUpdated')] : []),
      isTrue('EventPoliciesReady', 'OIDCDisabled'),
    ],
    events: withoutEffect(channel),
    status: {
      ...(isProgrammed && { address: { name: url.protocol.slice(0, -1), url: url.href } }),
      ...resolvedFields('deadLetterSink', sink.resolved),
      ...(subscribers.length > 0 && { subscribers }),
    },
  })
}

function rowsOf(context: Context, channel: ApiObject, shape: Exclude<Shape, { problem: string }>, named?: string) {
  const place = keyOf(channel)
  const uid = uidOf(channel)
  const former = context.ledger.rows(uid).log
  const driver = former === undefined ? named : former.driver
  const { replicationFactor } = specOf(channel) as { replicationFactor?: number }
  const wished = channel.kind === KAFKA ? wishes(channelTopic(place), false, replicationFactor) : undefined
  const backend = former === undefined ? wished : former.backend
  return logRows(
    channel.kind,
    place,
    {
      ...{ uid, kind: 'channel', lanes: former?.lanes ?? shape.lanes, orderKey: 'partitionkey' },
      retention: shape.retention,
      ...(driver !== undefined && { driver }),
      ...(backend !== undefined && { backend }),
    },
    !isHostTaken(context, channel),
  )
}

/** Its ConfigMap names one cluster for all KafkaChannels. */
async function connectionProblem(context: Context, channel: ApiObject, type: string): Promise<Condition | undefined> {
  if (channel.kind !== KAFKA) return undefined
  const key = channelConfig(context)
  const found = context.informer('ConfigMap').get(key)
  if (found === undefined) return undefined
  const data = dataOf(found)
  const namespace = data['auth.secret.ref.namespace'] ?? key.namespace
  const read = await kafkaSettings(context, data, `ConfigMap ${key.namespace}/${key.name}`, namespace)
  return 'reason' in read ? isFalse(type, read.reason, read.message) : undefined
}

function channelConfig({ settings }: Context) {
  return { namespace: settings.namespace, name: 'kafka-channel-config' }
}

/** Channels of several kinds may share a name; the host of that name is that of the first. */
function isHostTaken({ informer, ledger }: Context, channel: ApiObject): boolean {
  const place = keyOf(channel)
  const others = Object.keys(LOG_CHANNELS).filter((kind) => kind !== channel.kind)
  const namesakes = others.flatMap((kind) => informer(kind).get(place) ?? [])
  return namesakes.some((each) => ledger.rows(uidOf(each)).ingress?.host === hostOf(place))
}

type Shape = { readonly lanes: number; readonly retention: Context['retention'] } | { readonly problem: string }

/** Partitions are lanes. Source: knative-extensions/eventing-kafka-broker kafka_channel_types.go. */
function shapeOf({ retention }: Context, channel: ApiObject): Shape {
  if (channel.kind !== KAFKA) return { lanes: DEFAULT_LANES, retention }
  const { numPartitions = 1, retentionDuration = 'PT168H' } = specOf(channel) as Readonly<Record<string, never>>
  if (numPartitions > MAX_LANES) return { problem: `spec.numPartitions must be at most ${MAX_LANES}` }
  const kept = parseDuration(retentionDuration)
  if ('problem' in kept) return { problem: `spec.retentionDuration ${kept.problem}` }
  return { lanes: numPartitions, retention: { ...retention, maxAgeMs: kept.ms } }
}

/** Said once per generation: what is taken and has no effect. */
function withoutEffect(channel: ApiObject): ObjectEvent[] {
  const { observedGeneration } = (channel.status ?? {}) as Fields
  if (observedGeneration === channel.metadata.generation) return []
  const spec = specOf(channel)
  const fields = (WITHOUT_EFFECT[channel.kind] ?? []).filter((field) => spec[field] !== undefined)
  if (fields.length === 0) return []
  const message = `without effect, the driver of this installation has its own: ${fields.map((field) => `spec.${field}`).join(', ')}`
  return [{ type: 'Warning', reason: 'SettingsWithoutEffect', message }]
}
