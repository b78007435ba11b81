import type { Item } from './item.ts'
import { itemsOfPage } from './item.ts'
import type { Link } from './link.ts'
import type { LogPage } from './protocol.ts'

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

  /** Hands out what `grant` takes, in order; `isOnlyConsumer` lets it stop at the first refusal. */
  offer(grant: (item: Item) => boolean, isOnlyConsumer: boolean): void {
    let taken = 0
    const buffer = this.#buffer
    if (isOnlyConsumer) {
      while (taken < buffer.length && grant(buffer[taken] as Item)) {
        this.#bufferBytes -= (buffer[taken] as Item).bytes
        taken++
      }
      if (taken > 0) this.#buffer = taken === buffer.length ? [] : buffer.slice(taken)
      return
    }
    const refused = new Set<number>()
    this.#buffer = buffer.filter((item, i) => {
      const isTaken = i < LOOK_AHEAD && !refused.has(item.lane) && grant(item)
      if (isTaken) this.#bufferBytes -= item.bytes
      else refused.add(item.lane)
      return !isTaken
    })
  }

  giveBack(items: readonly Item[]): void {
    for (const item of items) this.#bufferBytes += item.bytes
    this.#buffer = [...items, ...this.#buffer].sort((a, b) => a.id - b.id)
  }

  /** Reads the next page when the buffer runs low. Answers true when more was put into it. */
  async fill(): Promise<boolean> {
    if (this.#isReading || this.loaded >= this.#tail.last || this.#buffer.length >= PAGE_EVENTS) return false
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
      return page.rows.length > 0
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
