import { z } from 'zod'
import { AGE, type ApiKind, READY, URL_COLUMN } from '../kind.ts'
import { annotationRules } from '../types/annotations.ts'
import { channelableSpec, channelableStatus, scopeRule, subscribersAreTheControllers } from '../types/channelable.ts'

/** Source: knative/eventing pkg/apis/messaging/v1/in_memory_channel_types.go, in_memory_channel_validation.go. */
export const inMemoryChannel: ApiKind = {
  group: 'messaging.knative.dev',
  kind: 'InMemoryChannel',
  plural: 'inmemorychannels',
  singular: 'inmemorychannel',
  shortNames: ['imc'],
  categories: ['all', 'knative', 'messaging', 'channel'],
  scope: 'Namespaced',
  description: 'A channel on the channel this installation runs on.',
  owner: 'sluice',
  labels: { 'messaging.knative.dev/subscribable': 'true', 'duck.knative.dev/addressable': 'true' },
  requestRules: [scopeRule, subscribersAreTheControllers('inmemorychannels'), ...annotationRules({})],
  versions: [
    {
      name: 'v1',
      storage: true,
      schema: z.object({
        spec: z.object(channelableSpec).default({}),
        status: z.object(channelableStatus).optional(),
      }),
      printerColumns: [URL_COLUMN, AGE, ...READY],
    },
  ],
}
