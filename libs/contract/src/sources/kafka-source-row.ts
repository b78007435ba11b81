import { z } from 'zod'
import { text } from '../row-parts.ts'
import { sourceFields } from './source-parts.ts'
import type { SecretReference, SourceRow } from './source-row.ts'

export const KAFKA_TYPE = 'dev.knative.kafka.event'
export const KAFKA_KEY_TYPES = ['string', 'int', 'float', 'byte-array'] as const

/** What can be secret of a connection; `saslType` names the mechanism and comes from a Secret, too, as in Knative. */
export const KAFKA_SECRETS = [
  'tlsCert',
  'tlsKey',
  'tlsCaCert',
  'saslUser',
  'saslPassword',
  'saslType',
] as const satisfies readonly string[]

/** Reads the topics of a Kafka cluster, as members of one consumer group. */
export interface KafkaSourceRow extends SourceRow {
  readonly kind: 'KafkaSource'
  readonly bootstrapServers: readonly string[]
  readonly topics: readonly string[]
  readonly consumerGroup: string
  /** Members of the group, over all replicas. */
  readonly consumers: number
  /** Where a group that has no offset yet begins. */
  readonly initialOffset: 'earliest' | 'latest'
  /** Whether the next record of a partition waits until the one before is stored. */
  readonly ordering: 'ordered' | 'unordered'
  readonly keyType: (typeof KAFKA_KEY_TYPES)[number]
  readonly tls: boolean
  readonly sasl: boolean
  readonly secrets?: Readonly<Partial<Record<(typeof KAFKA_SECRETS)[number], SecretReference>>>
}

/** `source` of events that were no CloudEvents. Source: eventing-kafka-broker, InvalidCloudEventInterceptor. */
export function kafkaSourceUri(of: { readonly namespace: string; readonly name: string }, topic: string): string {
  return `/apis/v1/namespaces/${of.namespace}/kafkasources/${of.name}#${topic}`
}

export const kafkaSourceRow = z.strictObject({
  ...sourceFields(KAFKA_SECRETS),
  kind: z.literal('KafkaSource'),
  bootstrapServers: z.array(text).min(1),
  topics: z.array(text).min(1),
  consumerGroup: text,
  consumers: z.int().min(0),
  initialOffset: z.enum(['earliest', 'latest']),
  ordering: z.enum(['ordered', 'unordered']),
  keyType: z.enum(KAFKA_KEY_TYPES),
  tls: z.boolean(),
  sasl: z.boolean(),
}) satisfies z.ZodType<KafkaSourceRow>
