import type { ApiObject } from '@sluice/resources/api'
import { brokerSettings, deliverySpec } from '@sluice/resources/settings'
import type { ObjectEvent, Program, Reconciled } from '../runtime/program.ts'
import { checked } from './backend.ts'
import { type BrokerConfig, configKey, configOf } from './broker-config.ts'
import { backendOf, retentionOf, TOPIC_FIX, topicProblem } from './broker-log.ts'
import { isFalse, isTrue, outcome } from './conditions.ts'
import {
  type Context,
  classOf,
  createOwners,
  deadLetterSink,
  inForce,
  resolvedFields,
  sinkOf,
  watchesOf,
} from './context.ts'
import { refsOf } from './destination.ts'
import { BROKER, BROKER_CLASSES, pathOf } from './kinds.ts'
import { logRows } from './log.ts'
import { annotationsOf, type Fields, keyOf, refOf, specOf, statusFieldsOf, uidOf } from './objects.ts'
import { createReferences } from './references.ts'

const DEFAULT_LANES = 8

/** Brokers: a log each, with an address. Source: knative/eventing pkg/apis/eventing/v1/broker_lifecycle.go. */
export function brokerProgram(context: Context, referable: readonly string[]): Program {
  const references = createReferences()
  const owners = createOwners(context)
  const { settings, ledger } = context
  return {
    kind: context.kinds(BROKER),
    watches: watchesOf(context, references, [...referable, 'ConfigMap']),
    listen: owners.listen,
    async reconcile(key, object) {
      await context.ready
      owners.note(key, object)
      if (object === undefined) {
        references.set(key, [])
        return {}
      }
      const { namespace } = keyOf(object)
      const given = effectiveSpec(context, object)
      references.set(key, [
        refOf('ConfigMap', { namespace: settings.namespace, name: 'config-br-defaults' }),
        ...refsOf(sinkOf(given.delivery), namespace),
        ...(given.config ? [refOf('ConfigMap', configKey(given.config, namespace))] : []),
      ])
      if (!Object.hasOwn(BROKER_CLASSES, given.brokerClass) && ledger.rows(uidOf(object)).log === undefined)
        return foreign(context, object, given.brokerClass)
      return reconcileBroker(context, object, given)
    },
  }
}

interface Given {
  readonly brokerClass: string
  readonly delivery: Fields | undefined
  readonly config: Fields | undefined
}

/** With what config-br-defaults fills in; a Broker with any delivery spec has none of that. */
export function effectiveSpec({ settings }: Pick<Context, 'settings'>, broker: ApiObject): Given {
  const brokerClass = classOf(broker, settings)
  const fallback = settings.brokerDefault(keyOf(broker).namespace, brokerClass)
  const { delivery, config } = specOf(broker) as { delivery?: Fields; config?: Fields }
  return { brokerClass, delivery: delivery ?? fallback.delivery, config: config ?? fallback.config }
}

/** In a cluster another controller may know the class; without one nobody else does. */
function foreign(context: Context, broker: ApiObject, brokerClass: string): Reconciled {
  if (context.clusterDomain !== undefined) return {}
  const message = `"${brokerClass}" is not a class of this installation: use ${Object.keys(BROKER_CLASSES).join(', ')}`
  return outcome(broker, {
    clock: context.clock,
    conditions: [isFalse('Addressable', 'BrokerClassUnknown', message)],
  })
}

/**
 * A log is named by its Broker's uid: a Broker deleted and made again begins with an empty log. One whose dead letter
 * sink is missing from the start takes no events, as nobody could say where they may end.
 */
async function reconcileBroker(context: Context, broker: ApiObject, given: Given): Promise<Reconciled> {
  const { ledger, addresses, clock } = context
  const place = keyOf(broker)
  const uid = uidOf(broker)
  const former = ledger.rows(uid).log
  const sink = deadLetterSink(context, sinkOf(given.delivery), place.namespace)
  const read = brokerSettings(annotationsOf(broker))
  const config = await configOf(context, given.brokerClass, given.config, place.namespace)
  const spec = deliverySpec(given.delivery, undefined)
  const problem =
    'problem' in read
      ? isFalse('TriggerChannelReady', 'AnnotationInvalid', read.problem)
      : 'problem' in spec
        ? isFalse('TriggerChannelReady', 'DeliveryInvalid', `spec.${spec.problem}`)
        : 'reason' in config
          ? isFalse('TriggerChannelReady', config.reason, config.message)
          : topicProblem(context, former, read.value, config)
  const said = 'reason' in config ? undefined : config
  const settings = 'value' in read ? read.value : undefined
  const driver = former !== undefined ? former.driver : said?.driver
  const fallback = context.drivers.lanes?.(driver) ?? DEFAULT_LANES
  const wanted = settings?.lanes ?? said?.lanes ?? former?.lanes ?? fallback
  const lanes = former?.lanes ?? wanted
  const rows =
    settings &&
    logRows(BROKER, place, {
      ...{
        uid,
        kind: 'broker',
        lanes,
        orderKey: settings.orderKey,
        retention: retentionOf(context, former, said, lanes),
      },
      ...(driver !== undefined && { driver }),
      ...backendOf(context, place, { former, driver, topic: settings.externalTopic, replicas: said?.replicas }),
    })
  const isNew = former === undefined && problem === undefined && sink.condition.status === 'True'
  const refused = isNew && rows?.log && (await checked(context, 'TriggerChannelReady', rows.log, TOPIC_FIX))
  const isProgrammed = former !== undefined || (isNew && !refused)
  if (isProgrammed && rows) ledger.put(uid, rows)
  const force = inForce(context, broker, {
    IngressReady: 'ingress',
    FilterReady: 'filter',
    TriggerChannelReady: 'dispatcher',
  })
  const url = new URL(pathOf(BROKER, place), addresses.external())
  const lanesFixed =
    lanes === wanted || problem !== undefined
      ? undefined
      : isFalse('TriggerChannelReady', 'LanesFixed', `sluice.dev/lanes stays ${lanes} for the life of the Broker`)
  const own = (refused ? refused.condition : problem) ?? lanesFixed
  return outcome(broker, {
    clock,
    againInMs: isProgrammed ? force.againInMs : refused ? refused.againInMs : undefined,
    conditions: [
      ...(own ? [own] : []),
      sink.condition,
      isProgrammed ? isTrue('Addressable') : isFalse('Addressable', 'NoAddress', whyNoAddress(own?.message)),
      ...(isProgrammed ? force.conditions : []).filter(({ type }) => type !== own?.type),
      isTrue('EventPoliciesReady', 'OIDCDisabled'),
    ],
    events: withoutEffect(broker, config),
    status: {
      ...(isProgrammed && { address: { name: url.protocol.slice(0, -1), url: url.href } }),
      ...resolvedFields('deadLetterSink', sink.resolved),
      ...('value' in spec && { annotations: { 'sluice.dev/delivery': JSON.stringify(spec.value) } }),
    },
  })
}

function whyNoAddress(message: string | undefined): string {
  return message === undefined ? 'waits for its dead letter sink' : `waits: ${message}`
}

/** Said once per generation: what is taken and has no effect. */
function withoutEffect(broker: ApiObject, config: BrokerConfig): ObjectEvent[] {
  if ('reason' in config || config.without.length === 0) return []
  if (statusFieldsOf(broker).observedGeneration === broker.metadata.generation) return []
  const message = `without effect, the driver of this installation has its own: ${config.without.join(', ')}`
  return [{ type: 'Warning', reason: 'SettingsWithoutEffect', message }]
}
