import type { Aside } from './aside.ts'
import { type Item, itemOf } from './item.ts'
import type { Lane } from './lane.ts'
import type { Arrival, LaneReader, LaneStore, OwnerEvents, StoredEntry } from './lane-store.ts'
import { Later } from './later.ts'
import { type Queue, Queues } from './queues.ts'
import { REMEMBERED_KEYS, SeenKeys } from './seen-keys.ts'
import type { Taken } from './takeover.ts'

export interface StockDeps {
  readonly store: LaneStore
  readonly events: OwnerEvents
  readonly aside: Aside
  readonly window: (queue: string) => number
  /** There is more to hand out. */
  readonly onStock: () => void
}

/** Read and not handed out, over all lanes; beyond, reading waits or what is held is moved aside. */
const MOST_EVENTS = 4_096
const MOST_BYTES = 16 * 1024 * 1024
/** Of a queue that is held or slow, this much stays in memory when room is short. */
const KEPT_PER_QUEUE = 16
/** A time so near is waited for in memory. */
const NEAR_MS = 1_000
const MOST_MOVING = 256
/** Aside and due later than this: not kept in memory meanwhile. */
const KEEP_IN_MEMORY_MS = 10_000
const MOST_FETCHED = 64
const FETCH_RETRY_MS = 200

export type Grant = (item: Item) => 'taken' | 'full' | 'not-now'

/** What can be handed out next: what the lanes' readers bring, and what waits aside when it is due. */
export class Stock implements Disposable {
  readonly queues = new Queues()
  readonly #deps: StockDeps
  readonly #later: Later
  readonly #lanes = new Map<number, Lane>()
  readonly #keys = new Map<Lane, SeenKeys>()
  readonly #unread = new Map<Lane, Taken['open']>()
  /** Reads every lane, while all are ours; and how far it is. */
  #all: LaneReader | undefined
  #readAll = 0
  /** In memory with their content, not out. */
  #events = 0
  #bytes = 0
  #moving = 0
  #isDisposed = false

  constructor(deps: StockDeps) {
    this.#deps = deps
    this.#later = new Later(deps.store.clock, (item) => {
      this.queues.add(item)
      deps.onStock()
    })
  }

  /** All lanes together are read in the order of their stream, by one reader. */
  add(taken: readonly Taken[]): void {
    for (const { lane, open } of taken) {
      this.#lanes.set(lane.number, lane)
      this.#keys.set(lane, new SeenKeys(REMEMBERED_KEYS))
      this.#unread.set(lane, open)
      // What waits aside goes before what follows it.
      for (const item of lane.aside.values()) {
        if (item.dedupKey !== undefined) this.#keys.get(lane)?.add(item.dedupKey)
        this.later(item)
      }
      for (const place of lane.gone) this.#deps.aside.remove(lane, place)
    }
    const { readsTogether, lanes } = this.#deps.store
    if (readsTogether && taken.length === lanes) this.#all = this.#read('*', Math.min(...taken.map(({ from }) => from)))
    else for (const { lane, from } of taken) lane.reader = this.#read(lane.number, from)
  }

  #read(lane: number | '*', from: number): LaneReader {
    return this.#deps.store.read(lane, from, {
      room: () => this.#room(lane === '*'),
      onEntry: (number, arrival) => {
        this.#readAll = arrival.seq
        const owner = this.#lanes.get(number)
        if (owner !== undefined) this.#take(owner, arrival)
        else if (lane === '*') this.#deps.events.skipped(number, arrival.seq, 'no such lane')
      },
      onCaughtUp: () => this.#caughtUp(lane === '*' ? this.#lanes.values() : [this.#lanes.get(lane)]),
    })
  }

  /** What was expected and did not come is not there: nobody waits for it any longer. */
  #caughtUp(lanes: Iterable<Lane | undefined>): void {
    for (const lane of lanes) {
      if (lane === undefined || lane.isCaughtUp) continue
      lane.isCaughtUp = true
      this.#deps.onStock()
    }
  }

  /** It waits aside, and its lane's last owner had something older in memory that is still to be read. */
  #isEarly({ aside, lane, seq }: Item): boolean {
    if (aside === 0 || lane.isCaughtUp) return false
    for (const expected of this.#unread.get(lane)?.keys() ?? []) return expected < seq
    return false
  }

  /** A lane is going: the others are read one by one from now on. */
  #part(): void {
    if (this.#all === undefined) return
    this.#all[Symbol.dispose]()
    this.#all = undefined
    for (const lane of this.#lanes.values()) {
      lane.reader = this.#read(lane.number, Math.max(this.#readAll, lane.read) + 1)
    }
  }

  /** Handed out when it is due. */
  later(item: Item): void {
    if (item.due > this.#deps.store.clock.now()) this.#later.add(item)
    else {
      this.queues.add(item)
      this.#deps.onStock()
    }
  }

  offer(grant: Grant): void {
    for (const queue of [...this.queues.active]) {
      if (this.#offerQueue(queue, grant) === 'full') break
    }
    this.#makeRoom()
    this.#all?.pull()
    for (const lane of this.#lanes.values()) lane.reader?.pull()
  }

  /** It has ended. */
  remove(item: Item, { isParked = false } = {}): void {
    const { lane } = item
    if (item.aside > 0) {
      if (!isParked) this.#deps.aside.remove(lane, item.aside)
      this.#removeAside(item)
    } else lane.open.delete(item.seq)
    item.envelope = undefined
  }

  /** Its copy aside is stored: there it waits from now on. */
  movedAside(item: Item): void {
    const { lane } = item
    lane.open.delete(item.seq)
    if (!lane.aside.has(item.id)) lane.asideBytes += item.bytes
    lane.aside.set(item.id, item)
    if (item.handOuts === 0) lane.suspects.delete(item)
  }

  /** It was out, is stored aside, and is handed out again when it is due. */
  giveBack(item: Item): void {
    const isNear = item.due <= this.#deps.store.clock.now() + KEEP_IN_MEMORY_MS
    if (isNear && this.#hasSpace()) this.#count(item)
    else item.envelope = undefined
    this.later(item)
  }

  drop(lane: Lane): void {
    lane.reader?.[Symbol.dispose]()
    lane.reader = undefined
    if (this.#lanes.get(lane.number) === lane) this.#lanes.delete(lane.number)
    this.#part()
    this.#keys.delete(lane)
    this.#unread.delete(lane)
    this.queues.drop(lane)
    for (const items of [lane.open.values(), lane.aside.values()]) for (const item of items) this.#uncount(item)
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    this.#later[Symbol.dispose]()
    this.#all?.[Symbol.dispose]()
    for (const lane of this.#lanes.values()) lane.reader?.[Symbol.dispose]()
    this.queues.clear()
  }

  #offerQueue(queue: Queue, grant: Grant): 'full' | 'done' {
    const { active } = this.queues
    for (;;) {
      const item = queue.at(0)
      if (item === undefined || queue.isFetching || item.isMoving) {
        if (item === undefined) active.delete(queue)
        return 'done'
      }
      if (item.lane.isGone || item.lane.isLeaving) {
        queue.shift()
        continue
      }
      if (this.#isEarly(item)) return 'done'
      if (queue.out >= this.#deps.window(queue.name)) {
        active.delete(queue)
        return 'done'
      }
      if (item.envelope === undefined) {
        this.#fetch(queue)
        return 'done'
      }
      const outcome = grant(item)
      if (outcome === 'full') return 'full'
      if (outcome === 'not-now') return 'done'
      queue.shift()
      queue.out++
      this.#uncount(item)
    }
  }

  #take(lane: Lane, each: Arrival): void {
    if (lane.isGone) return
    const { seq } = each
    lane.read = Math.max(lane.read, seq)
    const unread = this.#unread.get(lane)
    const expected = unread?.get(seq)
    if (unread?.delete(seq)) this.#deps.onStock()
    for (const missed of unread?.keys() ?? []) {
      if (missed > seq) break
      unread?.delete(missed)
      lane.open.delete(missed)
    }
    if (expected === undefined && lane.open.has(seq)) return
    const isEnded = seq <= lane.handed && expected === undefined
    let entry: StoredEntry
    try {
      entry = each.decode()
    } catch (error) {
      if (!isEnded) this.#deps.events.skipped(lane.number, seq, error)
      lane.open.delete(seq)
      return
    }
    const isNew = this.#isNewKey(lane, entry)
    if (isEnded) return
    if (!isNew && expected === undefined) {
      this.#deps.events.repeated()
      return
    }
    this.#put(this.#itemOf(lane, each, entry, expected?.handOuts ?? 0))
  }

  #isNewKey(lane: Lane, { dedupKey }: StoredEntry): boolean {
    const { kind, repeats } = this.#deps.store
    if (dedupKey === undefined || (kind === 'log' && !repeats)) return true
    return this.#keys.get(lane)?.add(dedupKey) ?? true
  }

  #itemOf(lane: Lane, { id, seq, age, storedAt }: Arrival, entry: StoredEntry, handOuts: number): Item {
    const { dedupKey, queue, attempt, note, notBefore = 0, bytes, envelope } = entry
    const where = { id, seq, age, lane, queue, storedAt, dedupKey, bytes, aside: 0 }
    return itemOf({ ...where, attempt, handOuts, note, due: notBefore, envelope })
  }

  #put(item: Item): void {
    item.lane.open.set(item.seq, item)
    this.#count(item)
    const now = this.#deps.store.clock.now()
    if (item.due > now + NEAR_MS) this.#moveAside(item)
    else this.later(item)
  }

  #room(isAll: boolean): number {
    if (this.#moving >= MOST_MOVING || !this.#hasSpace()) return 0
    return Math.ceil((MOST_EVENTS - this.#events) / (isAll ? 1 : Math.max(1, this.#lanes.size)))
  }

  #hasSpace(): boolean {
    return this.#events < MOST_EVENTS && this.#bytes < MOST_BYTES
  }

  /** When memory is short because queues are held or slow, what they have beyond a few is moved aside. */
  #makeRoom(): void {
    if (this.#events < MOST_EVENTS * 0.75 && this.#bytes < MOST_BYTES * 0.75) return
    if (this.#deps.store.kind === 'log') return
    for (const queue of this.queues.all()) {
      if (queue.length === 0 || this.queues.active.has(queue)) continue
      for (let i = queue.length - 1; i >= KEPT_PER_QUEUE || (i >= 0 && this.#bytes > MOST_BYTES / 2); i--) {
        if (this.#moving >= MOST_MOVING) return
        const item = queue.at(i) as Item
        if (item.envelope === undefined || item.isMoving) continue
        if (item.aside > 0) this.#forgetContent(item)
        else this.#moveAside(item)
      }
    }
  }

  #forgetContent(item: Item): void {
    this.#uncount(item)
    item.envelope = undefined
  }

  #moveAside(item: Item): void {
    const { aside } = this.#deps
    item.isMoving = true
    this.#moving++
    const moving = aside.keep(item)
    item.lane.writing.add(moving)
    moving
      .then(() => {
        this.movedAside(item)
        this.#forgetContent(item)
        item.lane.handed = Math.max(item.lane.handed, item.seq)
        item.lane.changed()
        if (item.due > this.#deps.store.clock.now()) this.#later.add(item)
      })
      .catch(() => undefined)
      .finally(() => {
        item.isMoving = false
        this.#moving--
        item.lane.writing.delete(moving)
        if (this.#isDisposed) return
        this.queues.wake(item.queue)
        this.#deps.onStock()
      })
  }

  /** Brings the contents of what is next in a queue back into memory. */
  #fetch(queue: Queue): void {
    const { store, window, onStock } = this.#deps
    const count = Math.min(MOST_FETCHED, queue.length, Math.max(1, window(queue.name) - queue.out))
    const items: Item[] = []
    for (let i = 0; i < count; i++) {
      const item = queue.at(i) as Item
      if (item.envelope === undefined && item.aside > 0) items.push(item)
    }
    queue.isFetching = true
    const byLane = Map.groupBy(items, ({ lane }) => lane)
    Promise.all([...byLane].map(([lane, each]) => this.#fetchOf(lane, each)))
      .catch(
        () =>
          new Promise<void>((resolve) => {
            store.clock.after(FETCH_RETRY_MS, resolve)
          }),
      )
      .finally(() => {
        queue.isFetching = false
        this.queues.wake(queue.name)
        onStock()
      })
  }

  async #fetchOf({ grip }: Lane, items: readonly Item[]): Promise<void> {
    const places = items.map(({ aside }) => aside)
    const contents = await grip.contents(places)
    for (const [i, item] of items.entries()) {
      // It may have been moved on meanwhile
      if (item.aside !== places[i]) continue
      const envelope = contents[i]
      if (envelope === undefined) this.#vanished(item)
      else {
        item.envelope = envelope
        this.#count(item)
      }
    }
  }

  /** Removed behind our back. */
  #vanished(item: Item): void {
    this.#removeAside(item)
    this.queues.of(item.queue).drop((each) => each === item)
  }

  #removeAside(item: Item): void {
    const { lane } = item
    if (lane.aside.get(item.id) !== item) return
    lane.aside.delete(item.id)
    lane.asideBytes -= item.bytes
    lane.suspects.delete(item)
  }

  #count(item: Item): void {
    if (item.isCounted) return
    item.isCounted = true
    this.#events++
    this.#bytes += item.bytes
  }

  #uncount(item: Item): void {
    if (!item.isCounted) return
    item.isCounted = false
    this.#events--
    this.#bytes -= item.bytes
  }
}
