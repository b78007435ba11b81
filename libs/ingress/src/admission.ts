import type { Clock } from '@sluice/clock'
import type { CloudEvent } from '@sluice/cloudevents'
import { eventBytes } from '@sluice/cloudevents'
import type { LogRow } from '@sluice/contract'
import { EventingError } from '@sluice/errors'

/** Hops an event may make when its sender named no number. Source: knative/eventing pkg/broker/ttl.go, MAX_TTL. */
export const DEFAULT_MAX_TTL = 255

const TTL_ATTRIBUTE = 'knativebrokerttl'
const ARRIVAL_ATTRIBUTE = 'knativearrivaltime'
const INTEGER = /^[+-]?\d{1,10}$/
const MAX_INT32 = 2 ** 31 - 1

export interface AdmissionBounds {
  /** Hops of an event that names none. */
  readonly maxTtl: number
  /** Attributes and data as stored, those that admission adds included. */
  readonly maxEventBytes: number
}

/** Takes an event into a log of that kind; see `admit`. */
export type Admission = (event: CloudEvent, into?: LogRow['kind'], bytesAtMost?: number) => CloudEvent

/**
 * What every event passes on its way into a broker's log, from a producer or as a reply: one hop less to live, the time
 * it arrived, the size bound. Keeps the spec version. `now` is in ms since the epoch. Throws EVENT_TTL_SPENT or
 * EVENT_TOO_LARGE.
 */
export function admit(event: CloudEvent, limits: AdmissionBounds & { readonly now: number }): CloudEvent {
  return admitAt(event, new Date(limits.now).toISOString(), limits)
}

/**
 * `admit` for many events: the text of a millisecond is made once. A channel's log gets no time of arrival, and the hop
 * counter is taken off before anybody outside sees it: to them a channel alters nothing. `bytesAtMost`: what the event
 * can have before admission, where that is known; when it fits, nobody counts.
 */
export function createAdmission(bounds: AdmissionBounds & { readonly clock: Clock }): Admission {
  let now = 0
  let arrivalTime = ''
  return (event, into, bytesAtMost) => {
    if (into === 'channel') return admitAt(event, undefined, bounds, bytesAtMost)
    const time = bounds.clock.now()
    if (time !== now) {
      now = time
      arrivalTime = new Date(time).toISOString()
    }
    return admitAt(event, arrivalTime, bounds, bytesAtMost)
  }
}

/** Names and values of the two attributes that admission sets. */
const ADDED_BYTES = 80

function admitAt(
  event: CloudEvent,
  arrivalTime: string | undefined,
  { maxTtl, maxEventBytes }: AdmissionBounds,
  bytesAtMost = Infinity,
): CloudEvent {
  // both values are valid as they are made here, so that nothing needs the checks of `withAttributes`
  const attributes = new Map(event.attributes)
  attributes.set(TTL_ATTRIBUTE, nextTtl(event, maxTtl))
  if (arrivalTime !== undefined) attributes.set(ARRIVAL_ATTRIBUTE, arrivalTime)
  const admitted = { attributes, data: event.data, dataKind: event.dataKind }
  if (bytesAtMost + ADDED_BYTES > maxEventBytes) {
    const bytes = eventBytes(admitted)
    if (bytes > maxEventBytes) throw eventTooLarge(bytes, maxEventBytes)
  }
  return admitted
}

/** Absent or not an integer counts as a first hop. Source: knative/eventing pkg/broker/ttl.go. */
function nextTtl(event: CloudEvent, maxTtl: number): number {
  const ttl = parseTtl(event.attributes.get(TTL_ATTRIBUTE))
  if (ttl === undefined) return maxTtl
  if (ttl > 1) return ttl - 1
  throw new EventingError(
    { code: 'EVENT_TTL_SPENT' },
    `the event has made all the hops it may: ${TTL_ATTRIBUTE} is ${ttl}; look for brokers or channels that reply to each other`,
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
