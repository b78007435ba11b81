import type { Delivery } from '@sluice/channel'
import { KEPT_BODY_BYTES } from '@sluice/sender'
import { ERROR_DATA_BYTES } from './dead-letter.ts'
import type { Failure } from './verdict.ts'

/** What a failure may take of the port's 4 KiB. Addresses are ASCII; a longer one is cut. */
const HANDED_ON = { destCharacters: 1_700, dataBytes: ERROR_DATA_BYTES }
const LAST = { destCharacters: 1_700, dataBytes: KEPT_BODY_BYTES }
/** The sink's was the last; the subscriber's gives way. */
const LAST_OF_SINK = { destCharacters: 512, dataBytes: KEPT_BODY_BYTES }
const BEFORE_SINK = { destCharacters: 1_200, dataBytes: 512 }

interface StoredFailure {
  readonly dest: string
  readonly status: number
  /** Base64 of at most 1,024 bytes. */
  readonly data: string
}

/**
 * The dispatcher's own words about a delivery, kept by the channel: that the subscriber has failed for good and the
 * dead letter sink is next, or why the event is parked. Version 1; at most 4 KiB.
 */
export interface Note {
  readonly v: 1
  readonly stage: 'dead-letter' | 'parked'
  /** Requests made to the subscriber. */
  readonly attempts: number
  /** The attempt that was the last of them, where some were made in hand; default `attempts`. */
  readonly last?: number
  readonly failure: StoredFailure
  /** How the dead letter sink failed, where it did. */
  readonly sink?: StoredFailure
}

export type Stage =
  | { readonly at: 'subscriber'; readonly retries: number }
  | { readonly at: 'dead-letter'; readonly retries: number; readonly attempts: number; readonly failure: Failure }

/**
 * Where a delivery stands; `retries` counts the requests made at that stage. A note that isn't ours, or is older than a
 * redrive (which starts again as attempt 1), means the beginning.
 */
export function stageOf({ attempt, note }: Pick<Delivery, 'attempt' | 'note'>): Stage {
  const parsed = note === undefined ? undefined : readNote(note)
  const last = parsed?.last ?? parsed?.attempts ?? 0
  if (parsed?.stage !== 'dead-letter' || attempt <= last) return { at: 'subscriber', retries: attempt - 1 }
  const { attempts, failure } = parsed
  const { dest, status, data } = failure
  const retries = attempt - last - 1
  return { at: 'dead-letter', retries, attempts, failure: { dest, status, data: Buffer.from(data, 'base64') } }
}

/** The note of a delivery whose subscriber failed for good after `attempts` requests, as attempt `last`. */
export function deadLetterNote(attempts: number, failure: Failure, last = attempts): string {
  const made = last === attempts ? { attempts } : { attempts, last }
  return JSON.stringify({ v: 1, stage: 'dead-letter', ...made, failure: stored(failure, HANDED_ON) } satisfies Note)
}

/** The note of a parked delivery: how its last stage failed, and the one before. */
export function parkedNote(stage: Stage, failure: Failure): string {
  const note: Note =
    stage.at === 'subscriber'
      ? { v: 1, stage: 'parked', attempts: stage.retries + 1, failure: stored(failure, LAST) }
      : {
          v: 1,
          stage: 'parked',
          attempts: stage.attempts,
          failure: stored(stage.failure, BEFORE_SINK),
          sink: stored(failure, LAST_OF_SINK),
        }
  return JSON.stringify(note)
}

/** Reads a note; undefined when it isn't one of ours. */
export function readNote(text: string): Note | undefined {
  try {
    const value: Partial<Note> | null = JSON.parse(text)
    const { v, stage, attempts, failure } = value ?? {}
    const isOurs = v === 1 && (stage === 'dead-letter' || stage === 'parked') && Number.isInteger(attempts)
    const hasFailure =
      typeof failure?.dest === 'string' && Number.isInteger(failure.status) && typeof failure.data === 'string'
    return isOurs && hasFailure ? (value as Note) : undefined
  } catch {
    return undefined
  }
}

function stored({ dest, status, data }: Failure, { destCharacters, dataBytes }: typeof LAST): StoredFailure {
  const kept = Buffer.from(data.buffer, data.byteOffset, Math.min(data.length, dataBytes))
  return { dest: dest.slice(0, destCharacters), status, data: kept.toString('base64') }
}
