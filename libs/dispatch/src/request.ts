import { type CloudEvent, encodeBinary, encodeStructured, withAttributes } from '@sluice/cloudevents'
import type { Endpoint, OutgoingRequest } from '@sluice/sender'

const TTL_HEADER = 'ce-knativebrokerttl'

/** An event as a request in its endpoint's content mode. The hop counter is for addresses of this installation only. */
export function requestOf(
  event: CloudEvent,
  passed: Readonly<Record<string, string>> | undefined,
  endpoint: Endpoint,
  wantsReply: boolean,
): OutgoingRequest {
  const { headers, body } = endpoint.isStructured ? structured(event, endpoint) : binary(event, endpoint)
  for (const part of endpoint.headers) headers.push(part)
  for (const name in passed) headers.push(name, passed[name] as string)
  return { headers, body, wantsReply }
}

function binary(event: CloudEvent, { internal }: Endpoint): { headers: string[]; body: Uint8Array | undefined } {
  const message = encodeBinary(event)
  const ttl = internal ? -1 : message.headers.indexOf(TTL_HEADER)
  if (ttl >= 0) message.headers.splice(ttl, 2)
  return message
}

function structured(event: CloudEvent, { internal }: Endpoint): { headers: string[]; body: Uint8Array } {
  const sent = internal ? event : withAttributes(event, { knativebrokerttl: undefined })
  const { contentType, body } = encodeStructured(sent)
  return { headers: ['content-type', contentType], body }
}
