import type { Clock } from '@sluice/clock'
import { laneOf } from '../lane.ts'
import type { Backlog, Delivery, Entry, Position, SubscribeOptions, Subscription } from '../port.ts'
import { Direct, type DirectDeps } from './direct.ts'
import type { End } from './ends.ts'
import { Outlet } from './outlet.ts'
import { ownKey, Passing } from './passing.ts'
import { LocalQueue } from './queue.ts'
import type { RecentKeys } from './recent-keys.ts'
import { type OneWriteLimits, Unwritten } from './unwritten.ts'

export interface LocalDeps {
  readonly clock: Clock
  readonly lanes: number
  readonly limits: OneWriteLimits
  /** Larger entries, as counted here, are the store's to judge. */
  readonly maxBytes: number
  readonly store: (entry: Entry) => Promise<Position>
  readonly backlog: (queue: string) => Promise<Backlog>
  readonly subscribe: (options: SubscribeOptions) => Subscription
  /** Keys of what was acked, for as long as they are remembered. */
  readonly ended: RecentKeys
  readonly onClose: (local: LocalQueues) => void
}

/** The logical queues of one channel as its local consumer sees them: from memory first, from the store behind. */
export class LocalQueues implements Subscription {
  readonly #deps: LocalDeps
  readonly #window: (queue: string) => number
  readonly #outlet: Outlet
  readonly #queues = new Map<string, LocalQueue>()
  /** What has not ended, by key: at the consumer, waiting for it, or about to be written. */
  readonly #known = new Map<string, Direct | Passing>()
  /** Ended while being written: the copy is still to come. Oldest first. */
  readonly #loose = new Map<string, Direct>()
  readonly #unwritten: Unwritten
  /** Have something to hand out, and the consumer has too much already. First come, first served. */
  readonly #stuck = new Set<LocalQueue>()
  readonly #direct: DirectDeps
  readonly #signal: AbortSignal
  readonly #onAbort = () => this.close()
  readonly #options: SubscribeOptions
  #stored: Subscription | undefined
  #before: Promise<unknown>
  #isDirect = true
  #retired: PromiseWithResolvers<void> | undefined
  #left: Promise<unknown> | undefined

  /**
   * `before`: what was published earlier is stored or refused. `whenFree`: the store is not subscribed to earlier;
   * absent, that happens here and throws as it does.
   */
  constructor(
    deps: LocalDeps,
    options: SubscribeOptions,
    signal: AbortSignal,
    turn: { readonly before: Promise<unknown>; readonly whenFree: Promise<unknown> | undefined },
  ) {
    const { clock, limits } = deps
    this.#deps = deps
    this.#signal = signal
    this.#before = turn.before
    this.#window = options.window ?? (() => Number.POSITIVE_INFINITY)
    this.#outlet = new Outlet(options)
    this.#unwritten = new Unwritten({ clock, limits, onOld: (direct) => this.#spillOld(direct) })
    this.#direct = {
      now: () => clock.now(),
      write: (direct, entry) => this.#write(entry, direct.lane, direct.isOut && !direct.isEnded),
      freed: (direct, end) => this.#directEnded(direct, end),
      forgotten: (direct) => this.#forget(direct),
      unspilled: (direct) => this.#unspilled(direct),
    }
    this.#options = { ...options, window: (name) => this.#storedWindow(name) }
    if (turn.whenFree === undefined) this.#stored = deps.subscribe(this.#options)
    void this.#relay(turn.whenFree)
    if (signal.aborted) this.close()
    else signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  publish(entry: Entry): Promise<Position> {
    const key = entry.dedupKey ?? ownKey()
    const known = this.#known.get(key)
    if (known !== undefined) return known.published
    const queue = this.#queue(entry.queue ?? '')
    if (!queue.isKnown && this.#isDirect) return this.#learn(queue).then(() => this.publish(entry))
    const { clock, lanes } = this.#deps
    const lane = laneOf(entry.laneKey, lanes)
    const bytes = sizeOf(entry)
    if (!this.#mayGoDirect(queue, lane, bytes)) {
      this.#spillWaiting(queue)
      return this.#write({ ...entry, dedupKey: key }, lane, false)
    }
    const direct = new Direct(entry, key, lane, bytes, clock.monotonic(), this.#direct)
    this.#known.set(key, direct)
    this.#unwritten.add(direct)
    queue.waiting.push(direct)
    this.#serve(queue)
    return direct.published
  }

  wake(name: string): void {
    const queue = this.#queues.get(name)
    if (queue !== undefined) this.#serve(queue)
    this.#stored?.wake(name)
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly Delivery[]> {
    return this.#outlet[Symbol.asyncIterator]()
  }

  /** Hands out only what the store does, from now on. Fulfils once the store knows of everything at the consumer. */
  retire(): Promise<unknown> {
    this.#isDirect = false
    if (this.#left !== undefined) return this.#left
    this.#retired ??= Promise.withResolvers()
    for (const direct of this.#unwritten) this.#spillOld(direct)
    this.#checkRetired()
    return this.#retired.promise
  }

  /** Hands over in memory again. */
  resume(before: Promise<unknown>): void {
    if (this.#left !== undefined) return
    this.#isDirect = true
    this.#before = before
    this.#retired?.resolve()
    this.#retired = undefined
    for (const queue of this.#queues.values()) queue.isKnown = false
  }

  /**
   * The consumer leaves: what memory alone has is written, uncounted, for whoever comes next. Fulfils once that has
   * succeeded, or its publishers know.
   */
  close(error?: { readonly reason: unknown }): Promise<unknown> {
    if (this.#left !== undefined) return this.#left
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#isDirect = false
    this.#unwritten.close()
    this.#left = Promise.all(Array.from(this.#unwritten, (direct) => this.#spill(direct, true)))
    if (this.#retired !== undefined) void this.#left.then(this.#retired.resolve)
    this.#outlet.close(error)
    for (const memory of [this.#queues, this.#stuck, this.#known, this.#loose]) memory.clear()
    this.#deps.onClose(this)
    return this.#left
  }

  #mayGoDirect(queue: LocalQueue, lane: number, bytes: number): boolean {
    if (!this.#isDirect || queue.behind.has(lane) || bytes > this.#deps.maxBytes) return false
    if (queue.waiting.length >= this.#deps.limits.maxWaiting || !this.#unwritten.hasRoom(bytes)) return false
    return this.#window(queue.name) > 0
  }

  /** Asks once whether anything older waits in the store. Who publishes meanwhile goes on in order. */
  #learn(queue: LocalQueue): Promise<void> {
    if (queue.learning !== undefined) return queue.learning
    const ask = async () => {
      await this.#before
      queue.behind.clear()
      const events = await this.#deps.backlog(queue.name).then((backlog) => backlog.events, () => 1)
      for (let lane = 0; events > 0 && lane < this.#deps.lanes; lane++) {
        if (!queue.behind.has(lane)) queue.behind.set(lane, null)
      }
    }
    queue.learning = ask()
    void queue.learning.then(() => {
      queue.isKnown = true
      queue.learning = undefined
    })
    return queue.learning
  }

  async #relay(whenFree: Promise<unknown> | undefined): Promise<void> {
    try {
      await whenFree
      if (this.#left !== undefined) return
      this.#stored ??= this.#deps.subscribe(this.#options)
      for await (const batch of this.#stored) for (const copy of batch) this.#arrived(copy)
      this.close()
    } catch (reason) {
      this.close({ reason })
    }
  }

  #arrived(copy: Delivery): void {
    // Given back with the rest.
    if (this.#left !== undefined) return
    const queue = this.#queue(copy.queue)
    const key = copy.dedupKey
    queue.wantsRoom = false
    if (key !== undefined) {
      if (queue.behind.get(copy.lane) === key) queue.behind.delete(copy.lane)
      const known = this.#known.get(key)
      if (known instanceof Direct && known.awaitsCopy && this.#bind(known, copy, queue)) return
      // Its repeat was taken for a new one, before the store came to it.
      if (this.#deps.ended.get(key) !== undefined) return void copy.ack().catch(noop)
    }
    const passing = new Passing(copy, sizeOf(copy), this.#onPassingEnd)
    if (key !== undefined) this.#known.set(key, passing)
    queue.stored++
    queue.held.push(passing)
    this.#serve(queue)
  }

  /** False: it has not been handed out, so the copy goes instead. */
  #bind(direct: Direct, copy: Delivery, queue: LocalQueue): boolean {
    if (this.#unwritten.delete(direct)) {
      if (direct.isOut) queue.unwritten--
      else queue.waiting.splice(queue.waiting.indexOf(direct), 1)
    }
    if (direct.isOut && !direct.isEnded) queue.stored++
    if (direct.isOut || !direct.isEnded) direct.bind(copy)
    if (direct.isEnded) this.#forget(direct)
    this.#checkRetired()
    return direct.isOut
  }
}
