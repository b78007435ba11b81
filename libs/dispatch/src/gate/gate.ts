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
  #circuit = new Circuit()
  #rate: Rate | undefined
  #repeats: Repeats | undefined
  #line: Line | undefined
  /** Have their key's turn, and wait for a place among the requests. */
  #ready: Waiter[] = []
  /** Have their key's turn, and wait for their back-off. */
  readonly #later = new Map<Waiter, Disposable>()
  #running = 0
  #probe: Delivery | undefined
  #wasFull = false
  #isWaking = false
  #isClosed = false
  #timer: Disposable | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(row: DeliveryRow, events: DeliveryEvents, deps: GateDeps) {
    this.#deps = deps
    this.#row = row
    this.#events = events
    this.#congestion = new Congestion(row.maxInFlight)
    this.#program(row)
  }

  /** The row changed. What waits in hand goes back, to come again under the new one. */
  change(row: DeliveryRow, events: DeliveryEvents): void {
    this.#events = events
    this.#congestion.resize(row.maxInFlight)
    if (row.subscriber.url !== this.#row.subscriber.url || row.spec.retry === 0) {
      // What was learned of another subscriber says nothing about this one
      this.#congestion = new Congestion(row.maxInFlight)
      this.#circuit = new Circuit()
      this.#probe = undefined
    }
    this.#flush()
    this.#program(row)
    this.#row = row
  }

  /** Nothing waits in hand any more: the trigger is gone, or the dispatcher stops. */
  close(): void {
    this.#isClosed = true
    this.#flush()
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  get isOrdered(): boolean {
    return this.#line !== undefined
  }

  get isOpen(): boolean {
    return !this.#circuit.isOpen
  }

  /** Of the congestion control, for the request about to be made. */
  get round(): number {
    return this.#congestion.round
  }

  /** How many of the queue may be handed out at once. */
  window(): number {
    const { suspend } = this.#row
    if (suspend === true) return 0
    const line = this.#line
    const rate = this.#rate
    const limit = this.#congestion.limit
    if (line === undefined && rate === undefined && !this.#circuit.isOpen) return limit
    const now = this.#deps.clock.monotonic()
    const waiting = line?.size ?? 0
    let room = limit - this.#running
    if (!this.#circuit.mayStart(now)) room = 0
    else if (this.#circuit.isOpen) room = Math.min(room, 1)
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
    if (suspend === true) return 'back'
    if (this.#repeats?.has(delivery, this.#deps.clock.monotonic()) === true) return 'repeat'
    if (this.#line !== undefined) return this.#queueUp(delivery, keyOf(delivery, order), this.#line)
    if (this.#circuit.isOpen && !this.#circuit.mayStart(this.#deps.clock.monotonic())) return 'back'
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
      if (isProbe) this.#circuit.unanswered()
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
    if (next !== undefined) this.#ready.push(next)
    this.#pump()
  }

  /** Under an order: waits in hand for the next request, its key behind it. Back: it holds no place any more. */
  again(delivery: Delivery, delayMs: number): Promise<Pass> {
    this.#running -= 1
    const key = keyOf(delivery, this.#row.order)
    if (this.#isClosed || this.#line?.isHeld(key, delivery) !== true) return Promise.resolve('back')
    const { promise, waiter } = this.#waiter(delivery, key)
    const timer = this.#deps.clock.after(delayMs, () => {
      this.#later.delete(waiter)
      this.#ready.unshift(waiter)
      this.#pump()
    })
    this.#later.set(waiter, timer)
    this.#pump()
    return promise
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
    const isFirst = line.take(key, delivery)
    if (isFirst && this.#ready.length === 0 && this.#mayStart()) return this.#start(delivery)
    if (this.#isClosed) {
      if (isFirst) line.next(key, delivery)
      return 'back'
    }
    const { promise, waiter } = this.#waiter(delivery, key)
    if (isFirst) this.#ready.push(waiter)
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
    this.#rate?.take()
    if (this.#circuit.started()) this.#probe = delivery
    return 'go'
  }

  #mayStart(): boolean {
    if (this.#running >= this.#congestion.limit) return false
    if (this.#rate === undefined && !this.#circuit.isOpen) return true
    const now = this.#deps.clock.monotonic()
    return this.#circuit.mayStart(now) && (this.#rate === undefined || this.#rate.available(now) >= 1)
  }

  #pump(): void {
    while (this.#ready.length > 0 && this.#mayStart()) {
      const { delivery, resolve } = this.#ready.shift() as Waiter
      this.#line?.count(delivery, -1)
      resolve(this.#start(delivery))
    }
    if (this.#ready.length > 0) this.#arm(this.#deps.clock.monotonic())
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
    if (!this.#circuit.answered()) return
    this.#congestion.restart()
    this.#events.circuitClosed()
    this.#deps.wake()
  }

  /** Without retries there are no attempts to save: what fails is to end at once. */
  #lost(delivery: Delivery, isProbe: boolean): number | undefined {
    if (this.#row.spec.retry === 0) return undefined
    const now = this.#deps.clock.monotonic()
    const hasOpened = this.#circuit.lost(delivery.dedupKey ?? delivery.position, isProbe, now)
    if (hasOpened) {
      this.#events.circuitOpened()
      this.#flush()
    }
    if (!this.#circuit.isOpen) return undefined
    this.#arm(now)
    if (!isProbe) return undefined
    // Others ask next, in case it is the event that the subscriber fails on; under an order it keeps its place
    return this.#line === undefined ? ((this.#circuit.probeAt ?? now) - now) * OTHERS_ASK : 0
  }

  /** All that waits in hand goes back, each key in its order. Keys with a request under way stay taken. */
  #flush(): void {
    const line = this.#line
    if (line === undefined) return
    const first = [...this.#later.keys(), ...this.#ready]
    for (const timer of this.#later.values()) timer[Symbol.dispose]()
    this.#later.clear()
    this.#ready = []
    const behind = line.empty()
    for (const { key, delivery } of first) line.next(key, delivery)
    for (const { delivery, resolve } of [...first, ...behind]) {
      line.count(delivery, -1)
      resolve('back')
    }
  }

  /** Looks again when the rate or the circuit lets one through. */
  #arm(now: number): void {
    if (this.#isClosed) return
    const rateAt = this.#rate === undefined ? Number.POSITIVE_INFINITY : now + this.#rate.waitMs(now)
    const at = this.#circuit.isOpen ? (this.#circuit.probeAt ?? Number.POSITIVE_INFINITY) : rateAt
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
