import { createHash } from 'node:crypto'
import { type Entry, laneOf, type Parked, type ParkedQuery, type Position } from '@sluice/channel'
import type { Lying } from './client/client.ts'
import { recordsAt, scan } from './fetcher.ts'
import { Keys } from './journal.ts'
import type { Link } from './link.ts'
import { type ChannelNames, orderOf, tokenOf } from './names.ts'
import type { Publisher } from './publish.ts'
import { decodeRecord, encodeRecord, type KafkaRecord, orderIn } from './record.ts'

export interface ParkedDeps {
  readonly link: Link
  readonly publisher: Publisher
  readonly names: ChannelNames
  readonly lanes: number
}

interface Found {
  readonly id: Position
  readonly key: string
  readonly lane: number
  readonly offset: number
  readonly order: number
  readonly parkedAt: number
  readonly queue: string
  /** As a part of keys. */
  readonly subscription: string
}

const PAGE = 64

/**
 * The parked entries of a channel: an index in memory over their topic, brought up to date before each look. Keys are
 * `<subscription>/<id>`, so that the newest of each stays and one without value removes it.
 */
export class ParkedIndex {
  readonly #deps: ParkedDeps
  readonly #found = new Map<string, Found>()
  readonly #next: number[]
  #reading: Promise<void> | undefined

  constructor(deps: ParkedDeps) {
    this.#deps = deps
    this.#next = Array.from({ length: deps.lanes }, () => 0)
  }

  async store(lane: number, subscription: string, id: Position, record: KafkaRecord, order?: number): Promise<void> {
    const { link, publisher, names } = this.#deps
    const key = `${tokenOf(subscription)}/${id}`
    await publisher.store([
      {
        topic: names.parked,
        partition: lane,
        order: order ?? link.order(),
        record: { ...record, key: Buffer.from(key) },
      },
    ])
  }

  /** An entry that is published as parked; answers the position it is known by. */
  async publish(subscription: string, entry: Entry): Promise<Position> {
    const { link, lanes } = this.#deps
    const lane = laneOf(entry.laneKey, lanes)
    const order = link.order()
    const id = idOf(entry.dedupKey)
    const place = { id, lane, storedAt: 0, handOuts: 0, due: 0, reason: entry.parked as string }
    await this.store(lane, subscription, id, encodeRecord(entry, { order, place, isKept: true }), order)
    return id
  }

  async list(query: ParkedQuery): Promise<readonly Parked[]> {
    await this.#update()
    const wanted = 'positions' in query ? this.#at(query.positions) : this.#behind(query)
    const listed: Parked[] = []
    for (let i = 0; i < wanted.length; i += PAGE) {
      const page = wanted.slice(i, i + PAGE)
      const records = await this.#contents(page)
      for (const each of page) {
        const record = records.get(each.key)
        const parked = record === undefined ? undefined : parkedOf(each, record)
        if (parked !== undefined) listed.push(parked)
      }
    }
    return listed
  }

  async count(queue: string | undefined): Promise<number> {
    await this.#update()
    if (queue === undefined) return this.#found.size
    let count = 0
    for (const each of this.#found.values()) if (each.queue === queue) count++
    return count
  }

  /** Puts them where their lane's owner finds them, as attempt 1. Answers how many were there. */
  async redrive(positions: readonly Position[]): Promise<number> {
    const { link, publisher, names } = this.#deps
    await this.#update()
    const found = this.#at(positions)
    const records = await this.#contents(found)
    const stored = await Promise.all(
      found.map(async ({ key, lane, id, subscription }) => {
        const record = records.get(key)
        if (record === undefined) return false
        const { envelope, queue, dedupKey, place } = decodeRecord(record)
        const again = { id, lane, storedAt: place?.storedAt || record.storedAt, handOuts: 0, due: 0 }
        const entry = { ...envelope, queue, ...(dedupKey === undefined ? {} : { dedupKey }) }
        const waiting = encodeRecord(entry, { place: again, isKept: true })
        const redriven = new Keys(subscription, true).redriven(id)
        const where = { partition: lane, order: link.order() }
        await publisher.store([{ ...where, topic: names.lanes, record: { ...waiting, key: Buffer.from(redriven) } }])
        await publisher.store([{ ...where, topic: names.parked, record: { key: Buffer.from(key), value: null } }])
        return true
      }),
    )
    return stored.filter(Boolean).length
  }

  async purge(
    which: { readonly positions: readonly Position[] } | { readonly queue?: string; readonly parkedBefore: Date },
  ): Promise<number> {
    const { link, publisher, names } = this.#deps
    await this.#update()
    const found = 'positions' in which ? this.#at(which.positions) : this.#before(which.parkedBefore, which.queue)
    await publisher.store(
      found.map(({ key, lane }) => ({
        ...{ topic: names.parked, partition: lane, order: link.order() },
        record: { key: Buffer.from(key), value: null },
      })),
    )
    return found.length
  }

  /** Reads what has come since; looks that come meanwhile wait for a reading of their own. */
  async #update(): Promise<void> {
    const before = this.#reading ?? Promise.resolve()
    const reading = before.catch(() => undefined).then(() => this.#read())
    this.#reading = reading
    await reading
  }

  async #read(): Promise<void> {
    const { link, names, lanes } = this.#deps
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        const end = await link.end(names.parked, lane)
        for await (const record of scan(link, names.parked, lane, this.#next[lane] ?? 0, end)) {
          this.#take(lane, record)
          this.#next[lane] = record.offset + 1
        }
        this.#next[lane] = Math.max(this.#next[lane] ?? 0, end)
      }),
    )
  }

  #take(lane: number, record: Lying): void {
    const key = record.key?.toString('utf8') ?? ''
    const at = key.indexOf('/')
    if (at < 0) return
    if (record.value === null) {
      this.#found.delete(key)
      return
    }
    try {
      const { queue } = decodeRecord(record)
      const { offset, storedAt: parkedAt } = record
      const order = orderOf(orderIn(record), parkedAt)
      const subscription = key.slice(0, at)
      this.#found.set(key, { id: key.slice(at + 1), key, lane, offset, order, parkedAt, queue, subscription })
    } catch {
      // Nobody of ours wrote it
    }
  }

  #at(positions: readonly Position[]): Found[] {
    const wanted = new Set(positions)
    return [...this.#found.values()].filter(({ id }) => wanted.has(id))
  }

  #before(time: Date, queue: string | undefined): Found[] {
    return [...this.#found.values()].filter(
      (each) => each.parkedAt < time.getTime() && (queue === undefined || each.queue === queue),
    )
  }

  #behind(query: { readonly queue?: string; readonly after?: string; readonly limit: number }): Found[] {
    const { queue, after = '', limit } = query
    const [order = '-1', ...key] = after.split(' ')
    const from = { order: Number(order), key: key.join(' ') }
    return [...this.#found.values()]
      .filter((each) => (queue === undefined || each.queue === queue) && inOrder(from, each) < 0)
      .sort(inOrder)
      .slice(0, limit)
  }

  async #contents(found: readonly Found[]): Promise<ReadonlyMap<string, Lying>> {
    const { link, names } = this.#deps
    const contents = new Map<string, Lying>()
    for (const [lane, each] of Map.groupBy(found, (one) => one.lane)) {
      const offsets = each.map(({ offset }) => offset)
      const records = await recordsAt(link, names.parked, lane, offsets)
      for (const { key, offset } of each) {
        const record = records.get(offset)
        if (record !== undefined) contents.set(key, record)
      }
    }
    return contents
  }
}

function inOrder(a: Pick<Found, 'order' | 'key'>, b: Pick<Found, 'order' | 'key'>): number {
  return a.order - b.order || (a.key < b.key ? -1 : Number(a.key > b.key))
}

function parkedOf({ id, queue, parkedAt, order, key }: Found, record: Lying): Parked | undefined {
  const { envelope, attempt, note, place } = decodeRecord(record)
  const storedAt = place?.storedAt || parkedAt
  const reason = place?.reason ?? ''
  return { ...envelope, position: id, queue, storedAt, reason, parkedAt, attempt, note, cursor: `${order} ${key}` }
}

function idOf(dedupKey: string | undefined): Position {
  if (dedupKey === undefined) return `p${crypto.randomUUID()}`
  return `p${createHash('sha256').update(dedupKey).digest('hex').slice(0, 32)}`
}
