import type { Informer, ObjectKey } from '../api/resource-client.ts'
import type { Program } from '../runtime/program.ts'
import { brokerProgram } from './broker.ts'
import { channelProgram } from './channel.ts'
import { backingKind } from './channel-kind.ts'
import { configMapProgram } from './config-map.ts'
import { type Context, isOurs } from './context.ts'
import type { ProgramsDeps } from './deps.ts'
import { createResolver } from './destination.ts'
import { EVENT_TYPE_AUTO_CREATE, eventTypeAutoCreate, eventTypeProgram, type SeenType } from './event-type.ts'
import { namespaceInjection, triggerInjection } from './injection.ts'
import { BROKER, canBeReferredTo, kindsOf, LOG_CHANNELS } from './kinds.ts'
import { logChannelProgram } from './log-channel.ts'
import { uidOf } from './objects.ts'
import { createSettings } from './settings.ts'
import { createSourceEventTypes, SOURCES, sourceProgram } from './sources/index.ts'
import { createSubscribers } from './subscribers.ts'
import { subscriptionProgram } from './subscription.ts'
import { triggerProgram } from './trigger.ts'

/** Kinds whose objects have rows. */
const OWNERS = [BROKER, 'Trigger', 'Subscription', ...Object.keys(LOG_CHANNELS), ...SOURCES.map(({ kind }) => kind)]

/**
 * A program for every kind that somebody keeps as it should be. Made by who leads: once the informers have their first
 * lists, the rows of objects that are gone are removed.
 */
export function programs(deps: ProgramsDeps): readonly Program[] {
  return createPrograms(deps).programs
}

/** The same, with the port for what the data plane sees. */
export function createPrograms(deps: ProgramsDeps): {
  readonly programs: readonly Program[]
  /** A type of events came in: made an EventType, where config-features says so. */
  readonly seen: (type: SeenType) => Promise<void>
  /** Whether anything comes of it. */
  readonly wantsTypes: () => boolean
} {
  const { all, of } = kindsOf(deps.table)
  const referable = all.filter(canBeReferredTo).map(({ kind }) => kind.kind)
  const watched = [...referable, 'ConfigMap', 'Namespace']
  const informers = new Map<string, Informer>(watched.map((kind) => [kind, deps.client.informer(of(kind))]))
  const informer = (kind: string) => informers.get(kind) as Informer
  const settings = createSettings(informer('ConfigMap'), deps.systemNamespace)
  const resolver = createResolver({
    ...deps,
    informer: (kind) => (referable.includes(kind) ? informers.get(kind) : undefined),
    isOurs: (broker) => isOurs(broker, settings),
    backingKind: (channel) => backingKind(channel, settings),
  })
  const ready = Promise.all([...informers.values()].map(({ synced }) => synced)).then(() => {
    const uids = new Set(OWNERS.flatMap((kind) => informer(kind).list().map(uidOf)))
    deps.ledger.retain((owner) => uids.has(owner))
  })
  // what is gone has no rows, whether or not anybody looked at it; ends with the client
  for (const kind of OWNERS)
    informer(kind).changed(({ before, now }) => {
      if (before !== undefined && (now === undefined || uidOf(now) !== uidOf(before))) deps.ledger.end(uidOf(before))
    })
  // whoever reconciles hears of it
  ready.catch(() => {})
  const context: Context = { ...deps, kinds: of, informer, resolver, settings, ready }
  const behind = (key: ObjectKey) => {
    const channel = informer('Channel').get(key)
    return channel && backingKind(channel, settings)
  }
  const subscribers = createSubscribers({ subscriptions: informer('Subscription'), behind })
  const eventTypes = createSourceEventTypes(context)
  const made = [
    brokerProgram(context, referable),
    triggerProgram(context, referable),
    channelProgram(context),
    ...Object.keys(LOG_CHANNELS).map((kind) => logChannelProgram(context, kind, subscribers, referable)),
    subscriptionProgram(context, behind, referable),
    eventTypeProgram(context, referable),
    ...SOURCES.map((kind) => sourceProgram(context, kind, eventTypes, referable)),
    configMapProgram(context),
    namespaceInjection(context),
    triggerInjection(context),
  ]
  const wantsTypes = () => settings.isEnabled(EVENT_TYPE_AUTO_CREATE)
  return { programs: made, seen: eventTypeAutoCreate(context), wantsTypes }
}
