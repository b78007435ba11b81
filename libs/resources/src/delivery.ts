import type { DeliverySpec } from '@sluice/contract'
import { z } from 'zod'
import { type Destination, destination } from './destination.ts'
import { durationMs, notSupported, optional } from './fields.ts'
import { shown } from './problem.ts'

/** `spec.delivery` as written; what is absent is undefined. */
export interface Delivery {
  readonly retry: number | undefined
  readonly timeoutMs: number | undefined
  readonly backoffPolicy: 'linear' | 'exponential' | undefined
  readonly backoffDelayMs: number | undefined
  readonly deadLetterSink: Destination | undefined
}

/** Source: knative/eventing pkg/apis/duck/v1/delivery_types.go, DeliverySpec.Validate. */
export const delivery = z
  .strictObject({
    retry: optional(
      z.number().refine((retry) => Number.isInteger(retry) && retry >= 0 && retry < 2 ** 31, {
        error: ({ input }) => `must be a whole number from 0 to 2147483647, found ${shown(input)}`,
      }),
    ),
    timeout: optional(
      durationMs.refine((ms) => ms > 0, { error: 'must be longer than nothing: leave it out for the default of 30 s' }),
    ),
    backoffPolicy: optional(z.enum(['linear', 'exponential'])),
    backoffDelay: optional(durationMs),
    deadLetterSink: optional(destination),
    retryAfterMax: notSupported('remove it, Retry-After is not looked at'),
    backoffMax: notSupported('remove it, or use backoffPolicy "linear"'),
    format: notSupported('remove it, events are sent in binary mode'),
  })
  .transform(
    ({ retry, timeout, backoffPolicy, backoffDelay, deadLetterSink }): Delivery => ({
      retry,
      timeoutMs: timeout,
      backoffPolicy,
      backoffDelayMs: backoffDelay,
      deadLetterSink,
    }),
  )

const RETRY_WITHOUT_DELIVERY = 10
const BACKOFF_DELAY_MS = 200
const TIMEOUT_MS = 30_000

/**
 * The delivery spec that holds for a Trigger: its own as a whole, else its Broker's as a whole, else Knative's default
 * for Brokers. A spec without `retry` does not retry.
 */
export function effectiveDelivery(own: Delivery | undefined, inherited: Delivery | undefined): DeliverySpec {
  const spec = own ?? inherited
  return {
    retry: spec === undefined ? RETRY_WITHOUT_DELIVERY : (spec.retry ?? 0),
    backoffPolicy: spec?.backoffPolicy ?? 'exponential',
    backoffDelayMs: spec?.backoffDelayMs ?? BACKOFF_DELAY_MS,
    timeoutMs: spec?.timeoutMs ?? TIMEOUT_MS,
  }
}
