import { z } from 'zod'
import { AGE, type ApiKind, type ApiVersion, READY, URL_COLUMN } from '../kind.ts'
import { immutable, immutableOnceSet } from '../rule.ts'
import { annotationRules } from '../types/annotations.ts'
import { channelableSpec, channelableStatus, subscribersAreTheControllers } from '../types/channelable.ts'
import { duration } from '../types/delivery.ts'

const version: Omit<ApiVersion, 'name' | 'storage'> = {
  schema: z.object({
    spec: z
      .object({
        numPartitions: z.int32().min(1).default(1).meta({ description: 'Partitions of the topic.' }),
        replicationFactor: z.int32().min(1).max(32_767).default(1).meta({ description: 'Copies of the topic.' }),
        retentionDuration: duration('ISO 8601 duration the topic keeps events.').default('PT168H'),
        ...channelableSpec,
      })
      .prefault({}),
    status: z.object(channelableStatus).optional(),
  }),
  transitions: { spec: [immutable('numPartitions', 'replicationFactor'), immutableOnceSet('retentionDuration')] },
  printerColumns: [...READY, URL_COLUMN, AGE],
}

/** Source: knative-extensions/eventing-kafka-broker control-plane/pkg/apis/messaging/v1beta1/kafka_channel_types.go. */
export const kafkaChannel: ApiKind = {
  group: 'messaging.knative.dev',
  kind: 'KafkaChannel',
  plural: 'kafkachannels',
  singular: 'kafkachannel',
  shortNames: ['kc'],
  categories: ['all', 'knative', 'messaging', 'channel'],
  scope: 'Namespaced',
  description: 'A channel on a Kafka topic of its own.',
  owner: 'sluice',
  labels: { 'messaging.knative.dev/subscribable': 'true', 'duck.knative.dev/addressable': 'true' },
  requestRules: [subscribersAreTheControllers('kafkachannels'), ...annotationRules({})],
  versions: [
    { name: 'v1beta1', storage: true, ...version },
    { name: 'v1', storage: false, ...version },
  ],
}
