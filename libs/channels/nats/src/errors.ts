import { EventingError } from '@sluice/errors'
import { DRIVER_NAME, MIN_SERVER_VERSION } from './config.ts'
import { SYNCS_ALWAYS } from './server-version.ts'

/** What JetStream's API answers instead of a result; `code` is its `err_code`. */
export class ApiFault extends EventingError<{ code: 'CHANNEL_UNAVAILABLE'; driver: string; reason: string }> {
  readonly status: number
  readonly code: number

  constructor(status: number, code: number, description: string) {
    super({ code: 'CHANNEL_UNAVAILABLE', driver: DRIVER_NAME, reason: description }, `NATS answers: ${description}`)
    this.status = status
    this.code = code
  }
}

export const STREAM_NOT_FOUND = 10_059
export const STREAM_NAME_IN_USE = 10_058
export const MESSAGE_NOT_FOUND = 10_037
export const WRONG_LAST_SEQUENCE = 10_071
export const CONSUMER_NOT_FOUND = 10_014

export function isFault(error: unknown, ...codes: readonly number[]): error is ApiFault {
  return error instanceof ApiFault && codes.includes(error.code)
}

export function unavailable(reason: string, cause?: unknown): EventingError {
  const text = `NATS can't be used now: ${reason}`
  return new EventingError({ code: 'CHANNEL_UNAVAILABLE', driver: DRIVER_NAME, reason }, text, { cause })
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof EventingError && error.detail.code === 'CHANNEL_UNAVAILABLE'
}

export function closed(): EventingError {
  return new EventingError({ code: 'CHANNEL_CLOSED', driver: DRIVER_NAME }, 'the channel driver is closed')
}

export function unknownChannel(channel: string): EventingError {
  return new EventingError({ code: 'CHANNEL_UNKNOWN', channel }, `channel ${channel} does not exist`)
}

export function conflict(channel: string, problem: string): EventingError {
  const text = `channel ${channel} can't be taken as asked: ${problem}`
  return new EventingError({ code: 'CHANNEL_CONFLICT', channel, problem }, text)
}

export function tooLarge(bytes: number, maxBytes: number): EventingError {
  const text = `an entry of ${bytes} bytes is too large for NATS, which takes ${maxBytes}: raise max_payload on the server`
  return new EventingError({ code: 'CHANNEL_EVENT_TOO_LARGE', driver: DRIVER_NAME, bytes, maxBytes }, text)
}

export function serverTooOld(version: string): EventingError {
  const reason = `nats-server ${version} is too old: ${MIN_SERVER_VERSION.join('.')} or newer is needed`
  return new EventingError({ code: 'SERVER_UNSUPPORTED', driver: DRIVER_NAME, reason }, reason)
}

export function serverSyncsNever(version: string): EventingError {
  const reason = `nats-server ${version} has no sync_interval, which syncAlways (NATS_SYNC_ALWAYS) says is always: ${SYNCS_ALWAYS.join('.')} or newer is needed`
  return new EventingError({ code: 'SERVER_UNSUPPORTED', driver: DRIVER_NAME, reason }, reason)
}
