import type { Delivery } from '@sluice/channel'

/** What comes of waiting: its turn, or back into its queue. */
export type Pass = 'go' | 'back'

/** A delivery that waits in hand. */
export interface Waiter {
  readonly delivery: Delivery
  readonly key: string
  readonly resolve: (pass: Pass) => void
}

interface Turn {
  holder: Delivery
  readonly waiting: Waiter[]
}

/** What one lane may have waiting in hand. */
export const MAX_WAITING_PER_LANE = 1_000
const PLACES = 32
/** A Map that was added to and deleted from this often is made anew: see LinkedList. */
const RENEW_AFTER = 4_096

/** What all ordered triggers of a broker have waiting in hand, and what they may, so that the others have room. */
export class WaitingRoom {
  readonly #maxEvents: number
  readonly #maxBytes: number
  events = 0
  bytes = 0

  constructor(limits: { readonly events: number; readonly bytes: number }) {
    this.#maxEvents = limits.events
    this.#maxBytes = limits.bytes
  }

  get isFull(): boolean {
    return this.events >= this.#maxEvents || this.bytes >= this.#maxBytes
  }
}

/** Whose turn it is for each order key: one delivery has it, the others wait behind it, oldest first. */
export class Line {
  /** A key is here while a delivery has its turn. */
  #keys = new Map<string, Turn>()
  #deleted = 0
  /** Have their key's turn, and wait for a place among the requests. */
  ready: Waiter[] = []
  /** Have their key's turn, and wait for their back-off. */
  readonly #later = new Map<Waiter, Disposable>()
  readonly #lanes: number[] = []
  readonly #room: WaitingRoom
  #size = 0

  constructor(room: WaitingRoom) {
    this.#room = room
  }

  /** Waiting in hand: for their key, for a retry, for a place among the requests. */
  get size(): number {
    return this.#size
  }

  /** A full room leaves each trigger a few places, so that one whose subscriber is fine goes on. */
  get isFull(): boolean {
    return (this.#room.isFull && this.#size >= PLACES) || this.#lanes.some((waiting) => waiting >= MAX_WAITING_PER_LANE)
  }

  /** True: the turn was free, and is taken. */
  take(key: string, holder: Delivery): boolean {
    if (this.#keys.has(key)) return false
    this.#keys.set(key, { holder, waiting: [] })
    return true
  }

  isHeld(key: string, holder: Delivery): boolean {
    return this.#keys.get(key)?.holder === holder
  }

  /** Behind who has the turn. */
  wait(waiter: Waiter): void {
    this.#keys.get(waiter.key)?.waiting.push(waiter)
  }

  /** The turn of `holder` is over, if it had it. Answers who has it next. */
  next(key: string, holder: Delivery): Waiter | undefined {
    const turn = this.#keys.get(key)
    if (turn?.holder !== holder) return undefined
    const next = turn.waiting.shift()
    if (next !== undefined) {
      turn.holder = next.delivery
      return next
    }
    this.#keys.delete(key)
    this.#deleted += 1
    if (this.#deleted >= RENEW_AFTER) {
      this.#keys = new Map(this.#keys)
      this.#deleted = 0
    }
    return undefined
  }

  /** Has its turn and waits for `timer`, which calls `due`. */
  delay(waiter: Waiter, timer: Disposable): void {
    this.#later.set(waiter, timer)
  }

  /** Before the others, as it has waited longest. */
  due(waiter: Waiter): void {
    this.#later.delete(waiter)
    this.ready.unshift(waiter)
  }

  /** Everybody who waits, each key in its order; they wait no more. Keys with a request under way stay taken. */
  empty(): Waiter[] {
    const first = [...this.#later.keys(), ...this.ready]
    for (const timer of this.#later.values()) timer[Symbol.dispose]()
    this.#later.clear()
    this.ready = []
    const behind = [...this.#keys.values()].flatMap(({ waiting }) => waiting.splice(0))
    for (const { key, delivery } of first) this.next(key, delivery)
    return [...first, ...behind]
  }

  /** No back-off is waited for any more. */
  hasten(): void {
    for (const timer of this.#later.values()) timer[Symbol.dispose]()
    this.ready = [...this.#later.keys(), ...this.ready]
    this.#later.clear()
  }

  count({ lane, event }: Delivery, change: 1 | -1): void {
    this.#size += change
    this.#lanes[lane] = (this.#lanes[lane] ?? 0) + change
    this.#room.events += change
    this.#room.bytes += change * (event.data?.length ?? 0)
  }
}
