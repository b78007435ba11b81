import type { Item } from './item.ts'
import type { Lane } from './lane.ts'

/** A logical queue as its lanes' owner sees it: what is due and not handed out, oldest first. */
export class Queue {
  readonly name: string
  #items: Item[] = []
  #start = 0
  out = 0
  isFetching = false

  constructor(name: string) {
    this.name = name
  }

  get length(): number {
    return this.#items.length - this.#start
  }

  at(index: number): Item | undefined {
    return this.#items[this.#start + index]
  }

  get last(): Item | undefined {
    return this.length === 0 ? undefined : this.#items.at(-1)
  }

  shift(): void {
    this.#start++
    if (this.#start < 64 || this.#start * 2 < this.#items.length) return
    this.#items = this.#items.slice(this.#start)
    this.#start = 0
  }

  /** In its place by age. */
  add(item: Item): void {
    const items = this.#items
    if (this.length === 0 || (items.at(-1) as Item).age <= item.age) {
      items.push(item)
      return
    }
    let low = this.#start
    let high = items.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((items[middle] as Item).age <= item.age) low = middle + 1
      else high = middle
    }
    items.splice(low, 0, item)
  }

  /** Forgets what `isGone`. */
  drop(isGone: (item: Item) => boolean): void {
    this.#items = this.#items.slice(this.#start).filter((item) => !isGone(item))
    this.#start = 0
  }
}

/** All logical queues, and which of them may have something to hand out. */
export class Queues {
  readonly #queues = new Map<string, Queue>()
  readonly active = new Set<Queue>()

  of(name: string): Queue {
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      queue = new Queue(name)
      this.#queues.set(name, queue)
    }
    return queue
  }

  all(): Iterable<Queue> {
    return this.#queues.values()
  }

  add(item: Item): void {
    const queue = this.of(item.queue)
    queue.add(item)
    this.active.add(queue)
  }

  wake(name: string): void {
    const queue = this.#queues.get(name)
    if (queue !== undefined && queue.length > 0) this.active.add(queue)
  }

  /** One is out no more. */
  ended(name: string): void {
    const queue = this.of(name)
    queue.out--
    if (queue.length > 0) this.active.add(queue)
    else if (queue.out === 0 && !queue.isFetching) {
      this.active.delete(queue)
      this.#queues.delete(name)
    }
  }

  drop(lane: Lane): void {
    for (const queue of this.#queues.values()) queue.drop((item) => item.lane === lane)
  }

  clear(): void {
    this.#queues.clear()
    this.active.clear()
  }
}
