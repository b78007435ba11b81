import type { Position } from '../port.ts'
import type { Direct } from './direct.ts'
import type { Passing } from './passing.ts'

/** One logical queue as its local consumer sees it. */
export class LocalQueue {
  readonly name: string
  /** In memory only and not handed out yet, oldest first; younger than anything due in the store. */
  readonly waiting: Direct[] = []
  /** From the store, beyond the window for the moment, oldest first. */
  readonly held: Passing[] = []
  /** At the consumer, direct or from the store. */
  out = 0
  /** Of those, in memory only. */
  unwritten = 0
  /** Of those, the last: the only one, where there is one at a time. */
  latest: Direct | undefined
  /** What the store has handed out and not seen end: at the consumer or held. */
  stored = 0
  /** The store has something due and found no room: the next place is its own, or direct copies would starve it. */
  wantsRoom = false
  /** The store last heard of less room because of direct copies: it wants to know when that grows. */
  isNarrowed = false
  /**
   * By lane: the entry that was written last and is due, until the store hands it out; null for one we don't know.
   * Newcomers go behind it, through the store. One that never comes, because it was a repeat or could not be written,
   * is replaced by the next newcomer.
   */
  readonly behind = new Map<number, string | null>()
  /** Nothing that is due waits in the store, but for what `behind` says. */
  isKnown = false
  isAsking = false
  /** Published while the store is asked, oldest first. */
  readonly arriving: (() => Promise<Position>)[] = []

  constructor(name: string) {
    this.name = name
  }

  get isIdle(): boolean {
    const count = this.out + this.stored + this.waiting.length + this.held.length + this.behind.size
    return count === 0 && !this.isAsking
  }

  /** At the consumer, and memory alone has it. */
  running(direct: Direct): void {
    this.unwritten++
    this.latest = direct
  }

  /** One at the consumer has ended, or is no longer in memory only. */
  written(): void {
    if (--this.unwritten === 0) this.latest = undefined
  }

  /** How many the store may have handed out when the window is `limit`. Asked when it has something due. */
  storedWindow(limit: number): number {
    const room = limit - this.unwritten
    this.isNarrowed = this.unwritten > 0
    this.wantsRoom = room <= this.stored
    return room
  }
}
