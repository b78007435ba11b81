import { z } from 'zod'
import type { RequestRule } from '../kind.ts'
import { isSame, withRules } from '../rule.ts'
import { delivery } from './delivery.ts'
import { addressFields, auth, resolved, statusFields } from './status.ts'

const text = z.string().max(2048)

/** Resolved by the controller before it is written here, so URLs are not judged again. */
const subscriber = withRules(
  z.object({
    name: text.optional(),
    uid: text.optional(),
    generation: z.int().meta({ format: 'int64' }).optional(),
    subscriberUri: text.optional(),
    subscriberCACerts: z.string().optional(),
    subscriberAudience: text.optional(),
    replyUri: text.optional(),
    replyCACerts: z.string().optional(),
    replyAudience: text.optional(),
    delivery: z.record(z.string(), z.unknown()).meta({ description: 'A resolved delivery spec.' }).optional(),
    auth: auth.optional(),
  }),
  {
    cel: 'has(self.subscriberUri) || has(self.replyUri)',
    test: ({ subscriberUri, replyUri }) => subscriberUri !== undefined || replyUri !== undefined,
    message: 'needs a subscriberUri or a replyUri',
    reason: 'FieldValueRequired',
  },
)

/** Knative's Channelable. Source: knative/eventing pkg/apis/duck/v1/channelable_types.go. */
export const channelableSpec = {
  subscribers: z
    .array(subscriber)
    .max(5000)
    .meta({ description: 'Written by the controller from Subscriptions.' })
    .optional(),
  delivery: delivery.optional(),
}

const subscriberStatus = z.object({
  uid: text.optional(),
  observedGeneration: z.int().meta({ format: 'int64' }).optional(),
  ready: text.optional(),
  message: text.optional(),
  auth: auth.optional(),
})

export const channelableStatus = {
  ...statusFields,
  ...addressFields,
  ...resolved('deadLetterSink'),
  subscribers: z.array(subscriberStatus).meta({ description: 'By subscription, whether it is served.' }).optional(),
}

const fieldOf = (object: { readonly [field: string]: unknown } | undefined) =>
  ((object?.spec ?? {}) as Readonly<Record<string, unknown>>).subscribers

/**
 * Subscribers are the controller's: who may update the subresource `subscribers`, which exists for RBAC alone. Knative
 * asks for one service account by name instead.
 */
export function subscribersAreTheControllers(plural: string): RequestRule {
  const may = `authorizer.group('messaging.knative.dev').resource('${plural}').subresource('subscribers').namespace(object.metadata.namespace).name(object.metadata.name).check('update').allowed()`
  const message = 'spec.subscribers is written by the controller: create a Subscription'
  return {
    cel: `(has(object.spec.subscribers) ? (oldObject != null && has(oldObject.spec.subscribers) && object.spec.subscribers == oldObject.spec.subscribers) : (oldObject == null || !has(oldObject.spec.subscribers))) || ${may}`,
    path: ['spec', 'subscribers'],
    message,
    problem: ({ object, oldObject, mayUpdate }) =>
      isSame(fieldOf(object), fieldOf(oldObject)) || mayUpdate('subscribers') ? undefined : message,
  }
}

/** `eventing.knative.dev/scope`, as Knative's channels take it. */
export const scopeRule: RequestRule = {
  cel: `!('eventing.knative.dev/scope' in annotations) || annotations['eventing.knative.dev/scope'] in ['cluster', 'namespace']`,
  path: ['metadata', 'annotations', 'eventing.knative.dev/scope'],
  message: 'eventing.knative.dev/scope must be "cluster" or "namespace"',
  problem({ object }) {
    const scope = annotationsOf(object)['eventing.knative.dev/scope']
    return scope === undefined || scope === 'cluster' || scope === 'namespace'
      ? undefined
      : 'eventing.knative.dev/scope must be "cluster" or "namespace"'
  },
}

export function annotationsOf(object: { readonly metadata: Readonly<Record<string, unknown>> } | undefined) {
  return (object?.metadata.annotations ?? {}) as Readonly<Record<string, string>>
}
