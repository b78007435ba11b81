import type { Delivery } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import type { DeliveryRow } from '@sluice/contract'
import type { DeliveryEvents } from '../events.ts'
import { Circuit } from './circuit.ts'
import { Congestion } from './congestion.ts'
import { Line, type Pass, type Waiter, type WaitingRoom } from './line.ts'
import { Rate } from './rate.ts'
import { Repeats } from './repeats.ts'

export interface GateDeps {
  readonly clock: Clock
  /** The window may have grown. */
  readonly wake: () => void
  readonly room: WaitingRoom
}

/** What a request says about the subscriber; `alive`: it answered, whatever it said. */
export type Sign = 'good' | 'alive' | 'congested' | 'timeout' | 'unreachable' | 'nothing'

/** Longer than the one-write path keeps in memory alone what is published meanwhile: from then on all is in the store, in order. */
const SETTLE_MS = 500

/** How many probes come before one event is the probe again. */
const OTHERS_ASK = 4

/**
 * What may be sent of one queue, and when: its trigger's controls, kept across changes of its row. What must wait waits
 * in the channel, behind a closed window; only under an order events wait in hand, so that they keep their place.
 *
 *   window ──► enter ── go ──► request ──► judged ──► ending ──► [the end is stored] ──► ended
 *                ├─ back: given back uncounted           └── again: a retry under an order, in hand
 *                └─ repeat: another delivery brings it
 */
export class Gate {
  readonly #deps: GateDeps
  #row: DeliveryRow
  #events: DeliveryEvents
  #congestion: Congestion
  /** There once a request was lost: of ten thousand triggers few need one. */
  #circuit: Circuit | undefined
  #rate: Rate | undefined
  #repeats: Repeats | undefined
  #line: Line | undefined
  #running = 0
  #probe: Delivery | undefined
  #wasFull = false
  #isWaking = false
  #isClosed = false
  /** On their way back to the channel. */
  #returning = 0
  #isSettling = false
  #settling: Disposable | undefined
  #timer: Disposable | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(row: DeliveryRow, events: DeliveryEvents, deps: GateDeps) {
    this.#deps = deps
    this.#row = row
    this.#events = events
    this.#congestion = new Congestion(row.maxInFlight)
    this.#program(row)
  }

  /** The row changed. What waits in hand goes by the new one; another subscriber is asked at once. */
  change(row: DeliveryRow, events: DeliveryEvents): void {
    this.#events = events
    this.#congestion.resize(row.maxInFlight)
    const isOther = row.subscriber.url !== this.#row.subscriber.url
    if (isOther || row.spec.retry === 0) {
      // What was learned of another subscriber says nothing about this one
      this.#congestion = new Congestion(row.maxInFlight)
      this.#circuit = undefined
      this.#probe = undefined
    }
    if (row.order !== this.#row.order || row.suspend === true) this.#flush()
    this.#program(row)
    this.#row = row
    if (isOther) this.#line?.hasten()
    this.#pump()
  }

  /** Nothing waits in hand any more: the trigger is gone, or the dispatcher stops. */
  close(): void {
    this.#isClosed = true
    this.#flush()
    for (const timer of [this.#timer, this.#settling]) timer?.[Symbol.dispose]()
    this.#timer = this.#settling = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  get isOrdered(): boolean {
    return this.#line !== undefined
  }

  /** Nothing is heard of the subscriber. */
  get isHeld(): boolean {
    return this.#circuit?.isOpen === true
  }

  /** Of the congestion control, for the request about to be made. */
  get round(): number {
    return this.#congestion.round
  }

  /** How many of the queue may be handed out at once. */
  window(): number {
    const { suspend } = this.#row
    const line = this.#line
    if (suspend === true || (line !== undefined && this.#isSettling)) return 0
    const rate = this.#rate
    const limit = this.#congestion.limit
    if (line === undefined && rate === undefined && !this.isHeld) return limit
    const now = this.#deps.clock.monotonic()
    const waiting = line?.size ?? 0
    let room = limit - this.#running
    if (this.isHeld) room = Math.min(room, this.#circuit?.mayStart(now) === true ? 1 : 0)
    if (rate !== undefined) room = Math.min(room, rate.available(now))
    if (line !== undefined) room = this.#roomBehind(line, room)
    if (room <= 0) this.#arm(now)
    return Math.max(0, this.#running + waiting + room)
  }

  /** Before a request. Only what goes holds a place, to be given up by `ending` and `ended`. */
  enter(delivery: Delivery, isForSubscriber: boolean): Pass | 'repeat' | Promise<Pass> {
    if (!isForSubscriber) {
      this.#running += 1
      return 'go'
    }
    const { suspend, order } = this.#row
    if (suspend === true) return this.#back()
    if (this.#repeats?.has(delivery, this.#deps.clock.monotonic()) === true) return 'repeat'
    if (this.#line !== undefined) return this.#queueUp(delivery, keyOf(delivery, order), this.#line)
    if (this.isHeld && this.#circuit?.mayStart(this.#deps.clock.monotonic()) === false) return this.#back()
    return this.#start(delivery)
  }

  /**
   * What the request of `round` says about the subscriber. Answers the ms after which a delivery that merely asked
   * whether it is there is to come again, uncounted; undefined for any other.
   */
  judged(delivery: Delivery, sign: Sign, round: number): number | undefined {
    const isProbe = this.#probe === delivery
    if (isProbe) this.#probe = undefined
    if (sign === 'nothing') {
      if (isProbe) this.#circuit?.unanswered()
      return undefined
    }
    if (sign === 'good') this.#congestion.good()
    else if (sign === 'congested' || sign === 'timeout') this.#slow(round)
    if (sign === 'timeout' || sign === 'unreachable') return this.#lost(delivery, isProbe)
    this.#answered()
    return undefined
  }

  /** Right before a delivery is ended at the channel. */
  ending(): void {
    this.#running -= 1
  }

  /** Under an order: its end is stored, its key goes on. */
  ended(delivery: Delivery): void {
    const line = this.#line
    if (line === undefined) return
    const next = line.next(keyOf(delivery, this.#row.order), delivery)
    if (next !== undefined) line.ready.push(next)
    this.#pump()
  }

  /**
   * Under an order: waits in hand for the next request, its key behind it. Back: it holds no place any more.
   */
  again(delivery: Delivery, delayMs: number): Promise<Pass> {
    this.#running -= 1
    if (this.#probe === delivery) {
      this.#probe = undefined
      this.#circuit?.unanswered()
    }
    const key = keyOf(delivery, this.#row.order)
    const line = this.#line
    if (this.#isClosed || line?.isHeld(key, delivery) !== true) return Promise.resolve(this.#back())
    const { promise, waiter } = this.#waiter(delivery, key)
    const timer = this.#deps.clock.after(delayMs, () => {
      line.due(waiter)
      this.#pump()
    })
    line.delay(waiter, timer)
    this.#pump()
    return promise
  }

  /** What was to go back is stored as given back, or can't be. */
  gaveBack(): void {
    this.#returning -= 1
  }

  #program({ ratePerSecond, dedupWindowMs, order, suspend }: DeliveryRow): void {
    const now = this.#deps.clock.monotonic()
    if (this.#rate?.perSecond !== ratePerSecond)
      this.#rate = ratePerSecond === undefined ? undefined : new Rate(ratePerSecond, now)
    if (this.#repeats?.windowMs !== dedupWindowMs)
      this.#repeats = dedupWindowMs === undefined ? undefined : new Repeats(dedupWindowMs, now)
    if (order === undefined) this.#line = undefined
    else if (this.#line === undefined || this.#row.order !== order) this.#line = new Line(this.#deps.room)
    if (suspend !== this.#row.suspend) this.#events.suspended(suspend === true)
  }

  #queueUp(delivery: Delivery, key: string, line: Line): Pass | Promise<Pass> {
    // It was handed out before the older ones went back
    if (this.#isSettling) return this.#back()
    const isFirst = line.take(key, delivery)
    if (isFirst && line.ready.length === 0 && this.#mayStart()) return this.#start(delivery)
    if (this.#isClosed) {
      if (isFirst) line.next(key, delivery)
      return this.#back()
    }
    const { promise, waiter } = this.#waiter(delivery, key)
    if (isFirst) line.ready.push(waiter)
    else line.wait(waiter)
    return promise
  }

  #waiter(delivery: Delivery, key: string): { promise: Promise<Pass>; waiter: Waiter } {
    const { promise, resolve } = Promise.withResolvers<Pass>()
    this.#line?.count(delivery, 1)
    this.#wakeSoon()
    return { promise, waiter: { delivery, key, resolve } }
  }

  /** What waits in hand takes no place among the requests; once for all that came together. */
  #wakeSoon(): void {
    if (this.#isWaking) return
    this.#isWaking = true
    queueMicrotask(() => {
      this.#isWaking = false
      this.#deps.wake()
    })
  }

  #start(delivery: Delivery): 'go' {
    this.#running += 1
    if (this.#rate !== undefined) {
      this.#rate.take()
      // The channel asks again when a request ends, which may be later than the next may go
      this.#arm(this.#deps.clock.monotonic())
    }
    if (this.#circuit?.started() === true) this.#probe = delivery
    return 'go'
  }

  #mayStart(): boolean {
    if (this.#running >= this.#congestion.limit) return false
    if (this.#rate === undefined && !this.isHeld) return true
    const now = this.#deps.clock.monotonic()
    return this.#circuit?.mayStart(now) !== false && (this.#rate === undefined || this.#rate.available(now) >= 1)
  }

  #pump(): void {
    const line = this.#line
    if (line === undefined) return
    while (line.ready.length > 0 && this.#mayStart()) {
      const { delivery, resolve } = line.ready.shift() as Waiter
      line.count(delivery, -1)
      resolve(this.#start(delivery))
    }
    if (line.ready.length > 0) this.#arm(this.#deps.clock.monotonic())
  }

  #roomBehind(line: Line, room: number): number {
    // Others may have filled the room: one goes all the same, or nobody would look again
    const isFull = line.isFull && this.#running + line.size > 0
    if (isFull && !this.#wasFull) this.#events.orderFull(line.size)
    this.#wasFull = isFull
    return isFull ? Math.min(room, 0) : room
  }

  #slow(round: number): void {
    if (this.#congestion.congested(round)) this.#events.slowed(this.#congestion.limit)
  }

  #answered(): void {
    if (this.#circuit?.answered() !== true) return
    this.#congestion.restart()
    this.#events.circuitClosed()
    this.#deps.wake()
  }

  /** Without retries there are no attempts to save: what fails is to end at once. */
  #lost(delivery: Delivery, isProbe: boolean): number | undefined {
    if (this.#row.spec.retry === 0) return undefined
    const now = this.#deps.clock.monotonic()
    this.#circuit ??= new Circuit()
    const circuit = this.#circuit
    if (circuit.lost(delivery.dedupKey ?? delivery.position, isProbe, now)) this.#events.circuitOpened()
    if (!circuit.isOpen) return undefined
    this.#arm(now)
    if (!isProbe) return undefined
    // Others ask next, in case it is the event that the subscriber fails on; under an order it waits for that in hand
    const waitMs = (circuit.probeAt ?? now) - now
    return this.#line === undefined ? waitMs * OTHERS_ASK : waitMs + 1
  }

  #back(): 'back' {
    this.#returning += 1
    return 'back'
  }

  /** All that waits in hand goes back. Until the channel has it in its place, nothing younger may be handed out. */
  #flush(): void {
    const line = this.#line
    const waiters = line?.empty() ?? []
    if (line === undefined || waiters.length === 0) return
    this.#settle()
    for (const { delivery, resolve } of waiters) {
      line.count(delivery, -1)
      resolve(this.#back())
    }
  }

  #settle(): void {
    this.#isSettling = true
    this.#settling?.[Symbol.dispose]()
    this.#settling = this.#deps.clock.after(SETTLE_MS, () => {
      this.#settling = undefined
      if (this.#returning > 0) return this.#settle()
      this.#isSettling = false
      this.#deps.wake()
    })
  }

  /** Looks again when the rate or the circuit lets one through. */
  #arm(now: number): void {
    if (this.#isClosed) return
    const rateAt = this.#rate === undefined ? Number.POSITIVE_INFINITY : now + this.#rate.waitMs(now)
    const at = this.isHeld ? (this.#circuit?.probeAt ?? Number.POSITIVE_INFINITY) : rateAt
    if (at >= this.#timerAt || at === Number.POSITIVE_INFINITY) return
    this.#timer?.[Symbol.dispose]()
    this.#timerAt = at
    this.#timer = this.#deps.clock.after(Math.max(1, at - now), () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      this.#timer = undefined
      this.#pump()
      this.#deps.wake()
    })
  }
}

/** What is held up by a delivery that fails. */
function keyOf({ laneKey, lane }: Delivery, order: DeliveryRow['order']): string {
  return order === 'lane' ? String(lane) : laneKey
}
