import { sleep } from '@sluice/clock'
import { writeCursor } from './cursor.ts'
import type { Item } from './item.ts'
import type { Grip, LaneReader, LaneStore } from './lane-store.ts'

/** Ends become durable at the latest this much later. */
const FLUSH_MS = 10
const RETRY_MS = 100

export interface LaneDeps {
  readonly store: LaneStore
  readonly grip: Grip
  readonly member: string
  /** Somebody else has it now. */
  readonly onLost: (lane: Lane) => void
}

/**
 * One lane of a subscription in its owner: what has not ended in it, and its cursor, written under the condition that
 * nobody else took it since. That condition is the fence: an owner that was given up for dead finds out here.
 */
export class Lane {
  readonly number: number
  readonly grip: Grip
  readonly #deps: LaneDeps
  /** Where it was published, read and not ended, oldest first. */
  readonly open = new Map<number, Item>()
  /** Aside and not ended. */
  readonly aside = new Map<string, Item>()
  /** Copies aside that are done with, until they are deleted: a successor passes them over. */
  readonly gone = new Set<number>()
  /** Of those aside: out, or with hand-outs that a crash took. */
  readonly suspects = new Set<Item>()
  handed = 0
  /** Everything up to here has been read. */
  read = 0
  /** What was there before us, and may have brought its last owner down: recorded before it is handed out. */
  inherited = 0
  /** What was there when it was taken has been read. */
  isCaughtUp = false
  out = 0
  asideBytes = 0
  isLeaving = false
  isGone = false
  reader: LaneReader | undefined
  /** Ends on their way to the store. */
  readonly writing = new Set<Promise<unknown>>()
  #isGivenUp = false
  #flushing: Promise<unknown> = Promise.resolve()
  #queued: Promise<void> | undefined
  #timer: Disposable | undefined

  constructor(number: number, deps: LaneDeps) {
    this.number = number
    this.grip = deps.grip
    this.#deps = deps
    deps.grip.onLost = () => this.#lost()
  }

  /** The cursor is written soon. */
  changed(): void {
    this.#timer ??= this.#deps.store.clock.after(FLUSH_MS, () => {
      this.#timer = undefined
      this.flush().catch(() => undefined)
    })
  }

  /** Resolves once the cursor as it is now, or newer, is stored. Rejects when the lane is lost or the driver closes. */
  flush(): Promise<void> {
    this.#queued ??= this.#flushing.then(() => {
      this.#queued = undefined
      this.#timer?.[Symbol.dispose]()
      this.#timer = undefined
      return this.#write()
    })
    this.#flushing = this.#queued.catch(() => undefined)
    return this.#queued
  }

  /**
   * Gives the lane to whoever wants it; what is out counts as given back. Does not wait for a server that is away: false, and
   * the lane stands under our name still.
   */
  async release(): Promise<boolean> {
    this.#isGivenUp = true
    this.leave()
    try {
      if (!this.#deps.store.isUp) return false
      await this.flush()
      return true
    } finally {
      this.grip[Symbol.dispose]()
    }
  }

  /** Nothing more is read or written for it. */
  leave(): void {
    this.isGone = true
    this.reader?.[Symbol.dispose]()
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  async #write(): Promise<void> {
    const { store, member } = this.#deps
    for (;;) {
      if (this.isGone && !this.#isGivenUp) throw this.#moved()
      const text = writeCursor(
        {
          owner: this.#isGivenUp ? null : member,
          handed: this.handed,
          open: this.open.values(),
          aside: this.suspects,
          gone: this.gone,
          events: this.aside.size,
          bytes: this.asideBytes,
        },
        this.#isGivenUp,
      )
      const [firstOpen = this.read + 1] = this.open.keys()
      const isOurs = await this.grip.write(text, firstOpen - 1).catch(async (error: unknown) => {
        if (!store.isUnavailable(error) || (this.#isGivenUp && !store.isUp)) throw error
        await sleep(store.clock, RETRY_MS)
        return undefined
      })
      if (isOurs) return
      if (isOurs === false) {
        this.#lost()
        throw this.#moved()
      }
    }
  }

  #lost(): void {
    if (this.isGone) return
    this.leave()
    this.grip[Symbol.dispose]()
    this.#deps.onLost(this)
  }

  #moved(): Error {
    return this.#deps.store.unavailable('the lane has another owner')
  }
}
