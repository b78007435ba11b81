import type { FilterSpec } from '@sluice/contract'
import { z } from 'zod'
import { annotations, bytes, flag, only, refused, wholeNumber } from '../annotations.ts'
import { type Delivery, delivery } from '../delivery.ts'
import { type Destination, destination } from '../destination.ts'
import { notSupported, optional, subdomainName } from '../fields.ts'
import { filterFields, filterSpec } from '../filter.ts'
import { metadata, noStatus } from '../metadata.ts'
import { defineKind, type Identity } from './kind.ts'

export interface Trigger extends Identity {
  readonly kind: 'Trigger'
  readonly broker: string
  readonly filter: FilterSpec
  readonly subscriber: Destination
  readonly delivery: Delivery | undefined
  readonly maxInFlight: number
  readonly backlogMaxBytes: number | undefined
  readonly strictReplies: boolean
}

/** Source: knative/eventing pkg/apis/eventing/v1/trigger_types.go. */
export const trigger = defineKind({
  apiVersion: 'eventing.knative.dev/v1',
  kind: 'Trigger',
  schema: z.strictObject({
    apiVersion: z.string(),
    kind: z.string(),
    metadata: metadata(
      subdomainName,
      annotations({
        'eventing.knative.dev/injection': only('disabled', ['enabled']),
        'kafka.eventing.knative.dev/delivery.order': refused('remove it, a lane keeps its order'),
        'knative.dev/dependency': refused('remove it, there are no sources to wait for'),
        'sluice.dev/backlog-full': only('block', ['shed']),
        'sluice.dev/backlog-max': bytes,
        'sluice.dev/max-in-flight': wholeNumber(1, 1000),
        'sluice.dev/strict-replies': flag,
        'sluice.dev/order': refused('remove it, or set sluice.dev/max-in-flight to "1"'),
        'sluice.dev/rate': refused('remove it, or lower sluice.dev/max-in-flight'),
        'sluice.dev/suspend': refused('remove it'),
        'sluice.dev/dedup-window': refused('remove it, subscribers recognise repeats by source and id'),
      }),
    ),
    spec: z.strictObject({
      broker: subdomainName,
      brokerRef: notSupported('name a Broker of the same namespace in spec.broker'),
      ...filterFields,
      subscriber: destination,
      delivery: optional(delivery),
    }),
    status: noStatus,
  }),
  toResource: ({ metadata, spec }, identity): Trigger => ({
    ...identity,
    kind: 'Trigger',
    broker: spec.broker,
    filter: filterSpec(spec.filter, spec.filters),
    subscriber: spec.subscriber,
    delivery: spec.delivery,
    maxInFlight: metadata.annotations?.['sluice.dev/max-in-flight'] ?? 256,
    backlogMaxBytes: metadata.annotations?.['sluice.dev/backlog-max'],
    strictReplies: metadata.annotations?.['sluice.dev/strict-replies'] ?? false,
  }),
})
