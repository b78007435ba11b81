import type { Envelope } from '@sluice/channel'
import type { Slab } from './frame.ts'
import {
  APPEND_FIELDS,
  type CommitReply,
  type CommitRequest,
  type CursorUpdate,
  type TaskInsert,
  type TaskUpdate,
} from './protocol.ts'

/** A new log row on its way; told its position once stored. `isNew` false: its key was known, nothing was stored. */
export interface Appending {
  readonly channel: number
  readonly lane: number
  readonly envelope: Envelope
  readonly dedupKey: string | undefined
  readonly stored: (position: number, bytes: number, isNew: boolean) => void
}

/** A new task on its way. */
export interface AddingTask {
  readonly task: Omit<TaskInsert, 'offset' | 'length'>
  readonly envelope: Envelope
  readonly stored: (id: number, bytes: number, isNew: boolean) => void
}

/** A producer that waits: fulfilled with its rows, refused at once when the store can't take them. */
export interface Call {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** What must reach the disk whatever happens: ends, attempts, entries moved aside. Tried until it does. */
export interface Keeping {
  aside?: AddingTask
  ended?: number
  update?: TaskUpdate
  /** Called once it is on disk. */
  kept?: () => void
  /** Called instead when it never will be. */
  dropped?: () => void
}

export interface CursorSource {
  cursor(): CursorUpdate
}

/** Everything of one commit. */
export class Batch {
  readonly appends: Appending[] = []
  readonly tasks: AddingTask[] = []
  readonly calls: Call[] = []
  keeping: Keeping[] = []
  dirty = new Set<CursorSource>()

  get isEmpty(): boolean {
    return this.calls.length === 0 && this.keeping.length === 0 && this.dirty.size === 0
  }

  /** Rows, not calls: what makes an fsync worth its price. */
  get size(): number {
    return this.appends.length + this.tasks.length
  }

  request(slab: Slab, now: number): { request: CommitRequest; lengths: number[]; asides: AddingTask[] } {
    const lengths: number[] = []
    const appends = new Float64Array(this.appends.length * APPEND_FIELDS)
    const appendKeys: [number, string][] = []
    this.appends.forEach((append, i) => {
      const field = i * APPEND_FIELDS
      appends[field] = append.channel
      appends[field + 1] = append.lane
      appends[field + 2] = slab.length
      appends[field + 3] = slab.write(append.envelope, append.dedupKey)
      lengths.push(appends[field + 3] as number)
      if (append.dedupKey !== undefined) appendKeys.push([i, append.dedupKey])
    })
    const asides = this.keeping.flatMap(({ aside }) => aside ?? [])
    const tasks = [...this.tasks, ...asides].map(({ task, envelope }) => {
      const offset = slab.length
      const length = slab.write(envelope, task.dedupKey)
      lengths.push(length)
      return { ...task, offset, length }
    })
    const request: CommitRequest = {
      op: 'commit',
      now,
      slab: slab.bytes.buffer as ArrayBuffer,
      appends,
      appendKeys,
      tasks,
      ended: this.keeping.flatMap(({ ended }) => ended ?? []),
      updates: this.keeping.flatMap(({ update }) => update ?? []),
      cursors: Array.from(this.dirty, (feed) => feed.cursor()),
    }
    return { request, lengths, asides }
  }

  stored(reply: CommitReply, lengths: readonly number[], asides: readonly AddingTask[]): void {
    const { appends, tasks, calls, keeping } = this
    for (let i = 0; i < appends.length; i++) {
      const position = reply.positions[i] as number
      appends[i]?.stored(Math.abs(position), lengths[i] as number, position > 0)
    }
    for (let i = 0; i < tasks.length + asides.length; i++) {
      const id = reply.ids[i] as number
      const adding = i < tasks.length ? tasks[i] : asides[i - tasks.length]
      adding?.stored(Math.abs(id), lengths[appends.length + i] as number, id > 0)
    }
    for (const { kept } of keeping) kept?.()
    for (const { resolve } of calls) resolve()
  }
}
