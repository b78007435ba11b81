import { type CloudEvent, withAttributes } from '@sluice/cloudevents'
import { ERROR_DATA_BYTES } from './answer.ts'
import type { Failure } from './verdict.ts'

/**
 * The original event and what became of it. Source: knative/eventing pkg/kncloudevents/attributes/knative_error.go; the
 * data is cut before it is encoded, so it never exceeds 1,024 characters.
 */
export function deadLetterEvent(event: CloudEvent, { dest, status, data }: Failure): CloudEvent {
  return withAttributes(event, {
    knativeerrordest: dest,
    knativeerrorcode: status,
    knativeerrordata:
      data.length === 0 ? undefined : Buffer.from(data.subarray(0, ERROR_DATA_BYTES)).toString('base64'),
  })
}
