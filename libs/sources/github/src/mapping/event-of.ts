import { type CloudEvent, createEvent } from '@sluice/cloudevents'
import type { GitHubSourceRow } from '@sluice/contract'
import { adapterAttributes } from './cloudevents.ts'
import { knativeAttributes } from './knative.ts'
import type { Payload } from './payload.ts'

export interface GitHubDelivery {
  /** `X-GitHub-Event`. */
  readonly event: string
  /** `X-GitHub-Delivery`. */
  readonly id: string
  readonly payload: Payload
  readonly body: Uint8Array
  /** RFC 3339. */
  readonly receivedAt: string
}

/** The event of a delivery: its body byte for byte, and the delivery's id, so that a redelivery is the same event. Throws EVENT_INVALID. */
export function eventOf(
  { event, id, payload, body, receivedAt }: GitHubDelivery,
  { mapping, ownerAndRepository }: Pick<GitHubSourceRow, 'mapping' | 'ownerAndRepository'>,
): CloudEvent {
  const attributes =
    mapping === 'knative'
      ? knativeAttributes(event, payload, ownerAndRepository)
      : adapterAttributes(event, payload, `https://github.com/${ownerAndRepository}`)
  const { type, source, ...rest } = attributes as { type: string; source: string }
  const datacontenttype = 'application/json'
  return createEvent({ specversion: '1.0', id, source, type, time: receivedAt, datacontenttype, ...rest }, body)
}
