import { KAFKA_TYPE } from '@sluice/contract'
import { z } from 'zod'
import { AGE, type ApiKind, type ApiVersion, column, READY } from '../kind.ts'
import { immutable, withRules } from '../rule.ts'
import { annotationRules } from '../types/annotations.ts'
import { delivery } from '../types/delivery.ts'
import { secretValue } from '../types/secret-value.ts'
import { eventTypesAnnotation, SOURCE_CATEGORIES, sourceLabels, sourceSpec, sourceStatus } from '../types/source.ts'

/** Source: Apache Kafka, Topic.validate. */
const TOPIC = '^[A-Za-z0-9._-]*$'

const texts = (description: string) => z.array(z.string().min(1).max(1024)).min(1).max(256).meta({ description })

const onlySecrets = (field: 'tokenProvider' | 'roleARN') => ({
  cel: `!has(self.${field})`,
  test: (self: { readonly tokenProvider?: unknown; readonly roleARN?: unknown }) => self[field] === undefined,
  message: 'is not supported: use user and password',
  path: [field],
  reason: 'FieldValueForbidden' as const,
})

const net = z.object({
  sasl: withRules(
    z.object({
      enable: z.boolean().meta({ description: 'Whether the client says who it is.' }).optional(),
      user: secretValue('Name of the user.').optional(),
      password: secretValue('Its password.').optional(),
      type: secretValue('The mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; absent: PLAIN.').optional(),
      tokenProvider: secretValue('Not supported.').optional(),
      roleARN: secretValue('Not supported.').optional(),
    }),
    onlySecrets('tokenProvider'),
    onlySecrets('roleARN'),
    {
      cel: '!has(self.enable) || !self.enable || (has(self.user) && has(self.password))',
      test: ({ enable, user, password }) => enable !== true || (user !== undefined && password !== undefined),
      message: 'needs user and password',
      reason: 'FieldValueRequired',
    },
  )
    .meta({ description: 'Who the client is.' })
    .optional(),
  tls: withRules(
    z.object({
      enable: z.boolean().meta({ description: 'Whether the connection is encrypted.' }).optional(),
      cert: secretValue('Certificate of the client, in PEM.').optional(),
      key: secretValue('Its key, in PEM.').optional(),
      caCert: secretValue('Authorities that the brokers are trusted by, in PEM.').optional(),
    }),
    {
      cel: 'has(self.cert) == has(self.key)',
      test: ({ cert, key }) => (cert === undefined) === (key === undefined),
      message: 'has one of cert and key: they go together',
    },
  )
    .meta({ description: 'Encryption.' })
    .optional(),
})

const version: Omit<ApiVersion, 'name' | 'storage'> = {
  schema: z.object({
    spec: z.object({
      bootstrapServers: texts('Brokers to begin with, as host:port.'),
      topics: z
        .array(
          withRules(z.string().min(1).max(249), {
            cel: `self.matches('${TOPIC}')`,
            test: (text) => new RegExp(TOPIC).test(text),
            message: "must be a topic's name: letters, digits, '.', '_' and '-'",
          }),
        )
        .min(1)
        .max(256)
        .meta({ description: 'Topics to read.' }),
      consumerGroup: z
        .string()
        .max(249)
        .meta({ description: 'Consumer group; absent: one of its own. Never changes.' })
        .optional(),
      consumers: z.int32().min(0).default(1).meta({ description: 'Members of the group.' }),
      initialOffset: z
        .enum(['earliest', 'latest'])
        .default('latest')
        .meta({ description: 'Where a group begins that has read nothing yet.' }),
      ordering: z
        .enum(['ordered', 'unordered'])
        .default('ordered')
        .meta({ description: 'Whether a record waits for the one before it in its partition.' }),
      delivery: delivery.optional(),
      net: net.meta({ description: 'How brokers are talked to.' }).optional(),
      ...sourceSpec,
    }),
    status: z
      .object({
        ...sourceStatus,
        consumers: z.int32().meta({ description: 'Members of the group that read.' }).optional(),
        selector: z.string().optional(),
        claims: z.string().optional(),
        placements: z
          .array(z.object({ podName: z.string().optional(), vreplicas: z.int32().optional() }))
          .meta({ description: 'Without use here.' })
          .optional(),
      })
      .optional(),
  }),
  transitions: { spec: [immutable('consumerGroup')] },
  scale: {
    specReplicasPath: '.spec.consumers',
    statusReplicasPath: '.status.consumers',
    labelSelectorPath: '.status.selector',
  },
  printerColumns: [
    column('Topics', '.spec.topics'),
    column('BootstrapServers', '.spec.bootstrapServers'),
    ...READY,
    AGE,
  ],
}

/** Source: knative-extensions/eventing-kafka-broker control-plane/pkg/apis/sources/v1/kafka_types.go, kafka_validation.go. */
export const kafkaSource: ApiKind = {
  group: 'sources.knative.dev',
  kind: 'KafkaSource',
  plural: 'kafkasources',
  singular: 'kafkasource',
  shortNames: [],
  categories: SOURCE_CATEGORIES,
  scope: 'Namespaced',
  description: 'Sends an event for each record of topics of a Kafka cluster.',
  owner: 'sluice',
  labels: sourceLabels(),
  annotations: eventTypesAnnotation([{ type: KAFKA_TYPE, description: 'A record that was no CloudEvent.' }]),
  requestRules: annotationRules({}),
  versions: [
    { name: 'v1beta1', storage: true, ...version },
    { name: 'v1', storage: false, ...version },
  ],
}
