import { sleep } from '@sluice/clock'
import { NO_CURSOR, readCursor, writeCursor } from './cursor.ts'
import { isFault, isUnavailable, unavailable, WRONG_LAST_SEQUENCE } from './errors.ts'
import type { Item } from './item.ts'
import type { Link } from './link.ts'
import type { Reader } from './reader.ts'
import { expecting, newest, store } from './store.ts'

/** Ends become durable at the latest this much later. */
const FLUSH_MS = 10
const RETRY_MS = 100

export interface LaneDeps {
  readonly link: Link
  readonly stream: string
  readonly subject: string
  readonly member: string
  /** Somebody else has it now. */
  readonly onLost: (lane: Lane) => void
}

/**
 * One lane of a subscription in its owner: what has not ended in it, and its cursor, written under the condition that
 * nobody else wrote it since. That condition is the fence: an owner that was given up for dead finds out here.
 */
export class Lane {
  readonly number: number
  readonly #deps: LaneDeps
  /** In the stream of events, read and not ended, oldest first. */
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
  out = 0
  asideBytes = 0
  isLeaving = false
  isGone = false
  reader: Reader | undefined
  /** Ends on their way to the store. */
  readonly writing = new Set<Promise<unknown>>()
  #revision: number
  #isGivenUp = false
  #flushing: Promise<unknown> = Promise.resolve()
  #queued: Promise<void> | undefined
  #timer: Disposable | undefined

  constructor(number: number, revision: number, deps: LaneDeps) {
    this.number = number
    this.#revision = revision
    this.#deps = deps
  }

  /** The cursor is written soon. */
  changed(): void {
    this.#timer ??= this.#deps.link.options.clock.after(FLUSH_MS, () => {
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

  /** Gives the lane to whoever wants it; what is out counts as given back. Does not wait for a server that is away. */
  async release(): Promise<void> {
    this.#isGivenUp = true
    this.leave()
    if (this.#deps.link.isUp) await this.flush()
  }

  /** Nothing more is read or written for it. */
  leave(): void {
    this.isGone = true
    this.reader?.[Symbol.dispose]()
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  async #write(): Promise<void> {
    const { link, subject, member, stream } = this.#deps
    for (;;) {
      if (this.isGone && !this.#isGivenUp) throw unavailable('the lane has another owner')
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
      try {
        this.#revision = await store(link, subject, text, expecting(this.#revision))
        return
      } catch (error) {
        if (isFault(error, WRONG_LAST_SEQUENCE)) await this.#checkOwner(stream, subject)
        else if (!isUnavailable(error) || (this.#isGivenUp && !link.isUp)) throw error
        else await sleep(link.options.clock, RETRY_MS)
      }
    }
  }

  /** A write of ours whose answer was lost is ours still. */
  async #checkOwner(stream: string, subject: string): Promise<void> {
    const found = await newest(this.#deps.link, stream, subject).catch(() => undefined)
    const { owner } = found === undefined ? NO_CURSOR : readCursor(found.text)
    if (found !== undefined && owner === this.#deps.member) {
      this.#revision = found.seq
      return
    }
    this.leave()
    this.#deps.onLost(this)
    throw unavailable('the lane has another owner')
  }
}
