/** What an item of a list carries: its neighbours, written by the list alone. An item is in one list at a time. */
export interface Linked<T> {
  next: T | undefined
  previous: T | undefined
}

/**
 * Items in the order they were added; adding and removing allocates nothing. For what comes and goes with every event a
 * Set or Map will not do: V8 links each table that it outgrew to the next one, so that one that reached the old
 * generation keeps every later one, and all that was ever in them, until a full collection. A removed item links to
 * nothing.
 */
export class LinkedList<T extends Linked<T>> implements Iterable<T> {
  #oldest: T | undefined
  #newest: T | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get oldest(): T | undefined {
    return this.#oldest
  }

  append(item: T): void {
    const last = this.#newest
    item.previous = last
    item.next = undefined
    if (last === undefined) this.#oldest = item
    else last.next = item
    this.#newest = item
    this.#size++
  }

  /** False, and nothing happens, when it is not in the list. */
  remove(item: T): boolean {
    const { next, previous } = item
    if (next === undefined && this.#newest !== item) return false
    if (next === undefined) this.#newest = previous
    else next.previous = previous
    if (previous === undefined) this.#oldest = next
    else previous.next = next
    item.next = item.previous = undefined
    this.#size--
    return true
  }

  /** Oldest first. The item at hand may be removed meanwhile, no other. */
  *[Symbol.iterator](): Iterator<T> {
    for (let item = this.#oldest; item !== undefined; ) {
      const { next } = item
      yield item
      item = next
    }
  }
}
