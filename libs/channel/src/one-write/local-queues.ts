import type { Clock } from '@sluice/clock'
import { laneOf } from '../lane.ts'
import type { Delivery, Entry, Position, SubscribeOptions, Subscription } from '../port.ts'
import { Direct, type DirectDeps } from './direct.ts'
import { Passing } from './passing.ts'

export interface LocalDeps {
  readonly clock: Clock
  readonly lanes: number
  readonly store: (entry: Entry) => Promise<Position>
  readonly limits: OneWriteLimits
}

export interface OneWriteLimits {
  /** A copy that has not ended by then is written. */
  readonly spillAfterMs: number
  /** Copies in memory, handed out or waiting, per channel; beyond, they are written. */
  readonly maxDirect: number
  readonly maxDirectBytes: number
  /** Copies of one logical queue that wait for its window; beyond, they are written. */
  readonly maxWaiting: number
}

interface Queue {
  readonly name: string
  /** Not handed out yet, oldest first. */
  readonly waiting: Direct[]
  /** From the store, beyond the window for the moment. */
  readonly held: Passing[]
  /** At the consumer, direct or from the store. */
  out: number
  /** Of those, direct and not written. */
  unwritten: number
  /**
   * Keys written by us, due, and not yet handed out by the store, with the time: newcomers queue up behind them. What
   * the store knew already is never handed out again, so an old entry says nothing.
   */
  readonly behind: Map<string, number>
}

/** The logical queues of one channel as its local consumer sees them: from memory first, from the store behind. */
export class LocalQueues implements Subscription {
  readonly #deps: LocalDeps
  readonly #options: SubscribeOptions
  readonly #stored: Subscription
  readonly #queues = new Map<string, Queue>()
  /** In memory only, oldest first. */
  readonly #unwritten = new Map<string, Direct>()
  /** Written while at the consumer, until the store's copy has ended too. */
  readonly #written = new Map<string, Direct>()
  readonly #direct: DirectDeps
  #bytes = 0
  #buffer: Delivery[] = []
  #waiting: ((result: IteratorResult<readonly Delivery[]>) => void) | undefined
  #sweep: Disposable | undefined
  #isClosed = false

  constructor(
    deps: LocalDeps,
    options: SubscribeOptions,
    subscribe: (options: SubscribeOptions) => Subscription,
    signal: AbortSignal,
  ) {
    this.#deps = deps
    this.#options = options
    this.#direct = {
      now: () => deps.clock.now(),
      unspilled: (direct) => this.#unspilled(direct),
      store: (entry) => this.#store(entry),
      freed: (direct) => this.#freed(direct.queue, !direct.isSpilled),
      forgotten: (direct) => this.#forgotten(direct),
    }
    this.#stored = subscribe({ ...options, window: (queue) => this.#storedWindow(queue) })
    void this.#relay(signal)
    signal.addEventListener('abort', () => this.#close(), { once: true })
  }

  publish(entry: Entry): Promise<Position> {
    const queue = this.#queue(entry.queue ?? '')
    const key = entry.dedupKey ?? `direct/${crypto.randomUUID()}`
    const running = this.#unwritten.get(key) ?? this.#written.get(key)
    if (running !== undefined) return running.published
    if (this.#mustWrite(queue)) return this.#store({ ...entry, dedupKey: key })
    const direct = new Direct(entry, key, laneOf(entry.laneKey, this.#deps.lanes), this.#direct)
    this.#unwritten.set(key, direct)
    this.#bytes += sizeOf(entry)
    queue.waiting.push(direct)
    this.#offer(queue)
    if (this.#sweep === undefined) this.#scheduleSweep(this.#deps.limits.spillAfterMs)
    return direct.published
  }

  #mustWrite(queue: Queue): boolean {
    const { limits, clock } = this.#deps
    if (this.#unwritten.size >= limits.maxDirect || this.#bytes >= limits.maxDirectBytes) return true
    if (queue.waiting.length >= limits.maxWaiting) return true
    for (const [key, at] of queue.behind) {
      if (at > clock.now() - BEHIND_MS) return true
      queue.behind.delete(key)
    }
    return false
  }

  wake(name: string): void {
    const queue = this.#queues.get(name)
    if (queue !== undefined) this.#offer(queue)
    this.#stored.wake(name)
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly Delivery[]> {
    return {
      next: () => {
        if (this.#buffer.length > 0) return Promise.resolve({ done: false, value: this.#buffer.splice(0) })
        if (this.#isClosed) return Promise.resolve({ done: true, value: undefined })
        return new Promise((resolve) => {
          this.#waiting = resolve
        })
      },
    }
  }

  async #relay(signal: AbortSignal): Promise<void> {
    for await (const batch of this.#stored) {
      for (const copy of batch) {
        const queue = this.#queue(copy.queue)
        if (copy.dedupKey !== undefined) queue.behind.delete(copy.dedupKey)
        const direct = copy.dedupKey === undefined ? undefined : this.#written.get(copy.dedupKey)
        if (direct !== undefined) direct.bind(copy)
        else {
          queue.held.push(new Passing(copy, () => this.#freed(copy.queue, false)))
          this.#offer(queue)
        }
      }
      if (signal.aborted) return
    }
  }

  /** Hands out within the window: what comes from the store is older, so it goes first. */
  #offer(queue: Queue): void {
    if (this.#isClosed) return
    let room = (this.#options.window?.(queue.name) ?? Number.POSITIVE_INFINITY) - queue.out
    while (room > 0 && queue.held.length > 0) {
      queue.out++
      room--
      this.#deliver(queue.held.shift() as Passing)
    }
    while (room > 0 && queue.waiting.length > 0) {
      const direct = queue.waiting.shift() as Direct
      direct.isOut = true
      queue.out++
      queue.unwritten++
      room--
      this.#deliver(direct)
    }
  }

  #deliver(delivery: Delivery): void {
    this.#buffer.push(delivery)
    if (this.#waiting === undefined) return
    const waiting = this.#waiting
    this.#waiting = undefined
    // One turn later, so that what arrives together goes out as one batch.
    queueMicrotask(() => waiting({ done: false, value: this.#buffer.splice(0) }))
  }

  /** What the store may have out: the window less what memory has out, and a place more for each one held here. */
  #storedWindow(name: string): number {
    const limit = this.#options.window?.(name) ?? Number.POSITIVE_INFINITY
    const queue = this.#queues.get(name)
    return queue === undefined ? limit : limit - queue.unwritten + queue.held.length
  }

  async #store(entry: Entry): Promise<Position> {
    const isDue = entry.parked === undefined && (entry.notBefore ?? 0) <= this.#deps.clock.now()
    const { behind } = this.#queue(entry.queue ?? '')
    const key = entry.dedupKey as string
    if (isDue) {
      for (const oldest of behind.size >= MAX_BEHIND ? behind.keys() : []) {
        behind.delete(oldest)
        break
      }
      behind.set(key, this.#deps.clock.now())
    }
    try {
      return await this.#deps.store(entry)
    } catch (error) {
      behind.delete(key)
      throw error
    }
  }

  #freed(name: string, wasUnwritten: boolean): void {
    const queue = this.#queue(name)
    queue.out--
    if (wasUnwritten) queue.unwritten--
    this.#offer(queue)
    this.#stored.wake(name)
    if (queue.out + queue.behind.size + queue.waiting.length + queue.held.length === 0) this.#queues.delete(name)
  }

  #forgotten(direct: Direct): void {
    this.#written.delete(direct.key)
    if (this.#unwritten.delete(direct.key)) this.#bytes -= sizeOf(direct.entry)
  }

  #scheduleSweep(delayMs: number): void {
    this.#sweep = this.#deps.clock.after(delayMs, () => {
      this.#sweep = undefined
      const oldest = this.#spillOlderThan(this.#deps.clock.now() - this.#deps.limits.spillAfterMs, false)
      if (oldest === undefined || this.#isClosed) return
      this.#scheduleSweep(Math.max(SWEEP_MS, oldest + this.#deps.limits.spillAfterMs - this.#deps.clock.now()))
    })
  }

  /** Answers when the oldest that stays was published. */
  #spillOlderThan(time: number, isLast: boolean): number | undefined {
    for (const direct of this.#unwritten.values()) {
      if (direct.storedAt > time) return direct.storedAt
      this.#spill(direct, isLast)
    }
    return undefined
  }

  #spill(direct: Direct, isLast: boolean): void {
    this.#unwritten.delete(direct.key)
    this.#bytes -= sizeOf(direct.entry)
    const queue = this.#queue(direct.queue)
    if (direct.isOut) {
      queue.unwritten--
      this.#written.set(direct.key, direct)
    } else queue.waiting.splice(queue.waiting.indexOf(direct), 1)
    void direct.spill(isLast)
  }

  #unspilled(direct: Direct): void {
    this.#written.delete(direct.key)
    this.#unwritten.set(direct.key, direct)
    this.#bytes += sizeOf(direct.entry)
    const queue = this.#queue(direct.queue)
    if (direct.isOut) queue.unwritten++
    else queue.waiting.unshift(direct)
    if (this.#sweep === undefined && !this.#isClosed) this.#scheduleSweep(this.#deps.limits.spillAfterMs)
  }

  /** The consumer leaves: what memory alone has is written, uncounted, for whoever comes next. */
  #close(): void {
    this.#isClosed = true
    this.#sweep?.[Symbol.dispose]()
    this.#spillOlderThan(Number.POSITIVE_INFINITY, true)
    this.#buffer = []
    this.#waiting?.({ done: true, value: undefined })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  #queue(name: string): Queue {
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      queue = { name, waiting: [], held: [], out: 0, unwritten: 0, behind: new Map() }
      this.#queues.set(name, queue)
    }
    return queue
  }
}

const SWEEP_MS = 50
/** The store hands out what is due well within this time, unless it is held up, and then more is written. */
const BEHIND_MS = 5_000
const MAX_BEHIND = 1_000

function sizeOf({ event }: Entry): number {
  return (event.data?.length ?? 0) + ATTRIBUTES_BYTES
}

/** What an event without data is taken to occupy. */
const ATTRIBUTES_BYTES = 512
