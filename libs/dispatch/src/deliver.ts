import type { Delivery } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import type { CloudEvent } from '@sluice/cloudevents'
import type { Answer, Endpoint, Outgoing } from '@sluice/sender'
import type { Telemetry } from '@sluice/telemetry'
import { deadLetterEvent } from './dead-letter.ts'
import type { Destination } from './program.ts'
import { type ReplyDeps, takeReply } from './reply.ts'
import { sendReply } from './reply-to-address.ts'
import { requestOf } from './request.ts'
import { type Failure, type Verdict, verdictOf } from './verdict.ts'

export interface DeliverDeps extends ReplyDeps {
  readonly sender: Pick<Outgoing, 'post'>
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** One request to the subscriber, and its reply stored or sent on. */
export async function deliver(delivery: Delivery, destination: Destination, deps: DeliverDeps): Promise<Verdict> {
  const { subscriber, row, reply, events } = destination
  const wantsReply = row.replyLog !== undefined || reply !== undefined
  const startedAt = deps.clock.monotonic()
  const answer = await send(delivery.event, delivery, subscriber, wantsReply, deps)
  events.answered(deps.clock.monotonic() - startedAt)
  const verdict = verdictOf(answer, subscriber.url)
  if (!wantsReply || verdict.outcome !== 'delivered' || answer.kind !== 'response') return verdict
  if (reply === undefined) return takeReply(answer, delivery, destination, deps)
  const post = (event: CloudEvent, headers: Delivery['headers']) => send(event, { headers }, reply, false, deps)
  return sendReply(answer, delivery, destination, { reply, post })
}

/** One request to the dead letter sink. Whatever a 2xx carries is ignored. */
export async function deliverDeadLetter(
  delivery: Delivery,
  sink: Endpoint,
  failure: Failure,
  deps: DeliverDeps,
): Promise<Verdict> {
  return verdictOf(await send(deadLetterEvent(delivery.event, failure), delivery, sink, false, deps), sink.url)
}

async function send(
  event: CloudEvent,
  { headers }: Pick<Delivery, 'headers'>,
  endpoint: Endpoint,
  wantsReply: boolean,
  { sender, telemetry }: DeliverDeps,
): Promise<Answer> {
  if (telemetry.startSpan === undefined) return sender.post(endpoint, requestOf(event, headers, endpoint, wantsReply))
  const span = telemetry.startSpan('dispatch', 'client', headers?.traceparent, { 'url.full': endpoint.url })
  const traced = { ...headers, traceparent: span.traceparent }
  const answer = await sender.post(endpoint, requestOf(event, traced, endpoint, wantsReply))
  if (answer.kind === 'response') span.setStatus(answer.status)
  span.end(answer.kind === 'response' ? undefined : answer.kind)
  return answer
}
