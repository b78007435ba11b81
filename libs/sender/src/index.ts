/** How this installation makes requests: the dispatcher to subscribers and sinks, sources to an ingress. */
export { type Answer, KEPT_BODY_BYTES, type Response } from './answer.ts'
export { type Endpoint, endpointOf } from './endpoint.ts'
export { retryAfterMs } from './retry-after.ts'
export { type Outgoing, type OutgoingRequest, Sender, type SenderDeps } from './sender.ts'
