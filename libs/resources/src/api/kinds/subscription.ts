import { z } from 'zod'
import { AGE, type ApiKind, READY } from '../kind.ts'
import { immutable } from '../rule.ts'
import { annotationRules } from '../types/annotations.ts'
import { delivery } from '../types/delivery.ts'
import { destination, localReference } from '../types/reference.ts'
import { auth, resolved, statusFields } from '../types/status.ts'

/** Source: knative/eventing pkg/apis/messaging/v1/subscription_types.go, subscription_validation.go. */
export const subscription: ApiKind = {
  group: 'messaging.knative.dev',
  kind: 'Subscription',
  plural: 'subscriptions',
  singular: 'subscription',
  shortNames: ['sub'],
  categories: ['all', 'knative', 'eventing'],
  scope: 'Namespaced',
  description: 'Sends the events of a channel to a subscriber, and its replies on.',
  owner: 'sluice',
  requestRules: annotationRules({}),
  versions: [
    {
      name: 'v1',
      storage: true,
      schema: z.object({
        spec: z.object({
          channel: localReference.meta({ description: 'The channel, of the same namespace; never changes.' }),
          subscriber: destination.meta({ description: 'Gets the events.' }),
          reply: destination.meta({ description: 'Gets the answers that are events.' }).optional(),
          delivery: delivery.optional(),
        }),
        status: z
          .object({
            ...statusFields,
            physicalSubscription: z
              .object({ ...resolved('subscriber'), ...resolved('reply'), ...resolved('deadLetterSink') })
              .meta({ description: 'The URLs in force.' })
              .optional(),
            auth: auth.optional(),
          })
          .optional(),
      }),
      transitions: { spec: [immutable('channel')] },
      printerColumns: [AGE, ...READY],
    },
  ],
}
