import { z } from 'zod'
import { type Admission, type AdmitInput, admit } from './admit.ts'
import { type ApiKind, type ApiVersion, apiVersionOf } from './kind.ts'
import { apiServerSource } from './kinds/api-server-source.ts'
import { broker } from './kinds/broker.ts'
import { channel } from './kinds/channel.ts'
import { configMap } from './kinds/config-map.ts'
import { customResourceDefinition } from './kinds/custom-resource-definition.ts'
import { event } from './kinds/event.ts'
import { eventType } from './kinds/event-type.ts'
import { gitHubSource } from './kinds/git-hub-source.ts'
import { inMemoryChannel } from './kinds/in-memory-channel.ts'
import { kafkaChannel } from './kinds/kafka-channel.ts'
import { kafkaSource } from './kinds/kafka-source.ts'
import { namespace } from './kinds/namespace.ts'
import { natsJetStreamChannel } from './kinds/nats-jet-stream-channel.ts'
import { pingSource } from './kinds/ping-source.ts'
import { secret } from './kinds/secret.ts'
import { service } from './kinds/service.ts'
import { subscription } from './kinds/subscription.ts'
import { trigger } from './kinds/trigger.ts'
import { type Structural, structural, structuralOf } from './structural.ts'
import { objectMeta } from './types/object-meta.ts'

/** Every kind of the API. Adding one is a file like its neighbours, and its name here. */
export const API_KINDS: readonly ApiKind[] = [
  ...[broker, trigger, eventType],
  ...[channel, subscription, inMemoryChannel, kafkaChannel, natsJetStreamChannel],
  ...[pingSource, gitHubSource, apiServerSource, kafkaSource],
  ...[namespace, configMap, secret, service, event],
  customResourceDefinition,
]

/** A kind at one of its versions, ready to judge objects. */
export interface ServedVersion {
  readonly kind: ApiKind
  readonly version: ApiVersion
  readonly apiVersion: string
  readonly structural: Structural
  admit(input: AdmitInput): Admission
}

export interface ApiTable {
  readonly served: readonly ServedVersion[]
  /** By what a manifest says. */
  ofKind(apiVersion: string, kind: string): ServedVersion | undefined
  /** By what a path says: `brokers` of `eventing.knative.dev/v1`. */
  ofResource(apiVersion: string, plural: string): ServedVersion | undefined
  /** The version objects of a kind are kept in. */
  stored(kind: ApiKind): ServedVersion
}

/** The kinds by their names; made once, as schemas are turned into JSON schema here. */
export function apiTable(kinds: readonly ApiKind[] = API_KINDS): ApiTable {
  const metaStructural = structural(z.toJSONSchema(objectMeta, { io: 'input', target: 'openapi-3.0' }))
  const served = kinds.flatMap((kind) =>
    kind.versions.map((version): ServedVersion => {
      const ofVersion = structuralOf(version, kind.description)
      const all = { kind, version, structural: ofVersion, metaStructural }
      const apiVersion = apiVersionOf(kind, version)
      return { kind, version, apiVersion, structural: ofVersion, admit: (input) => admit(all, input) }
    }),
  )
  const byKind = new Map(served.map((each) => [`${each.apiVersion} ${each.kind.kind}`, each]))
  const byResource = new Map(served.map((each) => [`${each.apiVersion} ${each.kind.plural}`, each]))
  const stored = new Map(served.filter(({ version }) => version.storage).map((each) => [each.kind, each]))
  return {
    served,
    ofKind: (apiVersion, kind) => byKind.get(`${apiVersion} ${kind}`),
    ofResource: (apiVersion, plural) => byResource.get(`${apiVersion} ${plural}`),
    stored: (kind) => stored.get(kind) as ServedVersion,
  }
}
