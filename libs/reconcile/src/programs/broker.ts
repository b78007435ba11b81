import type { LogRow } from '@sluice/contract'
import type { ApiObject } from '@sluice/resources/api'
import { brokerSettings, deliverySpec, readChannelTemplate } from '@sluice/resources/settings'
import type { Program, Reconciled } from '../runtime/program.ts'
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
import { BROKER, BROKER_CLASSES, LOG_CHANNELS, pathOf } from './kinds.ts'
import { logRows } from './log.ts'
import { annotationsOf, type Fields, keyOf, refOf, specOf, uidOf } from './objects.ts'
import { createReferences } from './references.ts'
import { dataOf } from './settings.ts'

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

function configKey(config: Fields, namespace: string) {
  return { namespace: String(config.namespace ?? namespace), name: String(config.name) }
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
function reconcileBroker(context: Context, broker: ApiObject, given: Given): Reconciled {
  const { ledger, addresses, clock } = context
  const place = keyOf(broker)
  const uid = uidOf(broker)
  const former = ledger.rows(uid).log
  const sink = deadLetterSink(context, sinkOf(given.delivery), place.namespace)
  const read = brokerSettings(annotationsOf(broker))
  const driver = driverOf(context, given, place.namespace)
  const spec = deliverySpec(given.delivery, undefined)
  const problem =
    'problem' in read
      ? isFalse('TriggerChannelReady', 'AnnotationInvalid', read.problem)
      : 'problem' in spec
        ? isFalse('TriggerChannelReady', 'DeliveryInvalid', `spec.${spec.problem}`)
        : 'reason' in driver
          ? isFalse('TriggerChannelReady', driver.reason, driver.message)
          : undefined
  const wanted = 'value' in read ? (read.value.lanes ?? DEFAULT_LANES) : DEFAULT_LANES
  const lanes = former?.lanes ?? wanted
  const isProgrammed = former !== undefined || (problem === undefined && sink.condition.status === 'True')
  if (isProgrammed && 'value' in read) {
    const fresh: Pick<LogRow, 'driver'> =
      former !== undefined ? former : 'reason' in driver || driver.name === undefined ? {} : { driver: driver.name }
    ledger.put(
      uid,
      logRows(BROKER, place, {
        ...{ uid, kind: 'broker', lanes, orderKey: read.value.orderKey, retention: context.retention },
        ...(fresh.driver !== undefined && { driver: fresh.driver }),
      }),
    )
  }
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
  const own = problem ?? lanesFixed
  return outcome(broker, {
    clock,
    againInMs: isProgrammed ? force.againInMs : undefined,
    conditions: [
      ...(own ? [own] : []),
      sink.condition,
      isProgrammed ? isTrue('Addressable') : isFalse('Addressable', 'NoAddress', whyNoAddress(own?.message)),
      ...(isProgrammed ? force.conditions : []).filter(({ type }) => type !== own?.type),
      isTrue('EventPoliciesReady', 'OIDCDisabled'),
    ],
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

type DriverOf = { readonly name?: string } | { readonly reason: string; readonly message: string }

/** Which driver stores the log: what the class says, and for MTChannelBasedBroker its channel template. */
function driverOf(context: Context, { brokerClass, config }: Given, namespace: string): DriverOf {
  const byClass = BROKER_CLASSES[brokerClass] ?? {}
  const template = brokerClass === 'MTChannelBasedBroker' && config ? templateOf(context, config, namespace) : {}
  if ('reason' in template) return template
  return running(context, template.driver ?? byClass.driver)
}

export function running({ drivers }: Pick<Context, 'drivers'>, name: string | undefined): DriverOf {
  if (name === undefined || name === drivers.default) return {}
  if (drivers.has(name)) return { name }
  return { reason: 'DriverNotRunning', message: `this installation does not run ${name}: ${drivers.fix(name)}` }
}

function templateOf(context: Context, config: Fields, namespace: string) {
  const failed = (message: string) => ({ reason: 'ChannelTemplateFailed', message })
  if (config.kind !== 'ConfigMap') return failed(`spec.config must be a ConfigMap, found ${String(config.kind)}`)
  const key = configKey(config, namespace)
  const found = context.informer('ConfigMap').get(key)
  if (found === undefined) return failed(`ConfigMap ${key.namespace}/${key.name} does not exist`)
  const read = readChannelTemplate(dataOf(found))
  if ('problem' in read) return failed(`ConfigMap ${key.namespace}/${key.name} ${read.problem}`)
  if (!Object.hasOwn(LOG_CHANNELS, read.value.kind))
    return failed(
      `ConfigMap ${key.namespace}/${key.name}: ${read.value.kind} is not a channel of this installation: use ${Object.keys(LOG_CHANNELS).join(', ')}`,
    )
  return LOG_CHANNELS[read.value.kind] ?? {}
}
