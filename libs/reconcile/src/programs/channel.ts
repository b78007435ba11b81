import { isFailure } from '@sluice/errors'
import type { ApiObject } from '@sluice/resources/api'
import type { Program, Reconciled } from '../runtime/program.ts'
import { templateOf } from './channel-kind.ts'
import { type Condition, conditionOf, isFalse, isTrue, isUnknown, outcome } from './conditions.ts'
import { type Context, sinkOf, watchesOf } from './context.ts'
import { LOG_CHANNELS } from './kinds.ts'
import { type Fields, keyOf, ownerReference, refOf, specOf, statusFieldsOf } from './objects.ts'
import { createReferences } from './references.ts'

/** Channels: each makes one of the kind of its template, of its own name, and says what that one says. Source: knative/eventing pkg/reconciler/channel/channel.go. */
export function channelProgram(context: Context): Program {
  const references = createReferences()
  const { settings } = context
  return {
    kind: context.kinds('Channel'),
    watches: watchesOf(context, references, [...Object.keys(LOG_CHANNELS), 'ConfigMap']),
    async reconcile(key, object) {
      await context.ready
      if (object === undefined) {
        references.set(key, [])
        return {}
      }
      const place = keyOf(object)
      const template = templateOf(object, settings)
      references.set(key, [
        refOf(template.kind, place),
        refOf('ConfigMap', { namespace: settings.namespace, name: 'default-ch-webhook' }),
      ])
      const served = context.table.ofKind(template.apiVersion, template.kind)
      if (served === undefined || !Object.hasOwn(LOG_CHANNELS, template.kind)) {
        const known = Object.keys(LOG_CHANNELS).join(', ')
        const message = `spec.channelTemplate: ${template.kind} of ${template.apiVersion} is not a channel of this installation: use ${known}`
        return said(context, object, [isFalse('BackingChannelReady', 'ChannelKindUnknown', message)], undefined)
      }
      const backing = context.informer(template.kind).get(place)
      if (backing !== undefined) return copied(context, object, backing)
      if (object.metadata.deletionTimestamp !== undefined) return {}
      const problem = await create(context, object, template)
      const condition =
        problem === undefined
          ? isUnknown(
              'BackingChannelReady',
              'BackingChannelNotConfigured',
              `${template.kind} ${place.name} was just made`,
            )
          : isFalse('BackingChannelReady', 'ChannelRefused', problem)
      return said(context, object, [condition], undefined)
    },
  }
}

/** Answers why it was refused for good. */
async function create(context: Context, channel: ApiObject, template: ReturnType<typeof templateOf>) {
  const { namespace, name } = keyOf(channel)
  const { delivery } = specOf(channel) as { delivery?: Fields }
  const kind = context.kinds(template.kind)
  try {
    await context.client.create(kind, {
      apiVersion: kind.apiVersion,
      kind: template.kind,
      metadata: { name, namespace, ownerReferences: [ownerReference(channel)] },
      spec: { ...(delivery && { delivery }), ...template.spec },
    })
    return undefined
  } catch (error) {
    if (!isFailure(error, 'RESOURCE_REFUSED') || error.detail.reason !== 'Invalid') throw error
    return error.message
  }
}

function copied(context: Context, channel: ApiObject, backing: ApiObject): Reconciled {
  const ready = conditionOf(backing, 'Ready')
  const called = `${backing.kind} ${keyOf(backing).name}`
  const { address, subscribers, deadLetterSinkUri, deadLetterSinkCACerts } = statusFieldsOf(backing)
  const sink = sinkOf(specOf(channel).delivery as Fields | undefined)
  // a backing channel that nobody looked at yet says nothing, which is no fault of its
  const isMissing = ready === undefined ? isUnknown : isFalse
  const conditions: Condition[] = [
    ready === undefined
      ? isUnknown('BackingChannelReady', 'BackingChannelNotConfigured', `${called} was not looked at yet`)
      : { ...ready, type: 'BackingChannelReady' },
    address === undefined
      ? isMissing('Addressable', 'EmptyHostname', `${called} has no address`)
      : isTrue('Addressable'),
    sink === undefined
      ? isTrue('DeadLetterSinkResolved', 'DeadLetterSinkNotConfigured')
      : deadLetterSinkUri === undefined
        ? isMissing('DeadLetterSinkResolved', 'DeadLetterSinkNotResolved', `${called} says no dead letter sink`)
        : isTrue('DeadLetterSinkResolved'),
  ]
  return said(context, channel, conditions, {
    ...{ address, subscribers, deadLetterSinkUri, deadLetterSinkCACerts },
    channel: { apiVersion: backing.apiVersion, kind: backing.kind, ...keyOf(backing) },
  })
}

function said(
  context: Context,
  channel: ApiObject,
  conditions: readonly Condition[],
  status: Fields | undefined,
): Reconciled {
  const given = Object.entries(status ?? {}).filter(([, value]) => value !== undefined)
  return outcome(channel, {
    clock: context.clock,
    conditions: [...conditions, isTrue('EventPoliciesReady', 'OIDCDisabled')],
    status: Object.fromEntries(given),
  })
}
