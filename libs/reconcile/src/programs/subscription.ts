import type { ApiObject } from '@sluice/resources/api'
import { deliverySpec, triggerSettings } from '@sluice/resources/settings'
import type { Program, Reconciled } from '../runtime/program.ts'
import { type Condition, isFalse, isTrue, isUnknown, outcome } from './conditions.ts'
import { type Context, createOwners, deadLetterSink, inForce, resolvedFields, sinkOf, watchesOf } from './context.ts'
import { type Destination, type Reference, refsOf } from './destination.ts'
import { type Fields, keyOf, refOf, specOf, statusFieldsOf, uidOf } from './objects.ts'
import { createReferences } from './references.ts'
import { logBehind } from './subscribers.ts'

/** Subscriptions: a route without filter and a queue each. Source: knative/eventing pkg/reconciler/subscription/subscription.go. */
export function subscriptionProgram(
  context: Context,
  behind: (channel: { namespace?: string; name: string }) => string | undefined,
  referable: readonly string[],
): Program {
  const references = createReferences()
  const owners = createOwners(context)
  return {
    kind: context.kinds('Subscription'),
    watches: watchesOf(context, references, referable),
    listen: owners.listenTo(references, 'log'),
    async reconcile(key, object) {
      await context.ready
      owners.note(key, object)
      if (object === undefined) {
        references.set(key, [])
        return {}
      }
      const given = givenOf(context, object, behind)
      const { namespace, channel, log } = given
      references.set(key, [
        refOf(channel.kind, { namespace, name: channel.name }),
        ...(log ? [refOf(log.kind, keyOf(log)), `log ${uidOf(log)}`] : []),
        ...(replyLogOf(context, given) ?? []),
        ...[given.subscriber, given.reply, given.sink].flatMap((each) => refsOf(each, namespace)),
      ])
      return reconcileSubscription(context, object, given)
    },
  }
}

/** The Broker or channel whose log takes replies, so that its coming is heard of. */
function replyLogOf({ resolver }: Context, { reply, namespace }: Given): string[] | undefined {
  const resolved = reply && resolver.resolve(reply, namespace)
  return resolved && 'target' in resolved && resolved.log !== undefined ? [`log ${resolved.log}`] : undefined
}

interface Given {
  readonly namespace: string
  readonly channel: Reference
  /** The channel that is a log. */
  readonly log: ApiObject | undefined
  readonly subscriber: Destination
  readonly reply: Destination | undefined
  readonly sink: Destination | undefined
  readonly delivery: Fields | undefined
  readonly channelDelivery: Fields | undefined
}

function givenOf(context: Context, subscription: ApiObject, behind: Parameters<typeof logBehind>[3]): Given {
  const spec = specOf(subscription) as {
    channel: Reference
    subscriber?: Destination
    reply?: Destination
    delivery?: Fields
  }
  const { namespace } = keyOf(subscription)
  const log = logBehind(context, spec.channel, namespace, behind)
  const channelDelivery = log && (specOf(log).delivery as Fields | undefined)
  return {
    ...{ namespace, channel: spec.channel, log, reply: spec.reply, delivery: spec.delivery, channelDelivery },
    subscriber: spec.subscriber ?? {},
    sink: sinkOf(spec.delivery) ?? sinkOf(channelDelivery),
  }
}

/** What cannot be resolved keeps its last good rows if it has any, and says so. */
function reconcileSubscription(context: Context, subscription: ApiObject, given: Given): Reconciled {
  const { ledger, resolver, clock } = context
  const { namespace, log } = given
  const { name } = keyOf(subscription)
  const uid = uidOf(subscription)
  const row = log && ledger.rows(uidOf(log)).log
  const subscriber = resolver.resolve(given.subscriber, namespace)
  const reply = given.reply && resolver.resolve(given.reply, namespace)
  const sink = deadLetterSink(context, given.sink, namespace)
  const spec = deliverySpec(given.delivery, given.channelDelivery)
  const settings = triggerSettings({})
  const isReplyGood = reply === undefined || 'target' in reply
  const isGood = 'target' in subscriber && isReplyGood && sink.condition.status === 'True' && 'value' in spec
  const isLastGood = row !== undefined && ledger.rows(uid).route?.log === row.uid
  if (row === undefined || (!isGood && !isLastGood)) ledger.put(uid, {})
  else if (isGood && 'value' in settings) {
    // until its log is there, a reply goes to the address and is refused, which is tried again
    const replyLog = reply?.log !== undefined && ledger.rows(reply.log).log !== undefined ? reply.log : undefined
    ledger.put(uid, {
      route: { uid, namespace, name, log: row.uid, filter: {}, delivery: uid },
      delivery: {
        ...{ uid, namespace, name, channel: row.queues, subscriber: subscriber.target },
        ...(replyLog !== undefined ? { replyLog } : reply && { reply: reply.target }),
        ...(sink.resolved && { deadLetterSink: sink.resolved.target }),
        ...{ spec: spec.value, ...settings.value, backlogMaxBytes: context.backlogMaxBytes },
      },
      ...(reply && { replyAddress: reply.target }),
    })
  }
  const isProgrammed = ledger.rows(uid).route !== undefined
  const force = inForce(context, subscription, { ChannelReady: '' })
  const waits = isUnknown('AddedToChannel', 'NotAdded', 'waits for its references')
  return outcome(subscription, {
    clock,
    againInMs: isProgrammed ? force.againInMs : undefined,
    conditions: [
      referencesResolved(context, given, { subscriber, reply, sink: sink.condition, spec }),
      isProgrammed ? isTrue('AddedToChannel') : waits,
      isProgrammed
        ? (force.conditions[0] as Condition)
        : isUnknown('ChannelReady', 'SubscriptionNotMarkedReadyByChannel', 'is not served yet'),
      isTrue('OIDCIdentityCreated', 'authentication-oidc feature disabled'),
    ],
    status: {
      physicalSubscription: {
        ...resolvedFields('subscriber', subscriber),
        ...resolvedFields('reply', reply),
        ...resolvedFields('deadLetterSink', sink.resolved),
      },
      ...('value' in spec && { annotations: { 'sluice.dev/delivery': JSON.stringify(spec.value) } }),
    },
  })
}

interface Found {
  readonly subscriber: ReturnType<Context['resolver']['resolve']>
  readonly reply: ReturnType<Context['resolver']['resolve']> | undefined
  readonly sink: Condition
  readonly spec: ReturnType<typeof deliverySpec>
}

function referencesResolved(context: Context, { channel, log, namespace }: Given, found: Found): Condition {
  const type = 'ReferencesResolved'
  const named = context.resolver.object(channel, namespace)
  const called = `${channel.kind} ${namespace}/${channel.name}`
  const failed = (reason: string, message: string) => isFalse(type, reason, message)
  if (context.table.ofKind(channel.apiVersion, channel.kind) === undefined)
    return failed(
      'ChannelReferenceFailed',
      `spec.channel: ${channel.kind} of ${channel.apiVersion} is not a channel here`,
    )
  if (named === undefined) return failed('ChannelReferenceFailed', `spec.channel: ${called} does not exist`)
  if (log === undefined) return failed('ChannelReferenceFailed', `spec.channel: ${called} has no channel behind it yet`)
  if (context.ledger.rows(uidOf(log)).log === undefined) {
    const ready = ((statusFieldsOf(log).conditions ?? []) as readonly Condition[]).find((each) => each.type === 'Ready')
    return failed(
      'ChannelNotReady',
      `spec.channel: ${called} is not ready: ${ready?.message ?? 'was not looked at yet'}`,
    )
  }
  const { subscriber, reply, sink, spec } = found
  if ('reason' in subscriber) return failed('SubscriberResolveFailed', `spec.subscriber: ${subscriber.message}`)
  if (reply !== undefined && 'reason' in reply) return failed('ReplyResolveFailed', `spec.reply: ${reply.message}`)
  if (sink.status !== 'True') return failed('DeadLetterSinkResolveFailed', sink.message ?? '')
  if ('problem' in spec) return failed('DeliveryInvalid', `spec.${spec.problem}`)
  return isTrue(type)
}
