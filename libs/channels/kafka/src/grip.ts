import {
  type Envelope,
  type Grip,
  type Item,
  type Place,
  REMEMBERED_KEYS,
  type Redriven,
  type Waiting,
} from '@sluice/channel'
import type { Lying } from './client/client.ts'
import { DEDUP_WINDOW_MS } from './config.ts'
import { unavailable } from './errors.ts'
import { recordsAt } from './fetcher.ts'
import { type Fold, headersOf, type Kept, keptOf } from './journal.ts'
import type { LaneDeps } from './lane-store.ts'
import type { Outgoing } from './publish.ts'
import { decodeRecord, encodeRecord } from './record.ts'

/** Committed offsets are for tools and retention, which look now and then. */
const COMMIT_MS = 1_000

interface Barrier {
  readonly offset: number
  readonly resolve: () => void
}

/**
 * A lane in its owner's hand. It follows the lane's journal: what it wrote counts once it has read it there without a
 * claim of another before it.
 */
export class KafkaGrip implements Grip {
  readonly cursor: string | undefined
  readonly end: number
  onLost: () => void = () => undefined
  readonly term: number
  readonly lane: number
  readonly #deps: LaneDeps
  readonly #onRedriven: (each: Redriven) => void
  /** By place, the key of a copy aside; and the newest place of each key. */
  readonly #keyOf = new Map<number, string>()
  readonly #newest = new Map<string, number>()
  #found: readonly Kept[]
  #old: Set<string>
  readonly #following: Disposable
  #barriers: Barrier[] = []
  #seen: number
  #isLost = false
  #isDisposed = false
  #passed = -1
  #committed = -1
  #timer: Disposable | undefined
  /** Put back and not taken up yet. */
  readonly redriven = new Map<string, Kept>()
  readonly #adopting = new Set<string>()

  constructor(lane: number, fold: Fold, end: number, deps: LaneDeps, onRedriven: (each: Redriven) => void) {
    this.lane = lane
    this.term = fold.term
    this.end = end
    this.cursor = fold.cursor
    this.#deps = deps
    this.#onRedriven = onRedriven
    this.#found = [...fold.asides.values()]
    for (const { key, offset } of this.#found) this.#remember(offset + 1, key)
    this.#old = fold.old
    this.#seen = fold.next
    for (const kept of fold.redriven.values()) this.#putBack(kept)
    this.#following = deps.fetcher.follow({
      ...{ topic: deps.names.lanes, partition: lane, from: fold.next, hasRoom: () => true },
      onPage: ({ records, next }) => {
        for (const record of records) this.#take(record)
        this.#passedBy(next)
      },
    })
  }

  async write(cursor: string, passed: number): Promise<boolean> {
    if (this.#isLost) return false
    const { keys } = this.#deps
    const key = keys.cursor(this.term)
    const offset = await this.#store(key, { value: Buffer.from(cursor) })
    if (!(await this.seen(offset))) return false
    this.#clear(key)
    // Seen in its place: from now on what is before `passed` may go
    this.#passed = Math.max(this.#passed, passed)
    this.#commitSoon()
    return true
  }

  /** Resolves once the journal was read up to there: false if another has the lane. */
  async seen(offset: number): Promise<boolean> {
    if (!this.#isLost && !this.#isDisposed && this.#seen <= offset) {
      await new Promise<void>((resolve) => this.#barriers.push({ offset, resolve }))
    }
    if (this.#isDisposed && this.#seen <= offset && !this.#isLost) throw unavailable('the lane is given up')
    return !this.#isLost
  }

  /** What is in the journal now has been read. */
  async caughtUp(): Promise<void> {
    const { link, names } = this.#deps
    await this.seen((await link.end(names.lanes, this.lane)) - 1)
  }

  async *asides(): AsyncGenerator<Waiting> {
    const found = this.#found
    this.#found = []
    for (const { offset, decode } of found) yield { place: offset + 1, decode }
  }

  async hasFrom(seq: number): Promise<boolean> {
    const { link, names } = this.#deps
    const offset = seq - 1
    return offset < (await link.end(names.events, this.lane))
  }

  async historyFrom(seq: number): Promise<number> {
    const { link, names } = this.#deps
    const young = await link.since(names.events, this.lane, link.clock.now() - DEDUP_WINDOW_MS)
    const beginning = await link.beginning(names.events, this.lane)
    return Math.max(1, beginning + 1, Math.min(seq, Math.max(seq - REMEMBERED_KEYS, (young ?? seq) + 1)))
  }

  async keep(item: Item): Promise<number> {
    const key = this.#deps.keys.aside(this.term, item.id)
    const offset = await this.#store(key, recordOf(item, this.lane))
    return this.#remember(offset + 1, key)
  }

  async park(item: Item, reason: string): Promise<void> {
    const { parked, subscription, link } = this.#deps
    const order = link.order()
    await parked.store(this.lane, subscription, item.id, recordOf(item, this.lane, reason, order), order)
  }

  async remove(place: number): Promise<void> {
    const key = this.#keyOf.get(place)
    if (key === undefined) return
    if (this.#newest.get(key) === place) {
      await this.#store(key, { value: null, headers: headersOf(this.term) })
      this.#newest.delete(key)
    }
    this.#keyOf.delete(place)
  }

  async contents(places: readonly number[]): Promise<readonly (Envelope | undefined)[]> {
    const { link, names } = this.#deps
    const found = await recordsAt(
      link,
      names.lanes,
      this.lane,
      places.map((place) => place - 1),
    )
    return places.map((place) => {
      const record = found.get(place - 1)
      return record === undefined || record.value === null ? undefined : decodeRecord(record).envelope
    })
  }

  /** The last commit is still made. */
  async settled(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    await this.#commit()
  }

  [Symbol.dispose](): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    this.#following[Symbol.dispose]()
    this.#timer?.[Symbol.dispose]()
    if (!this.#isLost) void this.#commit()
    for (const { resolve } of this.#barriers.splice(0)) resolve()
    this.#deps.onDisposed(this)
  }

  #take(record: Lying): void {
    this.#seen = record.offset + 1
    const note = this.#deps.keys.read(record)
    if (note === undefined || this.#isLost) return
    if (note.kind === 'redriven') {
      this.#putBack({ key: note.key, offset: record.offset, decode: () => decodeRecord(record) })
    } else if (note.kind === 'gone') {
      // Of one that is being adopted this may be read before the answer comes: until then it would be in no count
      if (!this.#adopting.has(note.key)) this.redriven.delete(note.key)
    } else if (note.term > this.term) {
      this.#isLost = true
      this.onLost()
    } else if (note.term < this.term && note.kind === 'aside') {
      // By one that did not know yet. Its place may be all that compaction leaves of the event
      this.#putBack(keptOf(note.key, record))
    } else if (note.term < this.term && note.kind === 'cursor') this.#old.add(note.key)
  }

  #passedBy(next: number): void {
    this.#seen = Math.max(this.#seen, next)
    const waiting = this.#barriers
    this.#barriers = []
    for (const each of waiting) {
      if (this.#isLost || each.offset < this.#seen) each.resolve()
      else this.#barriers.push(each)
    }
  }

  #putBack(kept: Kept): void {
    this.redriven.set(kept.key, kept)
    const { lane } = this
    const adopt = async (grip: Grip) => (grip as KafkaGrip).adopt(kept)
    this.#onRedriven({ lane, place: kept.offset, decode: kept.decode, adopt })
  }

  /** Waiting aside, and no more among the redriven, in one batch. */
  async adopt(kept: Kept): Promise<number> {
    this.#adopting.add(kept.key)
    try {
      const place = await this.#adopt(kept)
      // Once who adopts it has it among what waits aside
      setImmediate(() => this.redriven.delete(kept.key))
      return place
    } finally {
      this.#adopting.delete(kept.key)
    }
  }

  async #adopt(kept: Kept): Promise<number> {
    const { link, names, keys, publisher } = this.#deps
    const record = (await recordsAt(link, names.lanes, this.lane, [kept.offset])).get(kept.offset)
    if (record === undefined) throw unavailable('a redriven event is gone')
    const { place } = decodeRecord(record)
    const key = keys.aside(this.term, place?.id ?? '')
    const order = link.order()
    const where = { topic: names.lanes, partition: this.lane, order }
    const [stored] = await publisher.store([
      {
        ...where,
        record: { key: Buffer.from(key), value: record.value, headers: record.headers as Record<string, Buffer> },
      },
      { ...where, record: { key: Buffer.from(kept.key), value: null, headers: headersOf(this.term) } },
    ])
    return this.#remember((stored as { offset: number }).offset + 1, key)
  }

  #remember(place: number, key: string): number {
    this.#keyOf.set(place, key)
    this.#newest.set(key, Math.max(place, this.#newest.get(key) ?? 0))
    return place
  }

  /** Claims and cursors of those before, once ours stands. */
  #clear(cursor: string): void {
    if (this.#old.size === 0) return
    const old = [...this.#old]
    this.#old = new Set()
    for (const key of old) {
      if (key === cursor || key === this.#deps.keys.claim(this.term, this.#deps.member())) continue
      this.#store(key, { value: null, headers: headersOf(this.term) }).catch(() => undefined)
    }
  }

  async #store(key: string, record: Omit<Outgoing['record'], 'key'>): Promise<number> {
    const { publisher, names, link } = this.#deps
    const where = { topic: names.lanes, partition: this.lane, order: link.order() }
    const [place] = await publisher.store([{ ...where, record: { ...record, key: Buffer.from(key) } }])
    return (place as { offset: number }).offset
  }

  #commitSoon(): void {
    if (this.#isDisposed || this.#passed === this.#committed) return
    this.#timer ??= this.#deps.link.clock.after(COMMIT_MS, () => {
      this.#timer = undefined
      void this.#commit()
    })
  }

  async #commit(): Promise<void> {
    const { link, names, subscription } = this.#deps
    const passed = this.#passed
    if (passed < 0 || passed === this.#committed) return
    // Places begin with 1: what is passed is the next offset
    const committing = link.commit(names.group(subscription), names.events, this.lane, passed)
    await committing.then(
      () => {
        this.#committed = passed
      },
      () => undefined,
    )
  }
}

function recordOf(item: Item, lane: number, reason?: string, order = 0) {
  const { envelope, dedupKey, queue, attempt, note, id, storedAt, handOuts, due } = item
  if (envelope === undefined) throw unavailable('the event is not in memory')
  const place: Place = { id, lane, storedAt, handOuts, due, ...(reason === undefined ? {} : { reason }) }
  const entry = {
    ...envelope,
    queue,
    attempt,
    ...(dedupKey === undefined ? {} : { dedupKey }),
    ...(note === undefined ? {} : { note }),
  }
  return encodeRecord(entry, { place, isKept: true, ...(reason !== undefined && { order }) })
}
