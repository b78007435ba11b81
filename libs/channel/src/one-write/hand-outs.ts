import type { Delivery, SubscribeOptions } from '../port.ts'
import { Outlet } from './outlet.ts'
import { LocalQueue } from './queue.ts'

/** Whose turn it is: within the window of each queue, and within what the consumer takes over all of them. */
export class HandOuts {
  readonly window: (queue: string) => number
  readonly #outlet: Outlet
  readonly #queues = new Map<string, LocalQueue>()
  /** Have something to hand out, and the consumer has too much already. First come, first served. */
  readonly #stuck = new Set<LocalQueue>()

  constructor(options: SubscribeOptions) {
    this.window = options.window ?? (() => Number.POSITIVE_INFINITY)
    this.#outlet = new Outlet(options)
  }

  iterator(): AsyncIterator<readonly Delivery[]> {
    return this.#outlet[Symbol.asyncIterator]()
  }

  queue(name: string): LocalQueue {
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      queue = new LocalQueue(name)
      this.#queues.set(name, queue)
    }
    return queue
  }

  /** What the store may have out of this queue. */
  storedWindow(name: string): number {
    const limit = this.window(name)
    return this.#queues.get(name)?.storedWindow(limit) ?? limit
  }

  wake(name: string): void {
    const queue = this.#queues.get(name)
    if (queue !== undefined) this.serve(queue)
  }

  /** There is something new to hand out, or more room. */
  serve(queue: LocalQueue): void {
    if (this.#stuck.size > 0) {
      this.#stuck.add(queue)
      this.#serveStuck()
    } else if (!this.#offer(queue)) this.#stuck.add(queue)
  }

  freed(queue: LocalQueue, bytes: number): void {
    queue.out--
    this.#outlet.freed(bytes)
    this.serve(queue)
    if (queue.isIdle && this.#queues.size > MAX_QUEUES) this.#queues.delete(queue.name)
  }

  queues(): Iterable<LocalQueue> {
    return this.#queues.values()
  }

  close(error: { readonly reason: unknown } | undefined): void {
    this.#outlet.close(error)
    this.#queues.clear()
    this.#stuck.clear()
  }

  #serveStuck(): void {
    for (const queue of this.#stuck) {
      const { out } = queue
      const isServed = this.#offer(queue)
      if (isServed || queue.out > out) this.#stuck.delete(queue)
      if (isServed) continue
      // It had a turn: to the end of the line.
      this.#stuck.add(queue)
      return
    }
  }

  /** What comes from the store is older, so it goes first. False: the consumer has too much for what is left. */
  #offer(queue: LocalQueue): boolean {
    const { held, waiting } = queue
    if (held.length + waiting.length === 0) return true
    let room = this.window(queue.name) - queue.out
    for (; room > 0 && held.length > 0; room--) {
      if (this.#handOut(queue, held) === undefined) return false
    }
    if (queue.wantsRoom) room--
    for (; room > 0 && waiting.length > 0; room--) {
      const direct = this.#handOut(queue, waiting)
      if (direct === undefined) return false
      queue.running(direct)
    }
    return true
  }

  #handOut<T extends HandedOut>(queue: LocalQueue, from: T[]): T | undefined {
    const next = from[0] as T
    if (!this.#outlet.hasRoom(next.bytes)) return undefined
    from.shift()
    next.isOut = true
    queue.out++
    this.#outlet.deliver(next, next.bytes)
    return next
  }
}

type HandedOut = Delivery & { readonly bytes: number; isOut: boolean }

/** Beyond, idle queues are forgotten; one that is used again costs a question to the store. */
const MAX_QUEUES = 20_000
