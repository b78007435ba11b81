import { type CloudEvent, encodeBinary } from '@sluice/cloudevents'
import type { Endpoint } from './endpoint.ts'
import type { OutgoingRequest } from './sender.ts'

const TTL_HEADER = 'ce-knativebrokerttl'

/** An event as a binary-mode request. The hop counter is for addresses of this installation only. */
export function requestOf(
  event: CloudEvent,
  passed: Readonly<Record<string, string>> | undefined,
  endpoint: Endpoint,
  wantsReply: boolean,
): OutgoingRequest {
  const { headers, body } = encodeBinary(event)
  if (!endpoint.internal) {
    const ttl = headers.indexOf(TTL_HEADER)
    if (ttl >= 0) headers.splice(ttl, 2)
  }
  for (const part of endpoint.headers) headers.push(part)
  for (const name in passed) headers.push(name, passed[name] as string)
  return { headers, body, wantsReply }
}
