import { EventingError } from '@sluice/errors'
import { DRIVER_NAME } from './config.ts'

/** What the client rejects with: `type` is Kafka's name of the error, and what is wrapped is the cause. */
interface ClientError {
  readonly name?: string
  readonly type?: string
  readonly message?: string
  readonly cause?: ClientError
}

const TOO_LARGE: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])
const DEPTH = 5
const NO_ANSWER = 'the client does not answer'

export function unavailable(reason: string, cause?: unknown): EventingError {
  const text = `Kafka can't be used now: ${reason}`
  return new EventingError({ code: 'CHANNEL_UNAVAILABLE', driver: DRIVER_NAME, reason }, text, { cause })
}

/** The client's own timeouts do not cover all that it waits for. */
export function unanswered(): EventingError {
  return unavailable(NO_ANSWER)
}

/** Whether it was sent, as far as is known, and nobody said anything. */
export function isUnanswered(error: unknown): boolean {
  if (error instanceof EventingError) return reasonOf(error) === NO_ANSWER
  return causesOf(error).some(({ name }) => name === 'KafkaJSRequestTimeoutError')
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

export function unknownTopic(topic: string): EventingError {
  return new EventingError({ code: 'CHANNEL_UNKNOWN', channel: topic }, `topic ${topic} does not exist`)
}

export function conflict(topic: string, problem: string): EventingError {
  const text = `topic ${topic} can't be taken as asked: ${problem}`
  return new EventingError({ code: 'CHANNEL_CONFLICT', channel: topic, problem }, text)
}

export function tooLarge(bytes: number, maxBytes: number): EventingError {
  const text = `an entry of ${bytes} bytes is too large for its topic, which takes ${maxBytes}`
  return new EventingError({ code: 'CHANNEL_EVENT_TOO_LARGE', driver: DRIVER_NAME, bytes, maxBytes }, text)
}

/** What a rejection of the client means; one of ours stays as it is. */
export function failureOf(error: unknown, topic: string): EventingError {
  if (error instanceof EventingError) return error
  const types = typesOf(error as ClientError)
  if (types.includes('UNKNOWN_TOPIC_OR_PARTITION')) return unknownTopic(topic)
  if (types.some((type) => TOO_LARGE.has(type))) {
    return conflict(topic, 'it takes no batches as large as an event may be: raise its max.message.bytes')
  }
  return unavailable((error as ClientError).message ?? String(error), error)
}

/** What the client said. */
export function causeOf(error: unknown): unknown {
  return error instanceof EventingError ? error.cause : error
}

export function isOfType(error: unknown, type: string): boolean {
  return typesOf(error as ClientError).includes(type)
}

function typesOf(error: ClientError): string[] {
  return causesOf(error).flatMap(({ type }) => type ?? [])
}

function causesOf(error: unknown): ClientError[] {
  const causes: ClientError[] = []
  let each = error as ClientError | undefined
  for (let depth = 0; each !== undefined && each !== null && depth < DEPTH; depth++) {
    causes.push(each)
    each = each.cause
  }
  return causes
}
