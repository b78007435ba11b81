import type { Linked } from '@sluice/linked-list'
import type { Delivery, Entry, Position } from '../port.ts'
import { ACK, DONE, type End, endCopy, rewritten } from './ends.ts'

export interface DirectDeps {
  readonly now: () => number
  /** Writes the entry to the store after all. */
  readonly write: (direct: Direct, entry: Entry) => Promise<Position>
  /** It ended: its place at the consumer is free. */
  readonly freed: (direct: Direct, end: End) => void
  /** Nothing more will be heard of it. */
  readonly forgotten: (direct: Direct) => void
  /** It could not be written while it runs: memory alone has it, as before. */
  readonly unspilled: (direct: Direct) => void
}

/**
 * A copy handed to the local consumer before, or instead of, being written.
 *
 *   direct ── ack ─────────────────────────────► over, nothing written
 *      ├───── nack · release · park ───────────► written with its attempt, note and time
 *      └───── does not end at once: `spill` ───► written; the stored copy, when handed out, ends as this one does
 */
export class Direct implements Delivery, Linked<Direct> {
  readonly entry: Entry
  readonly key: string
  readonly lane: number
  readonly bytes: number
  readonly storedAt: number
  readonly handOuts = 1
  /** Fulfils the publisher: the copy has ended, or is stored. A write that fails is the publisher's to repeat. */
  readonly published: Promise<Position>
  readonly #deps: DirectDeps
  readonly #resolve: (position: Position) => void
  readonly #reject: (error: unknown) => void
  #end: End | undefined
  #isWritten = false
  /** Writing it failed, and may have succeeded unheard: what is written under its key now may be taken for a repeat. */
  #isDoubtful = false
  copy: Delivery | undefined
  /** At the consumer, or was. */
  isOut = false
  next: Direct | undefined = undefined
  previous: Direct | undefined = undefined
  /** Memory alone has it since then, on the monotonic clock. */
  since: number

  constructor(copy: Pick<Direct, 'entry' | 'key' | 'lane' | 'bytes' | 'storedAt' | 'since'>, deps: DirectDeps) {
    this.entry = copy.entry
    this.key = copy.key
    this.lane = copy.lane
    this.bytes = copy.bytes
    this.storedAt = copy.storedAt
    this.since = copy.since
    this.#deps = deps
    const { promise, resolve, reject } = Promise.withResolvers<Position>()
    this.published = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  get event() {
    return this.entry.event
  }
  get headers() {
    return this.entry.headers
  }
  get stamp() {
    return this.entry.stamp
  }
  get laneKey() {
    return this.entry.laneKey
  }
  get queue() {
    return this.entry.queue ?? ''
  }
  get position() {
    return this.copy?.position ?? ''
  }
  get attempt() {
    return this.entry.attempt ?? 1
  }
  get note() {
    return this.entry.note
  }
  get dedupKey() {
    return this.entry.dedupKey
  }
  get isEnded() {
    return this.#end !== undefined
  }
  get isRunning() {
    return this.isOut && this.#end === undefined
  }
  /** It ended as `release` without delay: its copy, when it comes, comes in its place as if it had never been out. */
  get isGivenBack() {
    return this.#end?.kind === 'release' && !(this.#end.delayMs > 0)
  }
  /** A delivery of the store with this key is this one's: it is written as it was, or was stored before it came here. */
  get awaitsCopy() {
    return this.copy === undefined && (this.#end === undefined || this.#isWritten)
  }

  /**
   * Writes it as it is. Where that fails it stays in memory while it runs; one that does not run yet, and any when
   * `isLast`, is given back to its publisher.
   */
  async spill(isLast: boolean): Promise<void> {
    this.#isWritten = true
    try {
      this.#resolve(await this.#deps.write(this, { ...this.entry, dedupKey: this.key }))
      if (!this.isOut) this.#deps.forgotten(this)
    } catch (error) {
      if (this.copy !== undefined) return
      this.#isDoubtful = true
      if (this.#end?.kind === 'ack') return this.#over()
      if (this.#end !== undefined) return await this.#writeAgain().catch(noop)
      this.#isWritten = false
      if (isLast || !this.isOut) this.#giveUp(error)
      else this.#deps.unspilled(this)
    }
  }

  /** The store hands out the copy of this one. */
  bind(copy: Delivery): void {
    this.copy = copy
    this.#resolve(copy.position)
    // What can't be ended is handed out again by the driver.
    if (this.#end !== undefined) endCopy(copy, this.#end).catch(noop)
  }

  ack(): Promise<void> {
    return this.#endAs(ACK)
  }
  nack(delayMs: number, note?: string): Promise<void> {
    return this.#endAs({ kind: 'nack', delayMs, note })
  }
  release(delayMs: number): Promise<void> {
    return this.#endAs({ kind: 'release', delayMs })
  }
  park(reason: string, note?: string): Promise<void> {
    return this.#endAs({ kind: 'park', reason, note })
  }

  #endAs(end: End): Promise<void> {
    if (this.#end !== undefined) return DONE
    this.#end = end
    const mustWriteAgain = this.#isDoubtful && !this.#isWritten && end.kind !== 'ack'
    if (mustWriteAgain) this.#isWritten = true
    const ended = this.copy === undefined ? undefined : endCopy(this.copy, end)
    this.#deps.freed(this, end)
    if (ended !== undefined) {
      this.#deps.forgotten(this)
      return ended
    }
    if (mustWriteAgain) return this.#writeAgain()
    if (!this.#isWritten) return this.#write(end)
    // Being written as it was: the copy, when it comes, ends like this.
    return end.kind === 'ack' ? DONE : this.published.then(noop)
  }

  /** Rejects like the publisher's promise: nobody may take for stored what is not. */
  #write(end: End): Promise<void> {
    if (end.kind !== 'ack')
      return this.#rewrite(rewritten({ ...this.entry, dedupKey: this.key }, end, this.#deps.now()))
    this.#over()
    return DONE
  }

  #over(): void {
    this.#deps.forgotten(this)
    this.#resolve('')
  }

  async #rewrite(entry: Entry): Promise<void> {
    await this.#writeEnded(entry)
    this.#deps.forgotten(this)
  }

  /** As it was, so that it does not matter whether it is there already. The copy ends like this one. */
  #writeAgain(): Promise<void> {
    return this.#writeEnded({ ...this.entry, dedupKey: this.key })
  }

  async #writeEnded(entry: Entry): Promise<void> {
    try {
      this.#resolve(await this.#deps.write(this, entry))
    } catch (error) {
      this.#giveUp(error)
      throw error
    }
  }

  #giveUp(error: unknown): void {
    this.#end ??= ACK
    this.#deps.forgotten(this)
    this.#reject(error)
  }
}

function noop(): void {}
