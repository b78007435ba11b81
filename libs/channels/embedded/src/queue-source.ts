import type { Clock } from '@sluice/clock'
import type { Item } from './item.ts'
import { itemOfTask } from './item.ts'
import type { Link } from './link.ts'
import type { FetchReply, QueueInfo } from './protocol.ts'

const FETCH_QUEUES = 64
const FETCH_PER_QUEUE = 128
const FETCH_BYTES = 1024 * 1024
/** Queues that become due within this time are looked at together. */
const TIMER_GRAIN_MS = 2

interface Queue {
  readonly name: string
  /** In memory, oldest first. */
  tip: Item[]
  /** Ids in `tip`, handed out, or whose end is not on disk yet: a fetch must not bring them again. */
  readonly held: Set<number>
  out: number
  /** When a fetch may find something: a lower bound. */
  dueAt: number
  isFetching: boolean
  events: number
  bytes: number
}

/**
 * The logical queues of one feed. What is due comes from memory while a queue keeps up, else from the file; what waits
 * for its time, or for its window, costs nothing until then.
 */
export class QueueSource {
  readonly #queues = new Map<string, Queue>()
  readonly #active = new Set<Queue>()
  readonly #armed = new Set<Queue>()
  readonly #feed: number
  readonly #link: Link
  readonly #clock: Clock
  readonly #tipBytes: number
  readonly #onDue: () => void
  #heldBytes = 0
  #isFetching = false
  #timer: Disposable | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(deps: {
    feed: number
    link: Link
    clock: Clock
    tipBytes: number
    queues: readonly QueueInfo[]
    onDue: () => void
  }) {
    this.#feed = deps.feed
    this.#link = deps.link
    this.#clock = deps.clock
    this.#tipBytes = deps.tipBytes
    this.#onDue = deps.onDue
    for (const { queue, events, bytes, due } of deps.queues) {
      Object.assign(this.#queue(queue), { events, bytes })
      this.arm(queue, due)
    }
  }

  /** True while something due is not handed out yet. */
  get hasDue(): boolean {
    return this.#active.size > 0 || this.#isFetching
  }

  backlog(queue?: string): { events: number; bytes: number } {
    if (queue !== undefined) {
      const { events, bytes } = this.#queues.get(queue) ?? { events: 0, bytes: 0 }
      return { events, bytes }
    }
    let events = 0
    let bytes = 0
    for (const each of this.#queues.values()) {
      events += each.events
      bytes += each.bytes
    }
    return { events, bytes }
  }

  count(queue: string, events: number, bytes: number): void {
    const counted = this.#queue(queue)
    counted.events += events
    counted.bytes += bytes
  }

  /** A task was just committed. */
  stored(item: Item, due: number): void {
    const queue = this.#queue(item.queue)
    queue.events++
    queue.bytes += item.bytes
    const isNext = due <= this.#clock.now() && queue.dueAt === Number.POSITIVE_INFINITY && !queue.isFetching
    if (isNext && this.#heldBytes + item.bytes <= this.#tipBytes) this.#hold(queue, item)
    else this.arm(item.queue, due)
  }

  /** Something of this queue is in the file and due at `due`. */
  arm(name: string, due: number): void {
    const queue = this.#queue(name)
    queue.dueAt = Math.min(queue.dueAt, due)
    if (queue.dueAt <= this.#clock.now()) {
      this.#active.add(queue)
      this.#onDue()
    } else if (queue.dueAt !== Number.POSITIVE_INFINITY) {
      this.#armed.add(queue)
      this.#setTimer(queue.dueAt)
    }
  }

  wake(name: string): void {
    const queue = this.#queues.get(name)
    if (queue !== undefined && (queue.tip.length > 0 || queue.dueAt <= this.#clock.now())) this.#active.add(queue)
  }

  /** The entry ended at its consumer. Its id stays held until that is on disk: see `settled`. */
  ended(item: Item): void {
    this.#queue(item.queue).out--
    this.#heldBytes -= item.bytes
    this.wake(item.queue)
  }

  settled(item: Item): void {
    const queue = this.#queues.get(item.queue)
    queue?.held.delete(item.id)
    if (queue?.events === 0 && queue.held.size === 0 && queue.dueAt === Number.POSITIVE_INFINITY) {
      this.#queues.delete(item.queue)
      this.#active.delete(queue)
      this.#armed.delete(queue)
    }
  }

  giveBack(items: readonly Item[]): void {
    for (const item of items) {
      const queue = this.#queue(item.queue)
      queue.out--
      queue.tip = [item, ...queue.tip].sort((a, b) => a.id - b.id)
      this.#active.add(queue)
    }
  }

  /** Hands out what windows and `grant` allow, and asks the file for more where memory has none. */
  offer(window: (queue: string) => number, grant: (item: Item) => boolean): void {
    for (const queue of this.#active) {
      const room = window(queue.name) - queue.out
      let taken = 0
      while (taken < queue.tip.length && taken < room && grant(queue.tip[taken] as Item)) taken++
      queue.out += taken
      const isStuck = taken < queue.tip.length
      if (taken > 0) queue.tip = queue.tip.slice(taken)
      const mayFetch = queue.dueAt <= this.#clock.now()
      if (!isStuck && !mayFetch && !queue.isFetching) this.#active.delete(queue)
      if (room <= taken) this.#active.delete(queue)
    }
  }

  /** Fetches for active queues with nothing in memory. True when something came. */
  async fill(window: (queue: string) => number): Promise<boolean> {
    if (this.#isFetching || this.#heldBytes >= this.#tipBytes) return false
    const now = this.#clock.now()
    const asked: Queue[] = []
    for (const queue of this.#active) {
      if (queue.tip.length > 0 || queue.dueAt > now || window(queue.name) <= queue.out) continue
      asked.push(queue)
      if (asked.length === FETCH_QUEUES) break
    }
    if (asked.length === 0) return false
    this.#isFetching = true
    const wants = asked.map((queue) => {
      queue.isFetching = true
      queue.dueAt = Number.POSITIVE_INFINITY
      const limit = Math.min(window(queue.name) - queue.out, FETCH_PER_QUEUE)
      return { queue: queue.name, limit, held: [...queue.held] }
    })
    try {
      const reply = await this.#link.ask<FetchReply>({
        op: 'fetch',
        feed: this.#feed,
        wants,
        now,
        maxBytes: FETCH_BYTES,
      })
      for (const task of reply.tasks) this.#hold(this.#queue(task.queue), itemOfTask(task))
      asked.forEach((queue, i) => {
        queue.isFetching = false
        this.arm(queue.name, reply.nextDue[i] as number)
      })
      return reply.tasks.length > 0
    } catch (error) {
      for (const queue of asked) {
        queue.isFetching = false
        this.arm(queue.name, now)
      }
      throw error
    } finally {
      this.#isFetching = false
    }
  }

  close(): void {
    this.#timer?.[Symbol.dispose]()
  }

  #hold(queue: Queue, item: Item): void {
    queue.tip.push(item)
    queue.held.add(item.id)
    this.#heldBytes += item.bytes
    this.#active.add(queue)
  }

  #queue(name: string): Queue {
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      queue = {
        name,
        tip: [],
        held: new Set(),
        out: 0,
        dueAt: Number.POSITIVE_INFINITY,
        isFetching: false,
        events: 0,
        bytes: 0,
      }
      this.#queues.set(name, queue)
    }
    return queue
  }

  #setTimer(at: number): void {
    if (at >= this.#timerAt) return
    this.#timer?.[Symbol.dispose]()
    this.#timerAt = at
    this.#timer = this.#clock.after(Math.max(at - this.#clock.now(), TIMER_GRAIN_MS), () => this.#onTimer())
  }

  #onTimer(): void {
    this.#timerAt = Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    let next = Number.POSITIVE_INFINITY
    for (const queue of this.#armed) {
      if (queue.dueAt > now) next = Math.min(next, queue.dueAt)
      else {
        this.#armed.delete(queue)
        this.#active.add(queue)
      }
    }
    if (next !== Number.POSITIVE_INFINITY) this.#setTimer(next)
    this.#onDue()
  }
}
