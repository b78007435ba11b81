import { sleep } from '@sluice/clock'
import type { Item } from './item.ts'
import type { Lane } from './lane.ts'
import type { LaneStore } from './lane-store.ts'

const RETRY_MS = 100
const MOST_DELETES = 256

/** Writes what does not end at once: one copy per entry, removed once its next one is stored. */
export class Aside {
  readonly #store: LaneStore
  readonly #deleting: (readonly [Lane, number])[] = []
  #deletes = 0

  constructor(store: LaneStore) {
    this.#store = store
  }

  /** Stores the item as it is now and sets where. Tries until it is stored or its lane is gone. */
  async keep(item: Item): Promise<void> {
    const last = item.aside
    item.aside = await this.#insist(item, () => item.lane.grip.keep(item))
    if (last > 0) this.remove(item.lane, last)
  }

  /** Stores the item as parked; the copy that waited, if any, is removed. */
  async park(item: Item, reason: string): Promise<void> {
    await this.#insist(item, () => item.lane.grip.park(item, reason))
    if (item.aside > 0) this.remove(item.lane, item.aside)
  }

  /** Deleted a little later, and done with from the next cursor on. */
  remove(lane: Lane, place: number): void {
    lane.gone.add(place)
    this.#deleting.push([lane, place])
    this.#pump()
  }

  /** Resolves once nothing waits to be removed, or the connection is away. */
  async settled(): Promise<void> {
    while ((this.#deletes > 0 || this.#deleting.length > 0) && this.#store.isUp) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #pump(): void {
    while (this.#deletes < MOST_DELETES && this.#deleting.length > 0) {
      const each = this.#deleting.shift() as readonly [Lane, number]
      const [lane, place] = each
      this.#deletes++
      lane.grip
        .remove(place)
        .then(() => void lane.gone.delete(place))
        .catch(async () => {
          await sleep(this.#store.clock, RETRY_MS)
          // Who has the lane next deletes what its cursor names
          if (!lane.isGone) this.#deleting.push(each)
        })
        .finally(() => {
          this.#deletes--
          this.#pump()
        })
    }
  }

  async #insist<T>(item: Item, write: () => Promise<T>): Promise<T> {
    for (;;) {
      if (item.lane.isGone) throw this.#store.unavailable('the lane has another owner')
      try {
        return await write()
      } catch (error) {
        if (!this.#store.isUnavailable(error)) throw error
        await sleep(this.#store.clock, RETRY_MS)
      }
    }
  }
}
