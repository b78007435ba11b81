import type { ApiObject } from '@sluice/resources/api'
import type { Informer, ObjectChange, ObjectKey } from '../api/resource-client.ts'
import { isReady } from './conditions.ts'
import type { Context } from './context.ts'
import type { Reference } from './destination.ts'
import { LOG_CHANNELS } from './kinds.ts'
import { type Fields, keyOf, refOf, specOf, statusFieldsOf, uidOf } from './objects.ts'

/** Which Subscriptions a channel has, without a look at those of others. */
export interface Subscribers {
  /** Of a channel that is a log: its own, and those of the Channel that stands for it. Oldest name first. */
  of(channel: ApiObject): readonly ApiObject[]
  /** Channels of `kind` that a change of a Subscription concerns. */
  channelsOf(change: ObjectChange, kind: string): readonly ObjectKey[]
}

interface Deps {
  readonly subscriptions: Informer
  /** Kind of the channel that the Channel of this name stands for; undefined: there is no such Channel. */
  readonly behind: (channel: ObjectKey) => string | undefined
}

export function createSubscribers({ subscriptions, behind }: Deps): Subscribers {
  const byChannel = new Map<string, Map<string, ObjectKey>>()
  const channelOf = (object: ApiObject) => specOf(object).channel as Reference
  const refOfChannel = (object: ApiObject) => {
    const { kind, name } = channelOf(object)
    return refOf(kind, { namespace: keyOf(object).namespace, name })
  }
  // ends with the client
  subscriptions.changed(({ key, before, now }) => {
    const id = refOf('', key)
    const [old, fresh] = [before && refOfChannel(before), now && refOfChannel(now)]
    if (old !== undefined && old !== fresh) byChannel.get(old)?.delete(id)
    if (old !== undefined && byChannel.get(old)?.size === 0) byChannel.delete(old)
    if (fresh === undefined) return
    const keys = byChannel.get(fresh) ?? new Map<string, ObjectKey>()
    byChannel.set(fresh, keys.set(id, key))
  })

  return {
    of(channel) {
      const key = keyOf(channel)
      const refs = [refOf(channel.kind, key), ...(behind(key) === channel.kind ? [refOf('Channel', key)] : [])]
      return refs
        .flatMap((ref) => [...(byChannel.get(ref)?.values() ?? [])])
        .flatMap((each) => subscriptions.get(each) ?? [])
        .sort((a, b) => (keyOf(a).name < keyOf(b).name ? -1 : 1))
    },
    channelsOf({ key, before, now }, kind) {
      const names = [before, now].flatMap((object) => {
        if (object === undefined) return []
        const channel = channelOf(object)
        const place = { namespace: key.namespace ?? '', name: channel.name }
        const real = channel.kind === 'Channel' ? behind(place) : channel.kind
        return real === kind ? [place.name] : []
      })
      return [...new Set(names)].map((name) => ({ namespace: key.namespace ?? '', name }))
    },
  }
}

/**
 * What a channel says of its Subscriptions: in spec those that are resolved, in status whether each is in force.
 * Source: knative/eventing pkg/apis/duck/v1/subscribable_types.go.
 */
export function subscribersOf(
  { ledger }: Pick<Context, 'ledger'>,
  subscriptions: readonly ApiObject[],
): { readonly spec: readonly Fields[]; readonly status: readonly Fields[] } {
  const resolved = subscriptions.filter((each) => ledger.rows(uidOf(each)).route !== undefined)
  return {
    spec: resolved.flatMap((each) => {
      const { physicalSubscription: physical } = statusFieldsOf(each) as { physicalSubscription?: Fields }
      if (physical?.subscriberUri === undefined) return []
      const { deadLetterSinkUri: _, deadLetterSinkCACerts: __, deadLetterSinkAudience: ___, ...uris } = physical
      return [{ name: keyOf(each).name, uid: uidOf(each), generation: each.metadata.generation, ...uris }]
    }),
    status: resolved.map((each) => {
      const standing = ledger.standing(uidOf(each), isReady(each))
      const ready = standing.isAcknowledged ? 'True' : 'Unknown'
      return { uid: uidOf(each), observedGeneration: each.metadata.generation, ready }
    }),
  }
}

/** The channel that is a log behind the one that a Subscription names; undefined: there is none yet. */
export function logBehind(
  context: Context,
  ref: Reference,
  namespace: string,
  behind: Deps['behind'],
): ApiObject | undefined {
  const key = { namespace, name: ref.name }
  const kind = ref.kind === 'Channel' ? behind(key) : ref.kind
  if (kind === undefined || !Object.hasOwn(LOG_CHANNELS, kind)) return undefined
  return context.informer(kind).get(key)
}
