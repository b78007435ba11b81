import type { ApiObject } from '@sluice/resources/api'
import { brokerSettings, deliverySpec, triggerFilter, triggerSettings } from '@sluice/resources/settings'
import type { Program, Reconciled } from '../runtime/program.ts'
import { effectiveSpec } from './broker.ts'
import { type Condition, conditionOf, isFalse, isReady, isTrue, isUnknown, outcome } from './conditions.ts'
import {
  type Context,
  createOwners,
  deadLetterSink,
  inForce,
  isOurs,
  resolvedFields,
  sinkOf,
  watchesOf,
} from './context.ts'
import { DEPENDENCY, dependencyOf, dependencyReady } from './dependency.ts'
import { type Destination, refsOf } from './destination.ts'
import { BROKER } from './kinds.ts'
import { annotationsOf, type Fields, keyOf, refOf, specOf, uidOf } from './objects.ts'
import { createReferences } from './references.ts'

/** Triggers: a route and a queue each. Source: knative/eventing pkg/reconciler/broker/trigger/trigger.go. */
export function triggerProgram(context: Context, referable: readonly string[]): Program {
  const references = createReferences()
  const owners = createOwners(context)
  return {
    kind: context.kinds('Trigger'),
    watches: watchesOf(context, references, referable),
    listen: owners.listenTo(references, 'log'),
    async reconcile(key, object) {
      await context.ready
      owners.note(key, object)
      if (object === undefined) {
        references.set(key, [])
        return {}
      }
      const given = givenOf(context, object)
      const { namespace } = given
      const dependency = annotationsOf(object)[DEPENDENCY]
      references.set(key, [
        refOf(BROKER, { namespace, name: given.brokerName }),
        ...(given.broker ? [`log ${uidOf(given.broker)}`] : []),
        ...refsOf(given.subscriber, namespace),
        ...refsOf(given.sink, namespace),
        ...(dependency === undefined ? [] : refsOf({ ref: dependencyOf(dependency) }, namespace)),
      ])
      if (given.broker !== undefined && !isOurs(given.broker, context.settings)) {
        context.ledger.put(uidOf(object), {})
        return context.clusterDomain === undefined ? ofForeignBroker(context, object, given) : {}
      }
      return reconcileTrigger(context, object, given)
    },
  }
}

interface Given {
  readonly namespace: string
  readonly brokerName: string
  readonly broker: ApiObject | undefined
  readonly subscriber: Destination
  /** Its own, else its Broker's. */
  readonly sink: Destination | undefined
  readonly delivery: Fields | undefined
  readonly brokerDelivery: Fields | undefined
}

function givenOf(context: Context, trigger: ApiObject): Given {
  const spec = specOf(trigger) as {
    broker?: string
    brokerRef?: { name: string }
    subscriber?: Destination
    delivery?: Fields
  }
  const { namespace } = keyOf(trigger)
  const brokerName = spec.broker ?? spec.brokerRef?.name ?? ''
  const broker = context.informer(BROKER).get({ namespace, name: brokerName })
  const brokerDelivery = broker && effectiveSpec(context, broker).delivery
  return {
    ...{ namespace, brokerName, broker, brokerDelivery, delivery: spec.delivery },
    subscriber: spec.subscriber ?? {},
    sink: sinkOf(spec.delivery) ?? sinkOf(brokerDelivery),
  }
}

/** What cannot be resolved keeps its last good rows if it has any, and says so. */
function reconcileTrigger(context: Context, trigger: ApiObject, given: Given): Reconciled {
  const { ledger, clock, resolver } = context
  const { namespace, broker } = given
  const { name } = keyOf(trigger)
  const uid = uidOf(trigger)
  const log = broker && ledger.rows(uidOf(broker)).log
  const subscriber = resolver.resolve(given.subscriber, namespace)
  const sink = deadLetterSink(context, given.sink, namespace)
  const filter = triggerFilter(specOf(trigger))
  const settings = triggerSettings(annotationsOf(trigger))
  const spec = deliverySpec(given.delivery, given.brokerDelivery)
  const dependency = dependencyReady(context, annotationsOf(trigger)[DEPENDENCY], namespace)
  const last = ledger.rows(uid)
  const isLastGood = last.route !== undefined && last.route.log === log?.uid
  const isGood =
    'value' in filter &&
    'value' in settings &&
    'value' in spec &&
    'target' in subscriber &&
    sink.condition.status === 'True'
  if (log === undefined || (!isGood && !isLastGood)) ledger.put(uid, {})
  // a Trigger that waits for what it depends on takes nothing before
  else if (isGood && (dependency.status === 'True' || isLastGood)) {
    const { backlogMaxBytes: own, ...rest } = settings.value
    const backlogMaxBytes = own ?? backlogOf(broker) ?? context.backlogMaxBytes
    ledger.put(uid, {
      route: {
        uid,
        namespace,
        name,
        log: log.uid,
        filter: filter.value,
        delivery: uid,
        fromStart: isOlder(trigger, broker),
      },
      delivery: {
        ...{ uid, namespace, name, channel: log.queues, subscriber: subscriber.target, replyLog: log.uid },
        ...(sink.resolved && { deadLetterSink: sink.resolved.target }),
        ...{ spec: spec.value, ...rest, backlogMaxBytes },
      },
    })
  }
  const isProgrammed = ledger.rows(uid).route !== undefined
  const force = inForce(context, trigger, { SubscriptionReady: '' })
  const invalid = [
    ...('problem' in filter ? [isFalse('SubscriptionReady', 'FilterInvalid', filter.problem)] : []),
    ...('problem' in settings ? [isFalse('SubscriptionReady', 'AnnotationInvalid', settings.problem)] : []),
    ...('problem' in spec ? [isFalse('SubscriptionReady', 'DeliveryInvalid', `spec.${spec.problem}`)] : []),
  ][0]
  return outcome(trigger, {
    clock,
    againInMs: isProgrammed ? force.againInMs : undefined,
    conditions: [
      brokerReady(given, log !== undefined),
      'reason' in subscriber
        ? isFalse('SubscriberResolved', subscriber.reason, `spec.subscriber: ${subscriber.message}`)
        : isTrue('SubscriberResolved'),
      sink.condition,
      dependency,
      invalid ??
        (isProgrammed
          ? (force.conditions[0] as Condition)
          : isUnknown('SubscriptionReady', 'SubscriptionNotConfigured', 'nothing is subscribed yet')),
      isTrue('OIDCIdentityCreated', 'authentication-oidc feature disabled'),
    ],
    status: {
      ...resolvedFields('subscriber', subscriber),
      ...resolvedFields('deadLetterSink', sink.resolved),
      ...('value' in spec && { annotations: { 'sluice.dev/delivery': JSON.stringify(spec.value) } }),
    },
  })
}

function backlogOf(broker: ApiObject | undefined): number | undefined {
  const read = brokerSettings(broker === undefined ? {} : annotationsOf(broker))
  return 'value' in read ? read.value.backlogMaxBytes : undefined
}

/** It was there before its Broker, so it takes all its log holds. */
function isOlder(trigger: ApiObject, broker: ApiObject | undefined): boolean {
  const [mine, its] = [trigger, broker].map((each) => Date.parse(String(each?.metadata.creationTimestamp)))
  return mine !== undefined && its !== undefined && mine < its
}

function brokerReady({ broker, brokerName }: Given, hasLog: boolean): Condition {
  const type = 'BrokerReady'
  if (broker === undefined) return isFalse(type, 'BrokerDoesNotExist', `Broker "${brokerName}" does not exist`)
  const ready = conditionOf(broker, 'Ready')
  if (ready === undefined) return isUnknown(type, 'BrokerNotConfigured', `Broker "${brokerName}" was not looked at yet`)
  if (hasLog && isReady(broker)) return isTrue(type)
  if (ready.status === 'True')
    return isUnknown(type, 'BrokerNotConfigured', `Broker "${brokerName}" is being looked at`)
  const { status, reason = 'BrokerNotReady', message = '' } = ready
  return { type, status, reason, message: `Broker "${brokerName}": ${message}` }
}

function ofForeignBroker(context: Context, trigger: ApiObject, { brokerName }: Given): Reconciled {
  const message = `Broker "${brokerName}" is of a class that this installation does not have`
  return outcome(trigger, { clock: context.clock, conditions: [isFalse('BrokerReady', 'BrokerClassUnknown', message)] })
}
