import { KAFKA_TYPE, type KafkaSourceRow, kafkaSourceUri } from '@sluice/contract'
import { kafkaSource as readSpec, unknownKeyType } from '@sluice/resources/settings'
import { isTrue } from '../conditions.ts'
import { keyOf, labelsOf, specOf, uidOf } from '../objects.ts'
import { type OwnFields, reported, type SourceKind } from './source-kind.ts'

const SERVICE = 'source-kafka'

/** Source: knative-extensions/eventing-kafka-broker control-plane/pkg/apis/sources/v1/kafka_lifecycle.go. */
export const kafkaSource: SourceKind = {
  kind: 'KafkaSource',
  service: SERVICE,
  order: (fields) =>
    (fields as KafkaSourceRow).ordering === 'ordered' ? { orderKey: 'knativekafkapartition', order: 'key' } : undefined,
  fieldsOf(_, source) {
    const group = `knative-kafka-source-${uidOf(source)}`
    return { value: readSpec(specOf(source), labelsOf(source), keyOf(source).namespace, group) as OwnFields }
  },
  ceAttributes: (source, fields) =>
    (fields as KafkaSourceRow).topics.map((topic) => ({
      type: KAFKA_TYPE,
      source: kafkaSourceUri(keyOf(source), topic),
    })),
  conditions: (_, report) => [
    reported('ConnectionEstablished', report, SERVICE),
    reported('InitialOffsetsCommitted', report, SERVICE),
    isTrue('KeyTypeCorrect'),
  ],
  status(_, report) {
    const consumers = Number(report?.facts?.consumers ?? 0)
    return { consumers: Number.isInteger(consumers) ? consumers : 0 }
  },
  warnings(source) {
    const type = unknownKeyType(labelsOf(source))
    if (type === undefined) return []
    const message = `the key type ${JSON.stringify(type)} is unknown: keys are read as string`
    return [{ type: 'Warning', reason: 'KeyTypeUnknown', message }]
  },
}
