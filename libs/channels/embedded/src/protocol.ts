import type { ChannelKind } from '@sluice/channel'
import type { StoreFault } from './errors.ts'

/**
 * What crosses from the event loop to the thread that owns the file. Frames travel in one slab per message; the rows
 * around them are numbers in typed arrays, because a structured clone per row costs more than the insert.
 */
export type Request =
  | { readonly op: 'open'; readonly dataDir: string; readonly now: number }
  | {
      readonly op: 'create'
      readonly channel: string
      readonly kind: ChannelKind
      readonly lanes: number
      readonly subscriptions: readonly string[]
    }
  | { readonly op: 'remove'; readonly channel: string }
  | CommitRequest
  | {
      readonly op: 'readLog'
      readonly channel: number
      readonly after: number
      readonly limit: number
      readonly maxBytes: number
    }
  | {
      readonly op: 'fetch'
      readonly feed: number
      readonly wants: readonly FetchWant[]
      readonly now: number
      readonly maxBytes: number
    }
  | {
      readonly op: 'readTasks'
      readonly feed: number
      readonly parked: boolean
      readonly queue: string | undefined
      readonly after: number
      readonly limit: number
    }
  | { readonly op: 'parkedAt'; readonly feed: number; readonly ids: readonly number[] }
  | { readonly op: 'countParked'; readonly feed: number; readonly queue: string | undefined }
  | { readonly op: 'beginning'; readonly channel: number }
  | { readonly op: 'seek'; readonly channel: number; readonly time: number }
  | { readonly op: 'redrive'; readonly feed: number; readonly ids: readonly number[]; readonly now: number }
  | {
      readonly op: 'purge'
      readonly feed: number
      readonly ids: readonly number[] | undefined
      readonly queue: string | undefined
      readonly parkedBefore: number
    }
  | {
      readonly op: 'retain'
      readonly channel: number
      readonly passed: number
      readonly olderThan: number
      readonly maxBytes: number
      readonly limit: number
    }
  | { readonly op: 'relieve' }
  | { readonly op: 'close' }

/** Numbers per appended log row in `CommitRequest.appends`: channel, lane, offset and length of the frame. */
export const APPEND_FIELDS = 4

export interface CommitRequest {
  readonly op: 'commit'
  readonly now: number
  readonly slab: ArrayBuffer
  readonly appends: Float64Array
  /** Index among `appends` and key, in order of index. */
  readonly appendKeys: readonly (readonly [index: number, key: string])[]
  readonly tasks: readonly TaskInsert[]
  readonly ended: readonly number[]
  readonly updates: readonly TaskUpdate[]
  readonly cursors: readonly CursorUpdate[]
}

/** A row of its own: an entry of a queue, a log entry moved aside, or a parked one of either. */
export interface TaskInsert {
  readonly feed: number
  readonly queue: string
  readonly lane: number
  readonly due: number
  readonly attempt: number
  readonly handOuts: number
  readonly note: string | undefined
  readonly parked: string | undefined
  /** Position in the log it was moved aside from; 0 for an entry of a queue. */
  readonly origin: number
  readonly dedupChannel: number
  readonly dedupKey: string | undefined
  readonly storedAt: number
  /** When it was moved aside or parked. */
  readonly now: number
  readonly offset: number
  readonly length: number
}

export interface TaskUpdate {
  readonly id: number
  readonly attempt: number
  readonly handOuts: number
  readonly due: number
  readonly note: string | undefined
  readonly parked: string | undefined
  readonly now: number
}

/**
 * Where a feed stands. Log positions up to `handed` are done, except those in `open`; `out` are task ids handed out.
 * An open position counts double, plus one if a consumer has it. Both lists are ascending varint differences. `clean`: given back at a shutdown, so no hand-out is held against them.
 */
export interface CursorUpdate {
  readonly feed: number
  readonly handed: number
  readonly open: Uint8Array
  readonly out: Uint8Array
  readonly clean: boolean
}

export interface FetchWant {
  readonly queue: string
  readonly limit: number
  /** Task ids already in memory or handed out. */
  readonly held: readonly number[]
}

export interface CommitReply {
  /** Per append: the position, or minus the position of the entry that had the same key. */
  readonly positions: Float64Array
  /** Per task insert, in the same way. */
  readonly ids: Float64Array
  readonly slab: ArrayBuffer
}

export interface ChannelInfo {
  readonly id: number
  readonly name: string
  readonly kind: ChannelKind
  readonly lanes: number
  readonly last: number
  readonly lastBytes: number
  readonly feeds: readonly FeedInfo[]
}

export interface FeedInfo {
  readonly id: number
  readonly name: string
  readonly handed: number
  /** Bytes of the log up to and with `handed`. */
  readonly handedBytes: number
  readonly queues: readonly QueueInfo[]
}

export interface QueueInfo {
  readonly queue: string
  readonly events: number
  readonly bytes: number
  readonly due: number
}

/** Numbers per row in `Page.rows` of a log: position, lane, storedAt, cumulative bytes, offset, length. */
export const LOG_ROW_FIELDS = 6

export interface LogPage {
  readonly slab: ArrayBuffer
  readonly rows: Float64Array
  /** False when the page was cut by a limit. */
  readonly complete: boolean
}

export interface TaskRow {
  readonly id: number
  readonly queue: string
  readonly lane: number
  readonly due: number
  readonly attempt: number
  readonly handOuts: number
  readonly note: string | undefined
  readonly dedupKey: string | undefined
  readonly parked: string | undefined
  readonly parkedAt: number
  readonly origin: number
  readonly storedAt: number
  readonly frame: Uint8Array
}

export interface FetchReply {
  readonly tasks: readonly TaskRow[]
  /** Per want: when the queue has more, ms since the epoch; Infinity when nothing is left. */
  readonly nextDue: readonly number[]
}

/** Positions from 1; 0 as `oldest`: there is nothing. */
export interface BeginningReply {
  readonly oldest: number
  readonly storedAt: number
  /** The last position that retention cut. */
  readonly cut: number
}

export interface RetainReply {
  readonly removed: number
  readonly more: boolean
}

export type Reply = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly fault: StoreFault }
