import { type ChannelDriver, type Delivery, laneKeyOf } from '@sluice/channel'
import { type CloudEvent, decodeHttp, withAttributes } from '@sluice/cloudevents'
import type { LogRow } from '@sluice/contract'
import { EventingError, type FailureCode, failureOf } from '@sluice/errors'
import type { Response } from '@sluice/sender'
import { replyHeaders } from './pass-through.ts'
import type { Destination, ReplyLog } from './program.ts'
import { failed, type Verdict } from './verdict.ts'

export interface ReplyDeps {
  readonly driver: Pick<ChannelDriver, 'publish'>
  /** Takes an event into a log: one hop less, size, a broker's arrival time. Throws EventingError where it must not enter. */
  readonly admit: (event: CloudEvent, into: LogRow['kind']) => CloudEvent
  readonly replyLog: (uid: string) => ReplyLog | undefined
  /** Revision of the contract in force. */
  readonly revision: () => number
}

/** The reply's own fault: trying again changes nothing. The status is what the broker's ingress would have answered. */
export const REFUSALS: Partial<Record<FailureCode, number>> = {
  EVENT_INVALID: 400,
  EVENT_TTL_SPENT: 400,
  REPLY_INVALID: 400,
  EVENT_TOO_LARGE: 413,
  CHANNEL_EVENT_TOO_LARGE: 413,
}

/**
 * What a 2xx answer means for its delivery, whose replies go to a log, a broker's or a channel's. A CloudEvent is stored
 * there, once per delivery; a 202 never carries one. The delivery fails with its reply, for good if the reply is refused.
 */
export async function takeReply(
  answer: Response,
  delivery: Delivery,
  destination: Destination,
  deps: ReplyDeps,
): Promise<Verdict> {
  const { status } = answer
  if (status === 202) return { outcome: 'delivered', status }
  if (!answer.isCloudEvent) return notAnEvent(answer, delivery, destination)
  const { row, events } = destination
  const log = deps.replyLog(row.replyLog ?? '')
  const dest = log?.address ?? ''
  try {
    if (log === undefined) throw new EventingError({ code: 'CHANNEL_UNKNOWN', channel: '' }, 'the reply has no log yet')
    const event = deps.admit(withTtlOf(delivery.event, decodeReply(answer, row.subscriber.url)), log.row.kind)
    const dedupKey = `reply/${delivery.queue}/${delivery.dedupKey ?? delivery.position}`
    const headers = replyHeaders(answer.headers, delivery.headers)
    const laneKey = laneKeyOf(event, log.row.orderKey)
    await deps.driver.publish(log.row.channel, [{ event, headers, stamp: deps.revision(), laneKey, dedupKey }])
    events.replyStored()
    return { outcome: 'delivered', status, replyId: String(event.attributes.get('id')) }
  } catch (error) {
    const refusal = REFUSALS[failureOf(error).code]
    const text = error instanceof EventingError ? error.message : 'internal error'
    if (refusal === undefined) events.replyNotStored(delivery, error)
    else events.replyRefused(delivery, error)
    return failed({ dest, status: refusal ?? 503, text, isRetryable: refusal === undefined, isReply: true })
  }
}

export function notAnEvent(
  { status, bodyBytes }: Response,
  delivery: Delivery,
  { row, events, subscriber }: Destination,
): Verdict {
  if (bodyBytes === 0) return { outcome: 'delivered', status }
  events.replyNotAnEvent(delivery, status, bodyBytes)
  if (!row.strictReplies) return { outcome: 'delivered', status }
  const text = `the answer ${status} has a body that is not a CloudEvent`
  return failed({ dest: subscriber.url, status: 502, text, isRetryable: true, isReply: false })
}

export function decodeReply({ headers, body, isCut }: Response, sink: string): CloudEvent {
  if (isCut) {
    throw new EventingError(
      { code: 'EVENT_TOO_LARGE', bytes: body.length, maxBytes: body.length },
      'the reply is too large',
    )
  }
  checkCoding(headers, sink)
  const { mode, events } = decodeHttp(headers, body)
  const [event] = events
  if (mode !== 'batch' && event !== undefined) return event
  const problem = 'a reply must be one CloudEvent, not a batch'
  throw new EventingError({ code: 'REPLY_INVALID', sink, problem }, problem)
}

/** Coded data under its plain type would be stored for good. */
function checkCoding(headers: readonly string[], sink: string): void {
  const at = headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'content-encoding')
  const coding = headers[at + 1] ?? ''
  if (at < 0 || coding === '' || coding.toLowerCase() === 'identity') return
  const problem = `Content-Encoding ${JSON.stringify(coding)} is not supported: reply with the data as it is`
  throw new EventingError({ code: 'REPLY_INVALID', sink, problem }, problem)
}

/** The reply goes on where the original stood, or loops over brokers and channels would never end. */
export function withTtlOf(original: CloudEvent, reply: CloudEvent): CloudEvent {
  return withAttributes(reply, { knativebrokerttl: original.attributes.get('knativebrokerttl') })
}
