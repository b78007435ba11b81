import { z } from 'zod'
import { AGE, type ApiKind, READY, URL_COLUMN } from '../kind.ts'
import { annotationRules } from '../types/annotations.ts'
import { channelableSpec, channelableStatus, scopeRule, subscribersAreTheControllers } from '../types/channelable.ts'

const text = () => z.string().max(1024)
const count = () => z.int().min(0).max(Number.MAX_SAFE_INTEGER).meta({ format: 'int64' })
const bound = () => z.int().min(-1).max(Number.MAX_SAFE_INTEGER).meta({ format: 'int64' })

const streamSource = z.object({
  name: text(),
  optStartSeq: count().optional(),
  optStartTime: text().optional(),
  filterSubject: text().optional(),
})

const streamConfig = z.object({
  additionalSubjects: z.array(text()).max(256).optional(),
  retention: z.enum(['Limits', 'Interest', 'Work']).optional(),
  maxConsumers: bound().optional(),
  maxMsgs: bound().optional(),
  maxBytes: bound().optional(),
  discard: z.enum(['Old', 'New']).optional(),
  maxAge: text().meta({ description: 'A duration as Go writes it, such as 24h.' }).optional(),
  maxMsgSize: z.int32().min(-1).optional(),
  storage: z.enum(['File', 'Memory']).optional(),
  replicas: z.int32().min(0).max(5).optional(),
  noAck: z.boolean().optional(),
  duplicateWindow: text().meta({ description: 'A duration as Go writes it, such as 2m.' }).optional(),
  placement: z.object({ cluster: text().optional(), tags: z.array(text()).max(64).optional() }).optional(),
  mirror: streamSource.optional(),
  sources: z.array(streamSource).max(64).optional(),
})

const consumerConfigTemplate = z.object({
  deliverPolicy: z.enum(['All', 'Last', 'New', 'ByStartSequence', 'ByStartTime']).optional(),
  optStartSeq: count().optional(),
  optStartTime: text().optional(),
  ackWait: text().optional(),
  maxDeliver: z.int32().optional(),
  filterSubject: text().optional(),
  replayPolicy: z.enum(['Instant', 'Original']).optional(),
  rateLimitBPS: count().optional(),
  sampleFrequency: text().optional(),
  maxAckPending: z.int32().optional(),
  consumerType: z.enum(['Push', 'Pull']).optional(),
  fetchMaxWait: count().optional(),
  fetchBatchSize: z.int32().min(1).optional(),
})

/** Source: knative-extensions/eventing-natss pkg/apis/messaging/v1alpha1/nats_jetstream_types.go. */
export const natsJetStreamChannel: ApiKind = {
  group: 'messaging.knative.dev',
  kind: 'NatsJetStreamChannel',
  plural: 'natsjetstreamchannels',
  singular: 'natsjetstreamchannel',
  shortNames: ['natsjsmc'],
  categories: ['all', 'knative', 'messaging', 'channel'],
  scope: 'Namespaced',
  description: 'A channel on a JetStream stream of its own.',
  owner: 'sluice',
  labels: { 'messaging.knative.dev/subscribable': 'true', 'duck.knative.dev/addressable': 'true' },
  requestRules: [scopeRule, subscribersAreTheControllers('natsjetstreamchannels'), ...annotationRules({})],
  versions: [
    {
      name: 'v1alpha1',
      storage: true,
      schema: z.object({
        spec: z
          .object({
            ...channelableSpec,
            stream: z
              .object({ overrideName: text().optional(), config: streamConfig.optional() })
              .meta({ description: 'The stream to make.' })
              .optional(),
            consumerConfigTemplate: consumerConfigTemplate
              .meta({ description: 'What consumers of subscriptions are made of.' })
              .optional(),
            deploymentSpecTemplate: z
              .record(z.string(), z.unknown())
              .meta({ description: 'Taken and without effect: dispatchers are shared.' })
              .optional(),
          })
          .default({}),
        status: z.object(channelableStatus).optional(),
      }),
      printerColumns: [URL_COLUMN, AGE, ...READY],
    },
  ],
}
