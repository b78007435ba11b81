import type { Clock } from '@sluice/clock'
import type { Item } from './item.ts'
import { itemOfTask } from './item.ts'
import { grantInOrder } from './lanes.ts'
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

/** What a consumer side lets through at the moment. */
export interface Gate {
  /** Entries of this queue that may be out at once. */
  readonly window: (queue: string) => number
  readonly grant: (item: Item) => boolean
  /** Nobody has room for anything: looking further is in vain. */
  readonly isFull: () => boolean
  readonly isOnlyConsumer: boolean
}

/**
 * The logical queues of one feed. What is due comes from memory while a queue keeps up, else from the file; what waits
 * for its time, or for its window, costs nothing until then.
 *
 *   armed ── its time comes ──► active ── window closed ──► resting ── wake, an end ──► active
 *                                  └──── nothing due ─────► idle, or armed for what is due later
 */
export class QueueSource {
  readonly #queues = new Map<string, Queue>()
  readonly #active = new Set<Queue>()
  /** With entries in memory and a closed window: theirs is the memory that others may have. */
  readonly #resting = new Set<Queue>()
  readonly #armed = new Set<Queue>()
  readonly #feed: number
  readonly #link: Link
  readonly #clock: Clock
  readonly #maxTipBytes: number
  readonly #onDue: () => void
  readonly #total = { events: 0, bytes: 0 }
  #tipBytes = 0
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
    this.#maxTipBytes = deps.tipBytes
    this.#onDue = deps.onDue
    for (const { queue, events, bytes, due } of deps.queues) {
      this.count(queue, events, bytes)
      this.arm(queue, due)
    }
  }

  /** True while something due is not handed out yet. */
  get hasDue(): boolean {
    return this.#active.size > 0 || this.#isFetching
  }

  backlog(queue?: string): { events: number; bytes: number } {
    const { events, bytes } = queue === undefined ? this.#total : (this.#queues.get(queue) ?? NOTHING)
    return { events, bytes }
  }

  count(queue: string, events: number, bytes: number): void {
    for (const counted of [this.#queue(queue), this.#total]) {
      counted.events += events
      counted.bytes += bytes
    }
  }

  /** A task was just committed. Nothing due lies in the file: it goes on from memory, behind what is there. */
  stored(item: Item, due: number): void {
    this.count(item.queue, 1, item.bytes)
    const queue = this.#queue(item.queue)
    const now = this.#clock.now()
    const isNext = due <= now && queue.dueAt > now && !queue.isFetching
    if (isNext && this.#tipBytes + item.bytes <= this.#maxTipBytes) this.#hold(queue, [item])
    else this.arm(item.queue, due)
  }

  /** Something of this queue is in the file and due at `due`. */
  arm(name: string, due: number): void {
    if (due === Number.POSITIVE_INFINITY) return
    const queue = this.#queue(name)
    queue.dueAt = Math.min(queue.dueAt, due)
    if (queue.dueAt <= this.#clock.now()) {
      this.#activate(queue)
      this.#onDue()
    } else {
      this.#armed.add(queue)
      this.#setTimer(queue.dueAt)
    }
  }

  wake(name: string): void {
    const queue = this.#queues.get(name)
    if (queue !== undefined) this.#wake(queue, this.#clock.now())
  }

  /** A consumer came, whose windows may be wider than those that closed a queue. */
  wakeAll(): void {
    const now = this.#clock.now()
    for (const queue of this.#queues.values()) this.#wake(queue, now)
  }

  #wake(queue: Queue, now: number): void {
    if (queue.tip.length > 0 || queue.dueAt <= now) this.#activate(queue)
  }

  /** The entry ended at its consumer. Its id stays held until that is on disk: see `settled`. */
  ended(item: Item): void {
    this.#queue(item.queue).out--
    this.wake(item.queue)
  }

  settled(item: Item): void {
    const queue = this.#queues.get(item.queue)
    if (queue === undefined) return
    queue.held.delete(item.id)
    this.#forgetIdle(queue)
  }

  giveBack(items: readonly Item[]): void {
    for (const [name, given] of Map.groupBy(items, ({ queue }) => queue)) {
      const queue = this.#queue(name)
      queue.out -= given.length
      this.#hold(queue, given)
      queue.tip.sort((a, b) => a.id - b.id)
    }
  }

  /** Hands out what windows and the consumers allow. Who got something goes to the end of the line. */
  offer({ window, grant, isFull, isOnlyConsumer }: Gate): void {
    const now = this.#clock.now()
    let left = this.#active.size
    for (const queue of this.#active) {
      if (left-- === 0 || isFull()) return
      const room = window(queue.name) - queue.out
      const { tip } = queue
      queue.tip = grantInOrder(tip, room, isOnlyConsumer, (item) => {
        const isGranted = grant(item)
        if (isGranted) this.#tipBytes -= item.bytes
        return isGranted
      })
      const taken = tip.length - queue.tip.length
      queue.out += taken
      const isClosed = room <= taken
      const mayHaveMore = queue.tip.length > 0 || queue.dueAt <= now || queue.isFetching
      if (taken > 0 || isClosed || !mayHaveMore) this.#active.delete(queue)
      if (isClosed && queue.tip.length > 0) this.#resting.add(queue)
      else if (taken > 0 && !isClosed && mayHaveMore) this.#active.add(queue)
    }
  }

  /** Fetches for active queues with nothing in memory. True when it has looked: the answer may let others go on. */
  async fill(window: (queue: string) => number): Promise<boolean> {
    if (this.#isFetching) return false
    if (this.#tipBytes >= this.#maxTipBytes) this.#evict()
    if (this.#tipBytes >= this.#maxTipBytes) return false
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
      const limit = Math.min(Math.ceil(window(queue.name) - queue.out), FETCH_PER_QUEUE)
      return { queue: queue.name, limit, held: [...queue.held] }
    })
    let nextDue: readonly number[] = asked.map(() => now)
    try {
      const request = { op: 'fetch', feed: this.#feed, wants, now, maxBytes: FETCH_BYTES } as const
      const reply = await this.#link.ask<FetchReply>(request)
      for (const task of reply.tasks) this.#hold(this.#queue(task.queue), [itemOfTask(task)])
      nextDue = reply.nextDue
    } finally {
      this.#isFetching = false
      asked.forEach((queue, i) => {
        this.#fetched(queue, nextDue[i] as number)
      })
    }
    return true
  }

  #fetched(queue: Queue, nextDue: number): void {
    queue.isFetching = false
    queue.dueAt = Math.min(queue.dueAt, nextDue)
    if (queue.dueAt <= this.#clock.now()) this.#activate(queue)
    else this.arm(queue.name, queue.dueAt)
    this.#forgetIdle(queue)
  }

  close(): void {
    this.#timer?.[Symbol.dispose]()
  }

  #activate(queue: Queue): void {
    this.#resting.delete(queue)
    this.#active.add(queue)
  }

  #hold(queue: Queue, items: readonly Item[]): void {
    for (const item of items) {
      queue.tip.push(item)
      queue.held.add(item.id)
      this.#tipBytes += item.bytes
    }
    this.#activate(queue)
  }

  /** What rests leaves memory; the file has it. */
  #evict(): void {
    for (const queue of this.#resting) {
      for (const { id, bytes } of queue.tip) {
        queue.held.delete(id)
        this.#tipBytes -= bytes
      }
      queue.tip = []
      queue.dueAt = 0
      this.#resting.delete(queue)
      if (this.#tipBytes < this.#maxTipBytes / 2) return
    }
  }

  #queue(name: string): Queue {
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      const dueAt = Number.POSITIVE_INFINITY
      queue = { name, tip: [], held: new Set(), out: 0, dueAt, isFetching: false, events: 0, bytes: 0 }
      this.#queues.set(name, queue)
    }
    return queue
  }

  #forgetIdle(queue: Queue): void {
    if (queue.events > 0 || queue.held.size > 0 || queue.isFetching || queue.dueAt < Number.POSITIVE_INFINITY) return
    this.#queues.delete(queue.name)
    for (const set of [this.#active, this.#resting, this.#armed]) set.delete(queue)
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
      if (queue.dueAt > now && queue.dueAt < Number.POSITIVE_INFINITY) {
        next = Math.min(next, queue.dueAt)
        continue
      }
      this.#armed.delete(queue)
      if (queue.dueAt <= now) this.#activate(queue)
    }
    if (next !== Number.POSITIVE_INFINITY) this.#setTimer(next)
    this.#onDue()
  }
}

const NOTHING = { events: 0, bytes: 0 }
