import type { FilterSpec } from '@sluice/contract'
import { z } from 'zod'
import { annotations, bytes, duration, flag, oneOf, only, perSecond, refused, wholeNumber } from '../annotations.ts'
import { type Delivery, delivery } from '../delivery.ts'
import { type Destination, destination } from '../destination.ts'
import { notSupported, optional, subdomainName } from '../fields.ts'
import { filterFields, filterSpec } from '../filter.ts'
import { metadata, noStatus } from '../metadata.ts'
import { shown } from '../problem.ts'
import { defineKind, type Identity } from './kind.ts'

export interface Trigger extends Identity {
  readonly kind: 'Trigger'
  readonly broker: string
  readonly filter: FilterSpec
  readonly subscriber: Destination
  readonly delivery: Delivery | undefined
  readonly maxInFlight: number
  readonly order: Order
  readonly ratePerSecond: number | undefined
  readonly suspend: boolean
  readonly dedupWindowMs: number | undefined
  readonly backlogMaxBytes: number | undefined
  readonly strictReplies: boolean
}

/** What waits while an event fails: nothing, what has its order key, or its lane. */
type Order = 'none' | 'key' | 'lane'

/** What Knative's Kafka broker promises of `ordered` is the order of a key; that it holds up others too is no promise. */
const KNATIVE_ORDER = { ordered: 'key', unordered: 'none' } as const

const ORDER = 'sluice.dev/order'
const KAFKA_ORDER = 'kafka.eventing.knative.dev/delivery.order'

/** Those of Sluice, and its neighbour of Kafka's; the API reads them too. */
export const TRIGGER_ANNOTATIONS = {
  [KAFKA_ORDER]: oneOf('ordered', 'unordered'),
  'sluice.dev/backlog-full': only('block', ['shed']),
  'sluice.dev/backlog-max': bytes,
  'sluice.dev/max-in-flight': wholeNumber(1, 1000),
  'sluice.dev/strict-replies': flag,
  [ORDER]: oneOf('none', 'key', 'lane'),
  'sluice.dev/rate': perSecond,
  'sluice.dev/suspend': flag,
  'sluice.dev/dedup-window': duration('24 hours', 86_400_000),
}

/** Both may be there, if they say the same. */
export function disagreement(own: string | undefined, kafka: string | undefined): string | undefined {
  if (own === undefined || kafka === undefined) return undefined
  if ((own === 'none') === (kafka === 'unordered')) return undefined
  return `says ${shown(own)} and ${KAFKA_ORDER} says ${shown(kafka)}: remove one`
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
        'knative.dev/dependency': refused('remove it, there are no sources to wait for'),
        ...TRIGGER_ANNOTATIONS,
      }).superRefine(({ [ORDER]: own, [KAFKA_ORDER]: kafka }, context) => {
        const message = disagreement(own, kafka)
        if (message !== undefined) context.addIssue({ code: 'custom', path: [ORDER], message })
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
    order: metadata.annotations?.[ORDER] ?? KNATIVE_ORDER[metadata.annotations?.[KAFKA_ORDER] ?? 'unordered'],
    ratePerSecond: metadata.annotations?.['sluice.dev/rate'],
    suspend: metadata.annotations?.['sluice.dev/suspend'] ?? false,
    dedupWindowMs: metadata.annotations?.['sluice.dev/dedup-window'],
    maxInFlight: metadata.annotations?.['sluice.dev/max-in-flight'] ?? 256,
    backlogMaxBytes: metadata.annotations?.['sluice.dev/backlog-max'],
    strictReplies: metadata.annotations?.['sluice.dev/strict-replies'] ?? false,
  }),
})
