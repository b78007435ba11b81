import { type CloudEvent, withAttributes } from '@sluice/cloudevents'
import type { Failure } from './verdict.ts'

/** `knativeerrordata` holds this much of an error, before base64. Source: knative/eventing, 1024 characters encoded. */
export const ERROR_DATA_BYTES = 768

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
