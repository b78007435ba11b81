import type { Envelope } from '@sluice/channel'
import { decodeFrame } from './frame.ts'
import { LOG_ROW_FIELDS, type LogPage, type TaskRow } from './protocol.ts'

/** One stored entry in memory. One shape for log rows and tasks keeps the hot path monomorphic. */
export interface Item {
  /** Position in the log, or id of the task. */
  readonly id: number
  readonly isTask: boolean
  readonly queue: string
  readonly lane: number
  readonly attempt: number
  /** Times handed out before with no outcome. */
  readonly handOuts: number
  readonly note: string | undefined
  readonly dedupKey: string | undefined
  /** Log position of a task that was moved aside; 0 otherwise. */
  readonly origin: number
  readonly storedAt: number
  readonly bytes: number
  readonly envelope: Envelope
}

/** The position under which the entry is known outside: where it lies in the log, even when it was moved aside. */
export function positionOf(item: Item): string {
  return String(item.origin === 0 ? item.id : item.origin)
}

export function logItem(
  id: number,
  lane: number,
  storedAt: number,
  bytes: number,
  { envelope, dedupKey }: { envelope: Envelope; dedupKey: string | undefined },
): Item {
  return {
    id,
    isTask: false,
    queue: '',
    lane,
    attempt: 1,
    handOuts: 0,
    note: undefined,
    dedupKey,
    origin: 0,
    storedAt,
    bytes,
    envelope,
  }
}

export function* itemsOfPage({ slab, rows }: LogPage): Generator<Item> {
  const bytes = Buffer.from(slab)
  for (let i = 0; i < rows.length; i += LOG_ROW_FIELDS) {
    const length = rows[i + 5] as number
    const frame = bytes.subarray(rows[i + 4] as number, (rows[i + 4] as number) + length)
    yield logItem(rows[i] as number, rows[i + 1] as number, rows[i + 2] as number, length, decodeFrame(frame))
  }
}

export function itemOfTask(row: TaskRow): Item {
  const frame = Buffer.from(row.frame.buffer, row.frame.byteOffset, row.frame.length)
  const { envelope, dedupKey } = decodeFrame(frame)
  return {
    id: row.id,
    isTask: true,
    queue: row.queue,
    lane: row.lane,
    attempt: row.attempt,
    handOuts: row.handOuts,
    note: row.note,
    dedupKey: row.dedupKey ?? dedupKey,
    origin: row.origin,
    storedAt: row.storedAt,
    bytes: frame.length,
    envelope,
  }
}
