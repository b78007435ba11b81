import { z } from 'zod'
import { durationInCel, parseDuration } from '../../duration.ts'
import { shown } from '../../problem.ts'
import { mirrored, type Rule, withRules } from '../rule.ts'
import { destination } from './reference.ts'

/** ISO 8601, to the millisecond, at most 24 days. What CEL can't count is left to the controller. */
export function duration(description: string) {
  return mirrored(
    z
      .string()
      .max(64)
      .superRefine((text, context) => {
        const read = parseDuration(text)
        if ('problem' in read) context.addIssue({ code: 'custom', message: `${read.problem}, found ${shown(text)}` })
      }),
    {
      cel: durationInCel('self'),
      message: 'must be an ISO 8601 duration such as "PT0.2S", "PT30S" or "PT1M"',
    },
  ).meta({ description })
}

const isPositive: Rule<string> = {
  cel: "self.matches('[1-9]')",
  test: (text) => /[1-9]/.test(text),
  message: 'must be longer than nothing: leave it out for the default',
}

/** Knative's DeliverySpec. Source: knative/eventing pkg/apis/duck/v1/delivery_types.go, Validate. */
export const delivery = z
  .object({
    deadLetterSink: destination.meta({ description: 'Gets what could not be delivered.' }).optional(),
    retry: z.int32().min(0).meta({ description: 'Requests after the first that failed.' }).optional(),
    timeout: withRules(duration('ISO 8601 duration one request may take.'), isPositive).optional(),
    backoffPolicy: z.enum(['linear', 'exponential']).meta({ description: 'How waits grow.' }).optional(),
    backoffDelay: duration('ISO 8601 duration of the first wait.').optional(),
    retryAfterMax: duration('ISO 8601 duration up to which a Retry-After is followed; PT0S: not at all.').optional(),
    backoffMax: withRules(duration('ISO 8601 duration of the longest wait.'), isPositive).optional(),
    format: z
      .enum(['json', 'binary'])
      .meta({ description: 'Content mode of requests: structured or binary.' })
      .optional(),
  })
  .meta({ description: 'Retries, waits and the dead letter sink.' })
