import type { Item } from './item.ts'
import { itemsOfPage } from './item.ts'
import { grantInOrder } from './lanes.ts'
import type { Link } from './link.ts'
import { LOG_ROW_FIELDS, type LogPage } from './protocol.ts'

const PAGE_EVENTS = 512
const PAGE_BYTES = 1024 * 1024
/** How far past an entry that can't go yet others are looked at, where lanes belong to several consumers. */
const LOOK_AHEAD = 4096

/** Where the log ends; kept by the driver with each commit. */
export interface LogTail {
  readonly id: number
  last: number
  lastBytes: number
}

/**
 * A log as one subscription sees it: from memory while it keeps up, from the file when it fell behind the byte cap.
 * `loaded` is the last position that was put into the buffer; what follows it is in the file only.
 */
export class LogSource {
  #buffer: Item[] = []
  #bufferBytes = 0
  #loadedBytes: number
  #isReading = false
  loaded: number
  readonly #tail: LogTail
  readonly #link: Link
  readonly #tipBytes: number

  constructor(deps: { tail: LogTail; link: Link; tipBytes: number; handed: number; handedBytes: number }) {
    this.#tail = deps.tail
    this.#link = deps.link
    this.#tipBytes = deps.tipBytes
    this.loaded = deps.handed
    this.#loadedBytes = deps.handedBytes
  }

  /** The first position not handed out, or given back. */
  get firstWaiting(): number {
    return this.#buffer[0]?.id ?? this.loaded + 1
  }

  /** What waits in the buffer up to a position: given back, or passed over while its lane moved. */
  idsUpTo(position: number): number[] {
    const ids: number[] = []
    for (const { id } of this.#buffer) {
      if (id > position) break
      ids.push(id)
    }
    return ids
  }

  get waiting(): { events: number; bytes: number } {
    return {
      events: this.#buffer.length + this.#tail.last - this.loaded,
      bytes: this.#bufferBytes + this.#tail.lastBytes - this.#loadedBytes,
    }
  }

  /** Just committed, in order of position. Beyond the cap, or when something before it is missing, it stays in the file. */
  stored(item: Item): void {
    if (this.#isReading || this.loaded !== item.id - 1 || this.#bufferBytes + item.bytes > this.#tipBytes) return
    this.#push(item)
  }

  /** Hands out what `grant` takes, each lane in order. */
  offer(grant: (item: Item) => boolean, isOnlyConsumer: boolean): void {
    const counted = (item: Item) => {
      const isTaken = grant(item)
      if (isTaken) this.#bufferBytes -= item.bytes
      return isTaken
    }
    const reach = isOnlyConsumer ? this.#buffer : this.#buffer.slice(0, LOOK_AHEAD)
    const left = grantInOrder(reach, Number.POSITIVE_INFINITY, isOnlyConsumer, counted)
    if (left.length < reach.length) this.#buffer = left.concat(this.#buffer.slice(reach.length))
  }

  giveBack(items: readonly Item[]): void {
    for (const item of items) this.#bufferBytes += item.bytes
    this.#buffer = [...items, ...this.#buffer].sort((a, b) => a.id - b.id)
  }

  /** Reads the next page when the buffer runs low. Answers true when it has looked. */
  async fill(isOnlyConsumer: boolean): Promise<boolean> {
    if (this.#isReading || this.loaded >= this.#tail.last) return false
    if (this.#buffer.length >= (isOnlyConsumer ? PAGE_EVENTS : LOOK_AHEAD)) return false
    if (this.#bufferBytes >= this.#tipBytes / 2) return false
    this.#isReading = true
    try {
      const page = await this.#link.ask<LogPage>({
        op: 'readLog',
        channel: this.#tail.id,
        after: this.loaded,
        limit: PAGE_EVENTS,
        maxBytes: PAGE_BYTES,
      })
      for (const item of itemsOfPage(page)) this.#push(item)
      // The file's own count: it also knows rows of a commit whose success was never heard of.
      if (page.rows.length > 0) this.#loadedBytes = page.rows[page.rows.length - LOG_ROW_FIELDS + 3] as number
      return true
    } finally {
      this.#isReading = false
    }
  }

  #push(item: Item): void {
    this.#buffer.push(item)
    this.#bufferBytes += item.bytes
    this.loaded = item.id
    this.#loadedBytes += item.bytes
  }
}
