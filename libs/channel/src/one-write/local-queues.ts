import { laneOf } from '../lane.ts'
import type { Delivery, Entry, Position, SubscribeOptions, Subscription } from '../port.ts'
import { arrive, Behind, type BehindDeps, isDue } from './behind.ts'
import { Direct, type DirectDeps } from './direct.ts'
import type { End } from './ends.ts'
import { HandOuts } from './hand-outs.ts'
import { InHand } from './in-hand.ts'
import type { LooseEnds } from './loose-ends.ts'
import { ownKey, Passing } from './passing.ts'
import type { LocalQueue } from './queue.ts'
import type { RecentKeys } from './recent-keys.ts'
import { type OneWriteLimits, Unwritten } from './unwritten.ts'

export interface LocalDeps extends BehindDeps {
  readonly limits: OneWriteLimits
  /** Larger entries are the store's to judge. */
  readonly maxBytes: number
  readonly subscribe: (options: SubscribeOptions) => Subscription
  /** The answer to a repeat of what has ended or is stored, as far as that is remembered. */
  readonly known: (entry: Entry) => Position | undefined
  /** Keys of what was acked, as far as they are remembered. */
  readonly ended: RecentKeys
  /** Keys of what the store has or had. */
  readonly stored: RecentKeys
  readonly loose: LooseEnds
  readonly onClose: () => void
}

/** How a consumer begins. */
export interface Turn {
  /** What was published earlier is stored, or refused. */
  readonly before: Promise<unknown>
  /** The store may be subscribed to; absent: at once, and a refusal is thrown. */
  readonly whenFree?: Promise<unknown>
}

/** The logical queues of one channel as its local consumer sees them: from memory first, from the store behind. */
export class LocalQueues implements Subscription {
  readonly #deps: LocalDeps
  readonly #options: SubscribeOptions
  readonly #handOuts: HandOuts
  readonly #inHand = new InHand()
  readonly #unwritten: Unwritten
  readonly #behind: Behind
  readonly #direct: DirectDeps
  readonly #signal: AbortSignal
  readonly #onAbort = () => void this.close()
  #stored: Subscription | undefined
  #isDirect = true
  #retired: PromiseWithResolvers<unknown> | undefined
  #left: Promise<unknown> | undefined

  constructor(deps: LocalDeps, options: SubscribeOptions, signal: AbortSignal, { before, whenFree }: Turn) {
    const { clock, limits } = deps
    this.#deps = deps
    this.#signal = signal
    this.#behind = new Behind(deps, before)
    this.#handOuts = new HandOuts(options)
    this.#options = { ...options, window: (name) => this.#handOuts.storedWindow(name) }
    this.#unwritten = new Unwritten({ clock, limits, onOld: (direct) => this.#spillOld(direct) })
    this.#direct = {
      now: () => clock.now(),
      write: (direct, entry) => (direct.isRunning ? deps.store(entry) : this.#write(entry, direct.lane)),
      freed: (direct, end) => this.#directEnded(direct, end),
      forgotten: (direct) => this.#forget(direct),
      unspilled: (direct) => this.#unspilled(direct),
    }
    if (whenFree === undefined) this.#stored = deps.subscribe(this.#options)
    void this.#relay(whenFree)
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** `now` is when it was published, ms since the epoch. */
  publish(entry: Entry, now: number): Promise<Position> {
    const position = this.#deps.known(entry)
    if (position !== undefined) return Promise.resolve(position)
    const key = entry.dedupKey ?? ownKey()
    const known = this.#inHand.get(key)
    if (known !== undefined) return known.published
    if (!isDue(entry, now)) return this.#inHand.writing(key, this.#deps.store(entry))
    const queue = this.#handOuts.queue(entry.queue ?? '')
    if (!queue.isKnown && this.#isDirect) return this.#behind.once(queue, () => this.publish(entry, now))
    const lane = laneOf(entry.laneKey, this.#deps.lanes)
    const bytes = sizeOf(entry)
    if (entry.note !== undefined || !this.#mayGoDirect(queue, lane, bytes)) {
      this.#spillWaiting(queue, lane)
      return this.#inHand.writing(key, this.#write({ ...entry, dedupKey: key }, lane))
    }
    const direct = new Direct(
      { entry, key, lane, bytes, storedAt: now, since: this.#deps.clock.monotonic() },
      this.#direct,
    )
    this.#inHand.set(key, direct)
    this.#unwritten.add(direct)
    queue.waiting.push(direct)
    this.#handOuts.serve(queue)
    return direct.published
  }

  wake(name: string): void {
    this.#handOuts.wake(name)
    this.#stored?.wake(name)
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly Delivery[]> {
    return this.#handOuts.iterator()
  }

  /** Only what the store hands out, from now on. Fulfils once the store has handed out all that the consumer has. */
  retire(): Promise<unknown> {
    if (this.#left !== undefined) return this.#left
    void this.#goThroughStore()
    this.#retired ??= Promise.withResolvers()
    for (let direct = this.#unwritten.oldest; direct !== undefined; direct = this.#unwritten.oldest) {
      this.#spillOld(direct)
    }
    this.#checkRetired()
    return this.#retired.promise
  }

  /** Hands over in memory again. `before` as for a consumer that begins. */
  resume(before: Promise<unknown>): void {
    this.#isDirect = true
    this.#behind.restart(before)
    this.#retired?.resolve(undefined)
    this.#retired = undefined
    for (const queue of this.#handOuts.queues()) queue.isKnown = false
  }

  /**
   * The consumer leaves: what memory alone has is written, uncounted, for whoever comes next. Fulfils once that is
   * done, or its publishers know that it failed. `error` is told to the consumer.
   */
  close(error?: { readonly reason: unknown }): Promise<unknown> {
    if (this.#left !== undefined) return this.#left
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#unwritten.close()
    const unwritten = [...this.#unwritten].sort((a, b) => Number(b.isOut) - Number(a.isOut))
    const spilling = unwritten.map((direct) => direct.spill(true))
    this.#left = Promise.allSettled([...spilling, ...this.#goThroughStore()])
    this.#retired?.resolve(this.#left)
    this.#handOuts.close(error)
    this.#inHand.clear()
    this.#deps.onClose()
    return this.#left
  }

  /** Answers what is being written because of that. */
  #goThroughStore(): Promise<Position>[] {
    this.#isDirect = false
    return Array.from(this.#handOuts.queues(), arrive).flat()
  }

  #mayGoDirect(queue: LocalQueue, lane: number, bytes: number): boolean {
    const { limits, maxBytes } = this.#deps
    if (!this.#isDirect || queue.behind.has(lane) || bytes > maxBytes) return false
    if (queue.waiting.length >= limits.maxWaiting || !this.#unwritten.hasRoom(bytes)) return false
    return this.#handOuts.window(queue.name) > 0
  }

  async #relay(whenFree: Promise<unknown> | undefined): Promise<void> {
    try {
      await whenFree
      if (this.#left !== undefined) return
      this.#stored ??= this.#deps.subscribe(this.#options)
      for await (const batch of this.#stored) for (const copy of batch) this.#arrived(copy)
      await this.close()
    } catch (reason) {
      await this.close({ reason })
    }
  }

  #arrived(copy: Delivery): void {
    // Given back with the rest.
    if (this.#left !== undefined) return
    const queue = this.#handOuts.queue(copy.queue)
    const key = copy.dedupKey
    queue.wantsRoom = false
    if (key !== undefined) {
      this.#deps.stored.add(key, copy.position)
      if (queue.behind.get(copy.lane) === key) queue.behind.delete(copy.lane)
      const ended = this.#deps.loose.take(key)
      if (ended !== undefined) {
        this.#inHand.delete(key, ended)
        // Ended only now it would come again behind what is younger
        if (!ended.isGivenBack) {
          ended.bind(copy)
          return
        }
      }
      const known = this.#inHand.get(key)
      if (known instanceof Direct && known.awaitsCopy && this.#bind(known, copy, queue)) return
      // A repeat of it was taken for a new one and has ended, before the store came to it.
      if (this.#deps.ended.get(key) !== undefined) return void copy.ack().catch(noop)
    }
    const passing = new Passing(copy, sizeOf(copy), this.#passingEnded)
    if (key !== undefined) this.#inHand.set(key, passing)
    queue.stored++
    queue.held.push(passing)
    this.#handOuts.serve(queue)
  }

  /** False: it has not been handed out itself, so the copy is. */
  #bind(direct: Direct, copy: Delivery, queue: LocalQueue): boolean {
    if (this.#unwritten.delete(direct)) {
      if (direct.isOut) queue.written()
      else queue.waiting.splice(queue.waiting.indexOf(direct), 1)
    }
    direct.bind(copy)
    if (direct.isOut) queue.stored++
    this.#checkRetired()
    return direct.isOut
  }

  #directEnded(direct: Direct, end: End): void {
    if (this.#left !== undefined) return
    const queue = this.#handOuts.queue(direct.queue)
    if (direct.copy !== undefined) queue.stored--
    else if (this.#unwritten.delete(direct)) this.#written(queue)
    if (direct.awaitsCopy) this.#deps.loose.add(direct)
    if (end.kind === 'ack') this.#deps.ended.add(direct.key, direct.position)
    this.#handOuts.freed(queue, direct.bytes)
    this.#checkRetired()
  }

  readonly #passingEnded = (passing: Passing, end: End): void => {
    // Its end came too late to count.
    if (this.#left !== undefined) return
    const queue = this.#handOuts.queue(passing.queue)
    const key = passing.stored.dedupKey
    queue.stored--
    if (key !== undefined) this.#inHand.delete(key, passing)
    if (key !== undefined && end.kind === 'ack') this.#deps.ended.add(key, passing.position)
    this.#handOuts.freed(queue, passing.bytes)
  }

  /** One at the consumer is no longer in memory only: the store may have one more out. */
  #written(queue: LocalQueue): void {
    queue.written()
    if (!queue.isNarrowed) return
    queue.isNarrowed = false
    this.#stored?.wake(queue.name)
  }

  #forget(direct: Direct): void {
    this.#inHand.delete(direct.key, direct)
    this.#deps.loose.delete(direct)
  }

  #write(entry: Entry, lane: number): Promise<Position> {
    return this.#behind.write(this.#handOuts.queue(entry.queue ?? ''), entry, lane)
  }

  #spillOld(direct: Direct): void {
    const queue = this.#handOuts.queue(direct.queue)
    if (direct.isOut) this.#spillOut(direct, queue)
    else this.#spillWaiting(queue, direct.lane)
  }

  #spillOut(direct: Direct, queue: LocalQueue): void {
    if (!this.#unwritten.delete(direct)) return
    this.#written(queue)
    void direct.spill(false)
  }

  /**
   * All of them, so that they keep their order, before something goes to `lane` of the store. One at a time: what runs
   * goes first, for it would come again behind them if this process were killed.
   */
  #spillWaiting(queue: LocalQueue, lane: number): void {
    const { latest, waiting } = queue
    const isNext =
      latest !== undefined && (latest.lane === lane || waiting.some((direct) => direct.lane === latest.lane))
    if (isNext && this.#handOuts.window(queue.name) <= 1) this.#spillOut(latest, queue)
    for (const direct of queue.waiting.splice(0)) {
      this.#unwritten.delete(direct)
      void direct.spill(false)
    }
  }

  #unspilled(direct: Direct): void {
    if (this.#left !== undefined) return void direct.spill(true)
    direct.since = this.#deps.clock.monotonic()
    this.#unwritten.add(direct)
    this.#handOuts.queue(direct.queue).running(direct)
  }

  #checkRetired(): void {
    if (this.#retired !== undefined && !this.#inHand.hasUnbound()) this.#retired.resolve(undefined)
  }
}

function sizeOf({ event }: Pick<Entry, 'event'>): number {
  return (event.data?.length ?? 0) + ATTRIBUTES_BYTES
}

/** What an event without data is taken to occupy. */
const ATTRIBUTES_BYTES = 512

function noop(): void {}
