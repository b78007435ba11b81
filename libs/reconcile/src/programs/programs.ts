import type { Informer } from '../api/resource-client.ts'
import type { Program } from '../runtime/program.ts'
import { brokerProgram } from './broker.ts'
import { backingKind } from './channel-kind.ts'
import { type Context, isOurs } from './context.ts'
import type { ProgramsDeps } from './deps.ts'
import { createResolver } from './destination.ts'
import { BROKER, canBeReferredTo, kindsOf, LOG_CHANNELS } from './kinds.ts'
import { uidOf } from './objects.ts'
import { createSettings } from './settings.ts'
import { triggerProgram } from './trigger.ts'

/** Kinds whose objects have rows. */
const OWNERS = [BROKER, 'Trigger', 'Subscription', ...Object.keys(LOG_CHANNELS)]

/** A program for every kind that somebody keeps as it should be. */
export function programs(deps: ProgramsDeps): readonly Program[] {
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
  // whoever reconciles hears of it
  ready.catch(() => {})
  const context: Context = { ...deps, kinds: of, informer, resolver, settings, ready }
  return [brokerProgram(context, referable), triggerProgram(context, referable)]
}
