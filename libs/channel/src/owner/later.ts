import type { Clock } from '@sluice/clock'
import type { Item } from './item.ts'

const LONGEST_WAIT_MS = 2 ** 31 - 1

/** What waits for its time: a heap by due time, with one timer for the earliest. */
export class Later implements Disposable {
  readonly #clock: Clock
  readonly #onDue: (item: Item) => void
  readonly #heap: Item[] = []
  #timer: Disposable | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(clock: Clock, onDue: (item: Item) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  add(item: Item): void {
    const heap = this.#heap
    let i = heap.push(item) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if ((heap[parent] as Item).due <= item.due) break
      heap[i] = heap[parent] as Item
      i = parent
    }
    heap[i] = item
    this.#arm()
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
    this.#heap.length = 0
  }

  #arm(): void {
    const due = this.#heap[0]?.due
    if (due === undefined || due >= this.#timerAt) return
    this.#timer?.[Symbol.dispose]()
    this.#timerAt = due
    this.#timer = this.#clock.after(Math.min(due - this.#clock.now(), LONGEST_WAIT_MS), () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      const now = this.#clock.now()
      for (let item = this.#heap[0]; item !== undefined && item.due <= now; item = this.#heap[0]) {
        this.#removeFirst()
        if (!item.lane.isGone) this.#onDue(item)
      }
      this.#arm()
    })
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop() as Item
    if (heap.length === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && (heap[child + 1] as Item).due < (heap[child] as Item).due) child++
      if ((heap[child] as Item).due >= last.due) break
      heap[i] = heap[child] as Item
      i = child
    }
    heap[i] = last
  }
}
