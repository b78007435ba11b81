import type { Delivery } from '@sluice/channel'
import type { CloudEvent } from '@sluice/cloudevents'
import { EventingError, failureOf } from '@sluice/errors'
import type { Answer, Endpoint, Response } from '@sluice/sender'
import { replyHeaders } from './pass-through.ts'
import type { Destination } from './program.ts'
import { decodeReply, notAnEvent, REFUSALS, withTtlOf } from './reply.ts'
import { failed, type Verdict, verdictOf } from './verdict.ts'

export interface SendReplyDeps {
  readonly reply: Endpoint
  readonly post: (event: CloudEvent, headers: Delivery['headers']) => Promise<Answer>
}

/**
 * What a 2xx answer means for its delivery, whose replies go to an address: a CloudEvent is posted there, once. Where it is
 * not taken the delivery fails with its reply, and is made again as a whole; for good if the answer says so.
 */
export async function sendReply(
  answer: Response,
  delivery: Delivery,
  destination: Destination,
  { reply, post }: SendReplyDeps,
): Promise<Verdict> {
  const { status } = answer
  if (status === 202) return { outcome: 'delivered', status }
  if (!answer.isCloudEvent) return notAnEvent(answer, delivery, destination)
  const { events, row } = destination
  let event: CloudEvent
  try {
    event = withTtlOf(delivery.event, decodeReply(answer, row.subscriber.url))
  } catch (error) {
    events.replyRefused(delivery, error)
    const text = error instanceof EventingError ? error.message : 'internal error'
    const refusal = REFUSALS[failureOf(error).code] ?? 400
    return failed({ dest: reply.url, status: refusal, text, isRetryable: false, isReply: true })
  }
  const verdict = verdictOf(await post(event, replyHeaders(answer.headers, delivery.headers)), reply.url)
  if (verdict.outcome === 'aborted') return verdict
  if (verdict.outcome === 'failed') {
    events.replyNotSent(delivery, verdict.failure)
    // The subscriber has answered: what is not heard of is the other one
    const { lost: _, ...failure } = verdict
    return { ...failure, isReply: true }
  }
  events.replySent()
  return { outcome: 'delivered', status, replyId: String(event.attributes.get('id')) }
}
