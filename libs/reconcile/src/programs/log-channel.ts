import { parseDuration } from '@sluice/resources'
import { type ApiObject, isSame } from '@sluice/resources/api'
import { deliverySpec } from '@sluice/resources/settings'
import type { ObjectEvent, Program, Reconciled } from '../runtime/program.ts'
import { running } from './broker-config.ts'
import { type Condition, isFalse, isTrue, outcome } from './conditions.ts'
import { type Context, createOwners, deadLetterSink, inForce, resolvedFields, sinkOf, watchesOf } from './context.ts'
import { refsOf } from './destination.ts'
import { LOG_CHANNELS, pathOf } from './kinds.ts'
import { hostOf, logRows } from './log.ts'
import { type Fields, keyOf, refOf, specOf, uidOf } from './objects.ts'
import { createReferences } from './references.ts'
import { type Subscribers, subscribersOf } from './subscribers.ts'

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
      ...watchesOf(context, references, referable),
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

function reconcileChannel(context: Context, channel: ApiObject, subscribers: readonly Fields[]): Reconciled {
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
          : undefined
  const isProgrammed = former !== undefined || (problem === undefined && sink.condition.status === 'True')
  if (isProgrammed && 'lanes' in shape) {
    const name = former === undefined ? ('name' in driver ? driver.name : undefined) : former.driver
    const lanes = former?.lanes ?? shape.lanes
    const { retention } = shape
    ledger.put(
      uid,
      logRows(
        channel.kind,
        place,
        {
          ...{ uid, kind: 'channel', lanes, orderKey: 'partitionkey', retention },
          ...(name !== undefined && { driver: name }),
        },
        !isHostTaken(context, channel),
      ),
    )
  }
  const force = inForce(context, channel, { [types.ingress]: 'ingress', [types.dispatcher]: 'dispatcher' })
  const url = new URL(pathOf(channel.kind, place), addresses.external())
  const noAddress = problem === undefined ? 'waits for its dead letter sink' : `waits: ${problem.message}`
  return outcome(channel, {
    clock,
    againInMs: isProgrammed ? force.againInMs : undefined,
    conditions: [
      problem ?? isTrue(types.log),
      sink.condition,
      isProgrammed ? isTrue('Addressable') : isFalse('Addressable', 'NoAddress', noAddress),
      ...(isProgrammed ? force.conditions : []),
      ...(channel.kind === 'KafkaChannel' ? [isTrue('ConfigParsed'), isTrue('ConfigMapUpdated')] : []),
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
  if (channel.kind !== 'KafkaChannel') return { lanes: DEFAULT_LANES, retention }
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
  if (channel.kind === 'KafkaChannel' && Number(spec.replicationFactor ?? 1) > 1) fields.push('replicationFactor')
  if (fields.length === 0) return []
  const message = `without effect, the driver of this installation has its own: ${fields.map((field) => `spec.${field}`).join(', ')}`
  return [{ type: 'Warning', reason: 'SettingsWithoutEffect', message }]
}
