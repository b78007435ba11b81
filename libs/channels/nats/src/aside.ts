import { randomUUID } from 'node:crypto'
import { sleep } from '@sluice/clock'
import { isUnavailable, tooLarge, unavailable } from './errors.ts'
import type { Item } from './item.ts'
import type { Lane } from './lane.ts'
import type { Link } from './link.ts'
import { encodeMessage, type Message, messageId, type Place } from './message.ts'
import { type ChannelNames, tokenOf } from './names.ts'
import { deleteAt, store } from './store.ts'

const RETRY_MS = 100
const MOST_DELETES = 256

export interface AsideDeps {
  readonly link: Link
  readonly names: ChannelNames
  readonly subscription: string
}

/** Writes what does not end at once: one message per entry, removed once its next copy is stored. */
export class Aside {
  readonly #deps: AsideDeps
  readonly #deleting: (readonly [Lane, number])[] = []
  #deletes = 0

  constructor(deps: AsideDeps) {
    this.#deps = deps
  }

  /** Stores the item as it is now and sets where. Tries until it is stored or its lane is gone. */
  async keep(item: Item): Promise<void> {
    const { names, subscription } = this.#deps
    const last = item.aside
    const subject = names.waiting(subscription, item.lane.number, tokenOf(item.queue), item.id, last)
    item.aside = await this.#insist(item, subject, this.#messageOf(item))
    if (last > 0) this.remove(item.lane, last)
  }

  /** Stores the item as parked; the copy that waited, if any, is removed. */
  async park(item: Item, reason: string): Promise<void> {
    const { names, subscription } = this.#deps
    const subject = names.parked(subscription, tokenOf(item.queue), item.id)
    await this.#insist(item, subject, this.#messageOf(item, reason))
    if (item.aside > 0) this.remove(item.lane, item.aside)
  }

  /** Deleted a little later, and done with from the next cursor on. */
  remove(lane: Lane, seq: number): void {
    lane.gone.add(seq)
    this.#deleting.push([lane, seq])
    this.#pump()
  }

  /** Resolves once nothing waits to be removed, or the connection is away. */
  async settled(): Promise<void> {
    while ((this.#deletes > 0 || this.#deleting.length > 0) && this.#deps.link.isUp) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #pump(): void {
    const { link, names } = this.#deps
    while (this.#deletes < MOST_DELETES && this.#deleting.length > 0) {
      const each = this.#deleting.shift() as readonly [Lane, number]
      const [lane, seq] = each
      this.#deletes++
      deleteAt(link, names.aside, seq)
        .then(() => void lane.gone.delete(seq))
        .catch(async () => {
          await sleep(link.options.clock, RETRY_MS)
          // Who has the lane next deletes what its cursor names
          if (!lane.isGone) this.#deleting.push(each)
        })
        .finally(() => {
          this.#deletes--
          this.#pump()
        })
    }
  }

  #messageOf(item: Item, reason?: string): Message {
    const { envelope, dedupKey, queue, attempt, note, id, lane, storedAt, handOuts, due } = item
    if (envelope === undefined) throw unavailable('the event is not in memory')
    const place: Place = { id, lane: lane.number, storedAt, handOuts, due, ...(reason === undefined ? {} : { reason }) }
    const message = encodeMessage(
      {
        ...envelope,
        queue,
        attempt,
        ...(dedupKey === undefined ? {} : { dedupKey }),
        ...(note === undefined ? {} : { note }),
      },
      place,
      // Of this writing alone: repeated because its answer was lost, it is stored once, and nothing is replaced
      messageId(randomUUID()),
    )
    const bytes = message.headerBytes + message.payload.length
    if (bytes > this.#deps.link.maxPayload) throw tooLarge(bytes, this.#deps.link.maxPayload)
    return message
  }

  async #insist(item: Item, subject: string, { headers, payload }: Message): Promise<number> {
    const { link } = this.#deps
    for (;;) {
      if (item.lane.isGone) throw unavailable('the lane has another owner')
      try {
        return await store(link, subject, payload, headers)
      } catch (error) {
        if (!isUnavailable(error)) throw error
        await sleep(link.options.clock, RETRY_MS)
      }
    }
  }
}
