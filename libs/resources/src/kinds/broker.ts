import { z } from 'zod'
import { type Annotation, annotations, bytes, only, refused, wholeNumber } from '../annotations.ts'
import { type Delivery, delivery } from '../delivery.ts'
import { notSupported, optional, subdomainName } from '../fields.ts'
import { metadata, noStatus } from '../metadata.ts'
import { shown } from '../problem.ts'
import { defineKind, type Identity } from './kind.ts'

export interface Broker extends Identity {
  readonly kind: 'Broker'
  readonly delivery: Delivery | undefined
  readonly orderKey: string
  readonly lanes: number
  readonly backlogMaxBytes: number | undefined
}

const attributeName: Annotation<string> = Object.assign(
  (text: string) =>
    /^[a-z][a-z0-9]*$/.test(text)
      ? { value: text }
      : { problem: `must be the name of an event attribute, lower-case letters and digits, found ${shown(text)}` },
  { cel: "text.matches('^[a-z][a-z0-9]*$')" },
)

/** Those of Sluice; the API reads them too. */
export const BROKER_ANNOTATIONS = {
  'sluice.dev/backlog-full': only('block', ['shed']),
  'sluice.dev/backlog-max': bytes,
  'sluice.dev/lanes': wholeNumber(1, 64),
  'sluice.dev/order-key': attributeName,
  'sluice.dev/dedup-window': refused('remove it, or set it on Triggers'),
}

/** Source: knative/eventing pkg/apis/eventing/v1/broker_types.go. */
export const broker = defineKind({
  apiVersion: 'eventing.knative.dev/v1',
  kind: 'Broker',
  schema: z.strictObject({
    apiVersion: z.string(),
    kind: z.string(),
    metadata: metadata(
      subdomainName,
      annotations({
        'eventing.knative.dev/broker.class': only('MTChannelBasedBroker', [
          'Kafka',
          'KafkaNamespaced',
          'RabbitMQBroker',
          'Sluice',
        ]),
        ...BROKER_ANNOTATIONS,
      }),
    ),
    spec: optional(
      z.strictObject({
        config: notSupported('remove it, every Broker uses the channel this installation runs on'),
        delivery: optional(delivery),
      }),
    ),
    status: noStatus,
  }),
  toResource: ({ metadata, spec }, identity): Broker => ({
    ...identity,
    kind: 'Broker',
    delivery: spec?.delivery,
    orderKey: metadata.annotations?.['sluice.dev/order-key'] ?? 'partitionkey',
    lanes: metadata.annotations?.['sluice.dev/lanes'] ?? 8,
    backlogMaxBytes: metadata.annotations?.['sluice.dev/backlog-max'],
  }),
})
