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

  get isFull(): boolean {
    return this.#room.isFull || this.#lanes.some((waiting) => waiting >= MAX_WAITING_PER_LANE)
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

  /** Everybody who waits behind somebody, oldest first for each key; they wait no more. */
  empty(): Waiter[] {
    return [...this.#keys.values()].flatMap(({ waiting }) => waiting.splice(0))
  }

  count({ lane, event }: Delivery, change: 1 | -1): void {
    this.#size += change
    this.#lanes[lane] = (this.#lanes[lane] ?? 0) + change
    this.#room.events += change
    this.#room.bytes += change * (event.data?.length ?? 0)
  }
}
