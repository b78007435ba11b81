import { z } from 'zod'
import { AGE, type ApiKind, READY, URL_COLUMN } from '../kind.ts'
import { immutable, withRules } from '../rule.ts'
import { annotationRules } from '../types/annotations.ts'
import { channelableSpec, channelableStatus } from '../types/channelable.ts'

export const channelTemplate = z.object({
  apiVersion: z.string().min(1).max(253).meta({ description: 'Group and version of the channel to make.' }),
  kind: z.string().min(1).max(63).meta({ description: 'Kind of the channel to make.' }),
  spec: z.record(z.string(), z.unknown()).meta({ description: 'Its spec; what is here wins.' }).optional(),
})

/** Source: knative/eventing pkg/apis/messaging/v1/channel_types.go, channel_validation.go. */
export const channel: ApiKind = {
  group: 'messaging.knative.dev',
  kind: 'Channel',
  plural: 'channels',
  singular: 'channel',
  shortNames: ['ch'],
  categories: ['all', 'knative', 'messaging', 'channel'],
  scope: 'Namespaced',
  description: 'Makes a channel of another kind, of the same name, and stands for it.',
  owner: 'sluice',
  requestRules: annotationRules({}),
  labels: { 'messaging.knative.dev/subscribable': 'true', 'duck.knative.dev/addressable': 'true' },
  versions: [
    {
      name: 'v1',
      storage: true,
      schema: z.object({
        spec: withRules(
          z.object({
            channelTemplate: channelTemplate
              .meta({ description: 'The channel to make; absent: the default of the namespace. Never changes.' })
              .optional(),
            ...channelableSpec,
          }),
          {
            cel: '!has(self.subscribers)',
            test: ({ subscribers }) => subscribers === undefined,
            message: 'is written by the controller: create a Subscription',
            path: ['subscribers'],
            reason: 'FieldValueForbidden',
          },
        ).default({}),
        status: z
          .object({
            ...channelableStatus,
            channel: z
              .object({
                apiVersion: z.string().optional(),
                kind: z.string().optional(),
                name: z.string().optional(),
                namespace: z.string().optional(),
              })
              .meta({ description: 'The channel that was made.' })
              .optional(),
          })
          .optional(),
      }),
      transitions: { spec: [immutable('channelTemplate', 'delivery')] },
      printerColumns: [URL_COLUMN, AGE, ...READY],
    },
  ],
}
