import type { Delivery, Entry, Position } from '../port.ts'

/** How a hand-out ended: on its stored copy if there is one, else as a change to what is written, or nothing at all. */
interface Outcome {
  readonly onCopy: (copy: Delivery) => Promise<void>
  readonly written: Partial<Entry> | undefined
}

export interface DirectDeps {
  readonly now: () => number
  /** Writes the entry to the store after all. */
  readonly store: (entry: Entry) => Promise<Position>
  /** The request is over: its place is free. */
  readonly freed: (direct: Direct) => void
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
export class Direct implements Delivery {
  readonly entry: Entry
  readonly key: string
  readonly lane: number
  readonly storedAt: number
  readonly handOuts = 1
  /** Fulfils the publisher: the copy has ended, or is stored. A write that fails is the publisher's to repeat. */
  readonly published: Promise<Position>
  readonly #deps: DirectDeps
  readonly #resolve: (position: Position) => void
  readonly #reject: (error: unknown) => void
  #outcome: Outcome | undefined
  #copy: Delivery | undefined
  #isSpilled = false
  isOut = false

  constructor(entry: Entry, key: string, lane: number, deps: DirectDeps) {
    this.entry = entry
    this.key = key
    this.lane = lane
    this.storedAt = deps.now()
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
    return this.#copy?.position ?? ''
  }
  get attempt() {
    return this.entry.attempt ?? 1
  }
  get note() {
    return this.entry.note
  }
  get dedupKey() {
    return this.key
  }
  get isSpilled() {
    return this.#isSpilled
  }
  get isEnded() {
    return this.#outcome !== undefined
  }

  /** Writes it as it is. `isLast`: there will be no other chance, so a failure is the publisher's. */
  async spill(isLast: boolean): Promise<void> {
    this.#isSpilled = true
    try {
      this.#resolve(await this.#deps.store({ ...this.entry, dedupKey: this.key }))
      if (!this.isOut) this.#deps.forgotten(this)
    } catch (error) {
      this.#isSpilled = false
      if (this.#outcome !== undefined) await this.#settle(this.#outcome)
      else if (isLast) this.#reject(error)
      else this.#deps.unspilled(this)
    }
  }

  /** The store hands out the copy of this one. */
  bind(copy: Delivery): void {
    this.#copy = copy
    if (this.#outcome !== undefined) void this.#settle(this.#outcome)
  }

  ack(): Promise<void> {
    return this.#end({ onCopy: (copy) => copy.ack(), written: undefined })
  }

  nack(delayMs: number, note?: string): Promise<void> {
    const written = { attempt: this.attempt + 1, notBefore: this.#deps.now() + Math.max(0, delayMs) }
    return this.#end({ onCopy: (copy) => copy.nack(delayMs, note), written: withNote(written, note) })
  }

  release(delayMs: number): Promise<void> {
    const written = { notBefore: this.#deps.now() + Math.max(0, delayMs) }
    return this.#end({ onCopy: (copy) => copy.release(delayMs), written })
  }

  park(reason: string, note?: string): Promise<void> {
    return this.#end({ onCopy: (copy) => copy.park(reason, note), written: withNote({ parked: reason }, note) })
  }

  #end(outcome: Outcome): Promise<void> {
    if (this.#outcome !== undefined) return DONE
    this.#outcome = outcome
    this.#deps.freed(this)
    // Being written: the copy, when it comes, ends like this.
    if (this.#isSpilled && this.#copy === undefined) return this.published.then(noop, noop)
    return this.#settle(outcome)
  }

  async #settle({ onCopy, written }: Outcome): Promise<void> {
    this.#deps.forgotten(this)
    if (this.#copy !== undefined) return onCopy(this.#copy)
    if (written === undefined) return this.#resolve('')
    await this.#deps.store({ ...this.entry, dedupKey: this.key, ...written }).then(this.#resolve, this.#reject)
  }
}

const DONE = Promise.resolve()

function withNote(written: Partial<Entry>, note: string | undefined): Partial<Entry> {
  return note === undefined ? written : { ...written, note }
}

function noop(): void {}
