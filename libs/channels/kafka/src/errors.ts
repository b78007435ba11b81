import { EventingError } from '@sluice/errors'
import { RequestError, UnansweredError } from './client/request-error.ts'
import { DRIVER_NAME } from './config.ts'

const TOO_LARGE: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])

export function unavailable(reason: string, cause?: unknown): EventingError {
  const text = `Kafka can't be used now: ${reason}`
  return new EventingError({ code: 'CHANNEL_UNAVAILABLE', driver: DRIVER_NAME, reason }, text, { cause })
}

/** The client's own timeouts do not cover all that it waits for. */
export function unanswered(): EventingError {
  const reason = 'the client does not answer'
  return unavailable(reason, new UnansweredError(reason))
}

/** Whether it was sent, as far as is known, and nobody said anything. */
export function isUnanswered(error: unknown): boolean {
  return causeOf(error) instanceof UnansweredError
}

/** Why Kafka can't be used now. */
export function reasonOf(error: unknown): string {
  const { detail, message } = failureOf(error, '')
  return detail.code === 'CHANNEL_UNAVAILABLE' ? detail.reason : message
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof EventingError && error.detail.code === 'CHANNEL_UNAVAILABLE'
}

export function unknownChannel(channel: string): EventingError {
  return new EventingError({ code: 'CHANNEL_UNKNOWN', channel }, `channel ${channel} does not exist`)
}

export function closed(): EventingError {
  return new EventingError({ code: 'CHANNEL_CLOSED', driver: DRIVER_NAME }, 'the channel driver is closed')
}

export function unknownTopic(topic: string, cause?: unknown): EventingError {
  return new EventingError({ code: 'CHANNEL_UNKNOWN', channel: topic }, `topic ${topic} does not exist`, { cause })
}

export function conflict(topic: string, problem: string, cause?: unknown): EventingError {
  const text = `topic ${topic} can't be taken as asked: ${problem}`
  return new EventingError({ code: 'CHANNEL_CONFLICT', channel: topic, problem }, text, { cause })
}

export function tooLarge(bytes: number, maxBytes: number): EventingError {
  const text = `an entry of ${bytes} bytes is too large for its topic, which takes ${maxBytes}`
  return new EventingError({ code: 'CHANNEL_EVENT_TOO_LARGE', driver: DRIVER_NAME, bytes, maxBytes }, text)
}

/** What a rejection of the client means; one of ours stays as it is. */
export function failureOf(error: unknown, topic: string): EventingError {
  if (error instanceof EventingError) return error
  if (isOfType(error, 'UNKNOWN_TOPIC_OR_PARTITION')) return unknownTopic(topic, error)
  if (typesOf(error).some((type) => TOO_LARGE.has(type))) {
    return conflict(topic, 'it takes no batches as large as an event may be: raise its max.message.bytes', error)
  }
  return unavailable(error instanceof Error ? error.message : String(error), error)
}

/** Whether it is among what a broker refused, also where that was told as one of ours. */
export function isOfType(error: unknown, type: string): boolean {
  return typesOf(error).includes(type)
}

/** Whether a broker refused for this and nothing else. */
export function isOnly(error: unknown, type: string): boolean {
  const types = typesOf(error)
  return types.length > 0 && types.every((each) => each === type)
}

function typesOf(error: unknown): readonly string[] {
  const cause = causeOf(error)
  return cause instanceof RequestError ? [...cause.types] : []
}

/** What the client said. */
function causeOf(error: unknown): unknown {
  return error instanceof EventingError ? error.cause : error
}
