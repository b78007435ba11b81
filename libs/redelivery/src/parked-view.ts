import { isUtf8 } from 'node:buffer'
import type { Parked } from '@sluice/channel'
import { type CloudEvent, eventBytes } from '@sluice/cloudevents'
import { type Note, readNote } from '@sluice/dispatch'
import { destOf } from '@sluice/journal'
import { keyOf, type Owner, type Place } from './places.ts'

/** What a list tells of a parked event. */
export interface ParkedLine {
  readonly key: string
  /** Null: parked under the broker, for all its triggers. */
  readonly trigger: string | null
  /** False: the trigger is gone. */
  readonly isInForce?: boolean
  readonly reason: string
  /** Requests made to the subscriber. */
  readonly attempts: number
  /** Of the last request that failed; absent where none was made. */
  readonly status?: number
  readonly dest?: string
  readonly storedAt: string
  readonly parkedAt: string
  readonly event: Readonly<Record<string, unknown>>
  /** Of the event: attributes and data. */
  readonly bytes: number
}

/** How one request failed: the beginning of the answer's body, as text where it is one. */
type FailureView = { readonly status: number; readonly dest: string } & Data<'body', 'bodyBase64'>

type Data<Text extends string, Base64 extends string> = { readonly [K in Text | Base64]?: string }

/** All of it: how it failed, and the event's data. */
export type ParkedView = ParkedLine & {
  readonly failure?: FailureView
  /** The dead letter sink's, where that failed too. */
  readonly sinkFailure?: FailureView
} & Data<'data', 'dataBase64'>

export function lineOf(parked: Parked, place: Place, owner: Owner | undefined): ParkedLine {
  const { event, reason, attempt, storedAt, parkedAt } = parked
  const note = noteOf(parked)
  const last = note?.sink ?? note?.failure
  return {
    key: keyOf(place, parked),
    trigger: owner?.name ?? null,
    ...(place.where === 'queue' && { isInForce: owner?.delivery !== undefined }),
    reason,
    attempts: note?.attempts ?? attempt - 1,
    ...(last && { status: last.status, dest: destOf(last.dest) }),
    storedAt: new Date(storedAt).toISOString(),
    parkedAt: new Date(parkedAt).toISOString(),
    event: Object.fromEntries(event.attributes),
    bytes: eventBytes(event),
  }
}

export function viewOf(parked: Parked, place: Place, owner: Owner | undefined): ParkedView {
  const note = noteOf(parked)
  return {
    ...lineOf(parked, place, owner),
    ...(note && { failure: failureOf(note.failure) }),
    ...(note?.sink && { sinkFailure: failureOf(note.sink) }),
    ...dataOf(parked.event),
  }
}

function noteOf({ note }: Parked): Note | undefined {
  return note === undefined ? undefined : readNote(note)
}

function failureOf({ status, dest, data }: Note['failure']): FailureView {
  return { status, dest: destOf(dest), ...textOr(Buffer.from(data, 'base64'), 'body', 'bodyBase64') }
}

/** Never parsed: what a number or a repeated key in JSON would lose stays as it is. */
function dataOf({ data }: CloudEvent): Data<'data', 'dataBase64'> {
  return data === undefined ? {} : textOr(Buffer.from(data), 'data', 'dataBase64')
}

function textOr<T extends string, B extends string>(bytes: Buffer, text: T, base64: B): Data<T, B> {
  const found = isUtf8(bytes) ? { [text]: bytes.toString('utf8') } : { [base64]: bytes.toString('base64') }
  return found as Data<T, B>
}
