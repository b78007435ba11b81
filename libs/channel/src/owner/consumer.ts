import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import type { Backlog, Delivery, Position, SubscribeOptions, Subscription } from '../port.ts'
import { Aside } from './aside.ts'
import { type End, HandOut } from './hand-out.ts'
import { Inbox } from './inbox.ts'
import type { Item } from './item.ts'
import { dueAt } from './item.ts'
import type { Lane } from './lane.ts'
import { LaneKeeper } from './lane-keeper.ts'
import type { LaneStore, OwnerEvents } from './lane-store.ts'
import { Stock } from './stock.ts'

/** From the third lost hand-out on, an entry goes alone, so that it alone is blamed for the next. */
const ALONE_FROM_HAND_OUTS = 2

export interface ConsumerDeps {
  readonly store: LaneStore
  /** A consumer that is silent for this long loses its lanes. */
  readonly leaseMs: number
  readonly events: OwnerEvents
}

/**
 * One consumer of a subscription: the lanes it owns, what is out, and how each hand-out ends.
 *
 *   lane ──► stock ──► grant ──► [cursor first, if suspect] ──► consumer ──► ack · nack · release · park
 *              ▲ aside, when due    room, the queue's window        └─ nack, release: aside, later
 */
export class Consumer implements Subscription {
  readonly #clock: Clock
  readonly #options: SubscribeOptions
  readonly #inbox: Inbox
  readonly #aside: Aside
  readonly #stock: Stock
  readonly #keeper: LaneKeeper
  readonly finished: Promise<void>
  #suspectsOut = 0
  #isAlone = false
  #granted: HandOut[] = []
  #unrecorded = new Set<Lane>()
  #isRecording = false
  #isPumpQueued = false
  #isClosed = false

  constructor(deps: ConsumerDeps, options: SubscribeOptions, signal: AbortSignal) {
    this.#options = options
    this.#clock = deps.store.clock
    this.#inbox = new Inbox(options)
    this.#aside = new Aside(deps.store)
    this.#stock = new Stock({
      ...deps,
      aside: this.#aside,
      window: (queue) => this.#window(queue),
      onStock: () => this.#pumpSoon(),
    })
    this.#keeper = new LaneKeeper({
      ...deps,
      member: deps.store.newMember(),
      stock: this.#stock,
      onChange: () => this.#pumpSoon(),
      onLost: (lane) => this.#lost(lane),
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.finished = promise
    const leave = () => void this.#leave().finally(resolve)
    if (signal.aborted) leave()
    else {
      this.#keeper.start()
      signal.addEventListener('abort', leave, { once: true })
    }
    this.close = (problem) => {
      this.#inbox.close(problem)
      signal.removeEventListener('abort', leave)
      if (!this.#isClosed) leave()
    }
  }

  /** Leaves as if its signal had aborted; the iteration ends with `problem` if there is one. */
  readonly close: (problem?: unknown) => void

  wake(queue: string): void {
    this.#stock.queues.wake(queue)
    this.#pumpSoon()
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly Delivery[]> {
    return { next: () => this.#inbox.next() }
  }

  ownedLane(lane: number): Lane | undefined {
    return this.#keeper.lanes.get(lane)
  }

  async #leave(): Promise<void> {
    this.#isClosed = true
    this.#inbox.close()
    await this.#inbox.giveBack()
    for (const { item } of this.#inbox.out) item.isOut = false
    this.#stock[Symbol.dispose]()
    await this.#aside.settled()
    await this.#keeper.stop()
  }

  #pumpSoon(): void {
    if (this.#isPumpQueued || this.#isClosed) return
    this.#isPumpQueued = true
    queueMicrotask(() => {
      this.#isPumpQueued = false
      this.#pump()
    })
  }

  #window(queue: string): number {
    return this.#options.window?.(queue) ?? Number.POSITIVE_INFINITY
  }

  #pump(): void {
    if (this.#isClosed || !this.#keeper.isFresh) return
    this.#stock.offer((item) => this.#grant(item))
    if (this.#granted.length > 0 && !this.#isRecording) this.#deliver()
  }

  /** `full`: nothing more goes now. `not-now`: this one does not, and what is behind it in its queue waits too. */
  #grant(item: Item): 'taken' | 'full' | 'not-now' {
    if (!this.#inbox.hasRoom(item.bytes)) return 'full'
    const { lane } = item
    const isSuspect = item.handOuts > 0
    if (isSuspect) {
      const goesAlone = item.handOuts >= ALONE_FROM_HAND_OUTS
      if (this.#isAlone || (goesAlone && this.#suspectsOut > 0)) return 'not-now'
      this.#isAlone = goesAlone
      this.#suspectsOut++
    }
    item.isOut = true
    lane.out++
    if (item.aside > 0) lane.suspects.add(item)
    else lane.handed = Math.max(lane.handed, item.seq)
    if (isSuspect || item.aside > 0 || item.seq <= lane.inherited) this.#unrecorded.add(lane)
    else lane.changed()
    const handOut = new HandOut(item, this.#onEnd)
    this.#inbox.add(handOut)
    this.#granted.push(handOut)
    return 'taken'
  }

  /** Hand-outs that a crash must not forget are in the cursor before the consumer sees them. */
  #deliver(): void {
    const handOuts = this.#granted
    this.#granted = []
    if (this.#unrecorded.size === 0) {
      this.#inbox.deliver(handOuts)
      return
    }
    const lanes = [...this.#unrecorded]
    this.#unrecorded.clear()
    this.#isRecording = true
    void Promise.allSettled(lanes.map((lane) => lane.flush())).then(() => {
      this.#isRecording = false
      this.#inbox.deliver(handOuts.filter(({ isEnded }) => !isEnded))
      this.#pumpSoon()
      if (this.#granted.length > 0 && !this.#isClosed) this.#deliver()
    })
  }

  #forget(handOut: HandOut): void {
    if (handOut.isForgotten) return
    handOut.isForgotten = true
    const { item } = handOut
    this.#inbox.remove(handOut)
    item.isOut = false
    item.lane.out--
    if (item.handOuts > 0) {
      this.#suspectsOut--
      if (item.handOuts >= ALONE_FROM_HAND_OUTS) this.#isAlone = false
    }
    this.#stock.queues.ended(item.queue)
    this.#keeper.ended(item.lane)
    this.#pumpSoon()
  }

  readonly #onEnd = async (handOut: HandOut, end: End): Promise<void> => {
    const { item } = handOut
    const { lane } = item
    if (lane.isGone) throw laneMoved(item.id)
    if (end.kind === 'ack') {
      this.#stock.remove(item)
      this.#forget(handOut)
      lane.changed()
      return
    }
    const storing = this.#keep(handOut, end)
    lane.writing.add(storing)
    try {
      await storing
    } finally {
      lane.writing.delete(storing)
      this.#forget(handOut)
      this.#keeper.ended(lane)
    }
  }

  async #keep(handOut: HandOut, end: Exclude<End, { kind: 'ack' }>): Promise<void> {
    const { item } = handOut
    const { lane } = item
    // Counted as what it becomes from now on: nobody sees it before it is written.
    if (end.kind === 'nack') {
      item.attempt++
      item.handOuts = this.#cleared(item)
      item.note = end.note
    } else if (end.kind === 'park') {
      item.handOuts = this.#cleared(item)
      item.note = end.note ?? item.note
    }
    item.due = end.kind === 'park' ? 0 : dueAt(this.#clock.now(), end.delayMs)
    try {
      if (end.kind === 'park') {
        await this.#aside.park(item, end.reason)
        this.#stock.remove(item, { isParked: true })
        this.#forget(handOut)
      } else {
        await this.#aside.keep(item)
        this.#stock.movedAside(item)
        this.#forget(handOut)
        this.#stock.giveBack(item)
      }
    } catch (error) {
      throw lane.isGone ? laneMoved(item.id) : error
    }
    await lane.flush()
  }

  /** An end takes the blame away. */
  #cleared(item: Item): number {
    if (item.handOuts > 0) {
      this.#suspectsOut--
      if (item.handOuts >= ALONE_FROM_HAND_OUTS) this.#isAlone = false
    }
    return 0
  }

  #lost(lane: Lane): void {
    for (const handOut of [...this.#inbox.out]) {
      if (handOut.item.lane !== lane) continue
      if (handOut.isEnded) continue
      this.#inbox.remove(handOut)
      if (handOut.item.handOuts > 0) {
        this.#suspectsOut--
        if (handOut.item.handOuts >= ALONE_FROM_HAND_OUTS) this.#isAlone = false
      }
      this.#stock.queues.ended(handOut.item.queue)
    }
    this.#stock.drop(lane)
    this.#pumpSoon()
  }

  /** Of the lanes it owns. */
  backlogOf(lane: Lane, queue: string | undefined): Backlog {
    let events = 0
    let bytes = 0
    for (const items of [lane.open.values(), lane.aside.values()]) {
      for (const item of items) {
        if (queue !== undefined && item.queue !== queue) continue
        events++
        bytes += item.bytes
      }
    }
    return { events, bytes }
  }
}

/** The lane has moved on: whoever has it now hands the event out again. */
function laneMoved(position: Position): EventingError {
  const text = `the lane of event ${position} has another owner now, which hands it out again`
  return new EventingError({ code: 'DELIVERY_ENDED', position }, text)
}
