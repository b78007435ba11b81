import type { CloudEvent } from '@sluice/cloudevents'
import { eventBytes, withAttributes } from '@sluice/cloudevents'
import { EventingError } from '@sluice/errors'

/** Hops an event may make when its sender named no number. Source: knative/eventing pkg/broker/ttl.go, MAX_TTL. */
export const DEFAULT_MAX_TTL = 255

const TTL_ATTRIBUTE = 'knativebrokerttl'
const ARRIVAL_ATTRIBUTE = 'knativearrivaltime'
const INTEGER = /^[+-]?\d{1,10}$/
const MAX_INT32 = 2 ** 31 - 1

export interface AdmissionLimits {
  /** Wall clock, ms since the epoch. */
  readonly now: number
  readonly maxTtl: number
  /** Attributes and data as stored, those that admission adds included. */
  readonly maxEventBytes: number
}

/**
 * What every event passes on its way into a log, from a producer or as a reply: one hop less to live, the time it
 * arrived, the size bound. Keeps the spec version. Throws EVENT_TTL_SPENT or EVENT_TOO_LARGE.
 */
export function admit(event: CloudEvent, limits: AdmissionLimits): CloudEvent {
  const admitted = withAttributes(event, {
    [TTL_ATTRIBUTE]: nextTtl(event, limits.maxTtl),
    [ARRIVAL_ATTRIBUTE]: new Date(limits.now).toISOString(),
  })
  const bytes = eventBytes(admitted)
  if (bytes > limits.maxEventBytes) throw eventTooLarge(bytes, limits.maxEventBytes)
  return admitted
}

/** Absent or not an integer counts as a first hop. Source: knative/eventing pkg/broker/ttl.go. */
function nextTtl(event: CloudEvent, maxTtl: number): number {
  const ttl = parseTtl(event.attributes.get(TTL_ATTRIBUTE))
  if (ttl === undefined) return maxTtl
  if (ttl > 1) return ttl - 1
  throw new EventingError(
    { code: 'EVENT_TTL_SPENT' },
    `the event has made all the hops it may: ${TTL_ATTRIBUTE} is ${ttl}; look for brokers that reply to each other`,
  )
}

function parseTtl(value: unknown): number | undefined {
  const ttl = typeof value === 'number' ? value : typeof value === 'string' && INTEGER.test(value) ? Number(value) : NaN
  return Number.isInteger(ttl) && ttl <= MAX_INT32 && ttl >= -MAX_INT32 - 1 ? ttl : undefined
}

export function eventTooLarge(bytes: number, maxBytes: number): EventingError {
  return new EventingError(
    { code: 'EVENT_TOO_LARGE', bytes, maxBytes },
    `the event has ${bytes} bytes, at most ${maxBytes} are accepted`,
  )
}
