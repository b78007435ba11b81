import type { Clock } from '@sluice/clock'
import { type AddingTask, type Appending, Batch, type CursorSource, type Keeping } from './batch.ts'
import { ACK_DELAY_MS, COMMIT_WINDOW_MS, SMALL_BATCH, UNAVAILABLE_MS } from './config.ts'
import { closed, type StoreFault, unavailable } from './errors.ts'
import { Slab } from './frame.ts'
import { type Link, StoreError } from './link.ts'
import type { CommitReply } from './protocol.ts'

const SLAB_BYTES = 256 * 1024
const SPARE_SLABS = 2
const SPARE_MAX_BYTES = 4 * 1024 * 1024

export interface CommitterDeps {
  readonly link: Link
  readonly clock: Clock
  /** The first failure after the store worked. */
  readonly onFault: (fault: StoreFault) => void
  readonly onRecovery: () => void
  /** Tries to make room; true when the store may take new events again. */
  readonly relieve: () => Promise<boolean>
}

/**
 * Group commit. Whatever came in while a commit ran is the next one: one message to the store, one fsync. The first
 * event after a pause goes at once; while batches are small, commits start at least a millisecond apart, because an
 * fsync for three events costs what one for thirty does. Acknowledgements ride along, or go alone after 5 ms.
 *
 *   store() ──► batch ──► commit ── done ──► resolve
 *                  ▲          └─ failed ──► producers: CHANNEL_UNAVAILABLE · ends and attempts: next try in a second
 *   keep() ────────┴───────────────────────────────────────────────────────────────────┘
 */
export class Committer {
  readonly #deps: CommitterDeps
  readonly #spare: Buffer[] = []
  #next = new Batch()
  #running: Promise<void> | undefined
  #timer: Disposable | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #isDeferred = false
  #lastStart = Number.NEGATIVE_INFINITY
  #lastSize = 0
  #fault: StoreFault | undefined
  #isClosed = false

  constructor(deps: CommitterDeps) {
    this.#deps = deps
  }

  /** Why producers are refused at the moment. */
  get fault(): StoreFault | undefined {
    return this.#fault
  }

  /** Resolves once every row is on disk; rejects with CHANNEL_UNAVAILABLE or CHANNEL_CLOSED. */
  store(appends: readonly Appending[], tasks: readonly AddingTask[]): Promise<void> {
    if (this.#isClosed) return Promise.reject(closed())
    if (this.#fault !== undefined) return Promise.reject(unavailable(this.#fault))
    const batch = this.#next
    for (const append of appends) batch.appends.push(append)
    for (const task of tasks) batch.tasks.push(task)
    return new Promise((resolve, reject) => {
      batch.calls.push({ resolve, reject })
      this.#schedule()
    })
  }

  /** Rides along with the next commit, and with every one after a failed one. */
  keep(change: Keeping): void {
    this.#next.keeping.push(change)
    this.#schedule()
  }

  /** The feed's cursor moved: its newest state goes with the next commit. */
  moved(feed: CursorSource): void {
    if (this.#next.dirty.has(feed)) return
    this.#next.dirty.add(feed)
    this.#schedule()
  }

  /** Resolves once the feed's present cursor is on disk. */
  record(feed: CursorSource): Promise<void> {
    return new Promise((resolve) => {
      this.#next.dirty.add(feed)
      this.#next.keeping.push({ kept: resolve })
      if (this.#running === undefined) this.#defer()
    })
  }

  /** Resolves once all that was accepted so far is stored, or refused. */
  async flush(): Promise<void> {
    if (this.#fault === undefined) await this.store([], []).catch(() => undefined)
    await this.#running
  }

  /** Drops what is still kept for a feed that is no more. */
  forget(feed: CursorSource & { readonly id: number }): void {
    this.#next.dirty.delete(feed)
    const isGone = ({ aside }: Keeping) => aside?.task.feed === feed.id
    const gone = this.#next.keeping.filter(isGone)
    this.#next.keeping = this.#next.keeping.filter((keeping) => !isGone(keeping))
    for (const { dropped } of gone) dropped?.()
  }

  /** Commits what is left; nothing is taken any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#disarm()
    await this.#running
    if (!this.#next.isEmpty) await this.#commit()
    // What could not be stored is still handed out on disk, and comes again.
    for (const { dropped } of this.#next.keeping.splice(0)) dropped?.()
  }

  #schedule(): void {
    if (this.#running !== undefined || this.#isDeferred || this.#isClosed) return
    const waited = this.#deps.clock.monotonic() - this.#lastStart
    if (this.#fault !== undefined) this.#arm(UNAVAILABLE_MS - waited)
    else if (this.#next.calls.length === 0) this.#arm(ACK_DELAY_MS)
    else if (waited >= COMMIT_WINDOW_MS || this.#lastSize >= SMALL_BATCH || this.#next.size >= SMALL_BATCH)
      this.#defer()
    else this.#arm(COMMIT_WINDOW_MS - waited)
  }

  /** To the end of this turn of the event loop: requests that arrived together share a commit. */
  #defer(): void {
    if (this.#isDeferred || this.#isClosed) return
    this.#isDeferred = true
    this.#deps.link.defer(() => {
      this.#isDeferred = false
      this.#start()
    })
  }

  #arm(delayMs: number): void {
    const at = this.#deps.clock.monotonic() + delayMs
    if (at >= this.#timerAt) return
    this.#disarm()
    this.#timerAt = at
    this.#timer = this.#deps.clock.after(delayMs, () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      this.#start()
    })
  }

  #disarm(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  #start(): void {
    if (this.#running !== undefined || this.#isClosed || (this.#next.isEmpty && this.#fault === undefined)) return
    this.#disarm()
    this.#lastStart = this.#deps.clock.monotonic()
    this.#running = this.#commit().then(() => {
      this.#running = undefined
      if (!this.#next.isEmpty || this.#fault !== undefined) this.#schedule()
    })
  }

  async #commit(): Promise<void> {
    const isRelieved = this.#fault === undefined || (await this.#deps.relieve().catch(() => false))
    const batch = this.#next
    this.#next = new Batch()
    this.#lastSize = batch.size
    const slab = new Slab(this.#spare.pop() ?? SLAB_BYTES)
    let stored: () => void
    try {
      const { request, lengths, asides } = batch.request(slab, this.#deps.clock.now())
      const reply = await this.#deps.link.ask<CommitReply>(request, request.slab)
      stored = () => batch.stored(reply, lengths, asides)
      if (this.#spare.length < SPARE_SLABS && reply.slab.byteLength <= SPARE_MAX_BYTES)
        this.#spare.push(Buffer.from(reply.slab))
    } catch (error) {
      return this.#failed(batch, error instanceof StoreError ? error.fault : { errcode: 1, message: String(error) })
    }
    if (this.#fault !== undefined && isRelieved) {
      this.#fault = undefined
      this.#deps.onRecovery()
    }
    stored()
  }

  #failed(batch: Batch, fault: StoreFault): void {
    const isFirst = this.#fault === undefined
    this.#fault = fault
    this.#next.keeping = [...batch.keeping, ...this.#next.keeping]
    for (const feed of batch.dirty) this.#next.dirty.add(feed)
    for (const { reject } of batch.calls) reject(unavailable(fault))
    for (const { reject } of this.#next.calls.splice(0)) reject(unavailable(fault))
    this.#next.appends.length = 0
    this.#next.tasks.length = 0
    if (isFirst) this.#deps.onFault(fault)
  }
}
