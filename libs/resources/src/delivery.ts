import type { DeliverySpec } from '@sluice/contract'
import { z } from 'zod'
import { type Destination, destination } from './destination.ts'
import { durationMs, optional } from './fields.ts'
import { shown } from './problem.ts'

/** `spec.delivery` as written; what is absent is undefined. */
export interface Delivery {
  readonly retry: number | undefined
  readonly timeoutMs: number | undefined
  readonly backoffPolicy: 'linear' | 'exponential' | undefined
  readonly backoffDelayMs: number | undefined
  readonly retryAfterMaxMs: number | undefined
  readonly backoffMaxMs: number | undefined
  readonly format: 'json' | 'binary' | undefined
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
    retryAfterMax: optional(durationMs),
    backoffMax: optional(
      durationMs.refine((ms) => ms > 0, { error: 'must be longer than nothing: leave it out for 24 hours' }),
    ),
    format: optional(z.enum(['json', 'binary'])),
  })
  .transform(
    ({ timeout, backoffDelay, retryAfterMax, backoffMax, ...rest }): Delivery => ({
      ...rest,
      timeoutMs: timeout,
      backoffDelayMs: backoffDelay,
      retryAfterMaxMs: retryAfterMax,
      backoffMaxMs: backoffMax,
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
    ...(spec?.retryAfterMaxMs !== undefined && { retryAfterMaxMs: spec.retryAfterMaxMs }),
    ...(spec?.backoffMaxMs !== undefined && { backoffMaxMs: spec.backoffMaxMs }),
    ...(spec?.format !== undefined && { format: spec.format }),
  }
}
