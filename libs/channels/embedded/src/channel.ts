import type {
  Beginning,
  ChannelKind,
  ChannelOptions,
  Entry,
  Parked,
  ParkedQuery,
  Position,
  Stored,
} from '@sluice/channel'
import { laneOf } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import type { Logger } from '@sluice/telemetry'
import type { AddingTask, Appending } from './batch.ts'
import { dueAt, Feed } from './feed.ts'
import { type Item, itemOfTask, itemsOfPage, logItem, positionOf } from './item.ts'
import type { Link } from './link.ts'
import type { LogTail } from './log-source.ts'
import type { BeginningReply, ChannelInfo, LogPage, RetainReply, TaskRow } from './protocol.ts'
import type { Committer } from './publish.ts'

const READ_EVENTS = 256
const READ_BYTES = 1024 * 1024
const POSITION = /^[1-9]\d{0,15}$/

export interface ChannelDeps {
  readonly link: Link
  readonly committer: Committer
  readonly clock: Clock
  readonly log: Logger
  readonly tipBytes: number
  /** The highest task id that an earlier process may have handed out. */
  readonly taskId: number
}

/** A log or a queue channel: rows in, hand-outs out, and what an operator asks of it. */
export class Channel {
  readonly kind: ChannelKind
  readonly id: number
  readonly feeds = new Map<string, Feed>()
  readonly #name: string
  readonly #lanes: number
  readonly #tail: LogTail
  readonly #deps: ChannelDeps
  #retention: { readonly maxAgeMs: number; readonly maxBytes: number } | undefined

  constructor(info: ChannelInfo, deps: ChannelDeps) {
    this.#deps = deps
    this.#name = info.name
    this.kind = info.kind
    this.id = info.id
    this.#lanes = info.lanes
    this.#tail = { id: info.id, last: info.last, lastBytes: info.lastBytes }
    const inherited = { position: info.last, taskId: deps.taskId }
    for (const feed of info.feeds) {
      const tail = info.kind === 'log' ? this.#tail : undefined
      this.feeds.set(feed.name, new Feed({ ...deps, lanes: info.lanes, info: feed, tail, inherited }))
    }
  }

  /** Takes the retention of a `create`; kind, lanes and subscriptions are for good. */
  adopt(options: ChannelOptions): void {
    const problem =
      options.kind !== this.kind
        ? `it is a ${this.kind}`
        : options.lanes !== this.#lanes
          ? `it has ${this.#lanes} lanes, which are fixed at creation`
          : options.subscriptions.some((name) => !this.feeds.has(name))
            ? `its subscriptions are ${[...this.feeds.keys()].join(', ')}`
            : undefined
    if (problem !== undefined) {
      const text = `channel ${this.#name} can't be taken as a ${options.kind} with ${options.lanes} lanes: ${problem}`
      throw new EventingError({ code: 'CHANNEL_CONFLICT', channel: this.#name, problem }, text)
    }
    this.#retention = options.retention
  }

  /** Ends every consumer; what is out is given back uncounted with the next commit. */
  close(): void {
    for (const feed of this.feeds.values()) feed.close()
  }

  async publish(entries: readonly Entry[]): Promise<readonly Position[]> {
    const positions = new Array<Position>(entries.length)
    if (this.kind === 'log') {
      const appends = entries.map((entry, i) => this.#append(entry, positions, i))
      await this.#deps.committer.store(appends, [])
    } else {
      const now = this.#deps.clock.now()
      const tasks = entries.map((entry, i) => this.#add(entry, now, positions, i))
      await this.#deps.committer.store([], tasks)
    }
    return positions
  }

  async *read(from: Position | Date | 'oldest', signal: AbortSignal): AsyncIterable<Stored> {
    // Tasks do not lie in the order of their times: those of a queue are looked at one by one.
    const notBefore = from instanceof Date && this.kind === 'queue' ? from.getTime() : Number.NEGATIVE_INFINITY
    let after = 0
    if (from instanceof Date) after = await this.#seek(from.getTime())
    else if (from !== 'oldest') {
      if (!POSITION.test(from)) return
      after = Number(from) - 1
    }
    while (!signal.aborted) {
      const items = await this.#page(after)
      for (const item of items) {
        if (item.storedAt < notBefore) continue
        yield { ...item.envelope, position: positionOf(item), queue: item.queue, storedAt: item.storedAt }
      }
      const last = items.at(-1)
      if (last === undefined) return
      after = last.id
    }
  }

  async parked(query: ParkedQuery): Promise<readonly Parked[]> {
    const rows: TaskRow[] = []
    for (const feed of this.feeds.values()) {
      if ('positions' in query) {
        const ids = query.positions.map(Number)
        rows.push(...(await this.#deps.link.ask<TaskRow[]>({ op: 'parkedAt', feed: feed.id, ids })))
        continue
      }
      const after = query.after === undefined ? 0 : Number(query.after)
      rows.push(...(await this.#tasks(feed, { parked: true, queue: query.queue, after, limit: query.limit })))
    }
    rows.sort((a, b) => a.id - b.id)
    return rows.slice(0, 'limit' in query ? query.limit : rows.length).map(parkedOf)
  }

  async parkedCount(queue: string | undefined): Promise<number> {
    let count = 0
    for (const { id } of this.feeds.values()) {
      count += await this.#deps.link.ask<number>({ op: 'countParked', feed: id, queue })
    }
    return count
  }

  async beginning(): Promise<Beginning> {
    const { oldest, storedAt, cut } = await this.#deps.link.ask<BeginningReply>({ op: 'beginning', channel: this.id })
    return { oldest: oldest === 0 ? undefined : { position: String(oldest), storedAt }, isCut: cut > 0 }
  }

  async redrive(ids: readonly number[]): Promise<number> {
    const now = this.#deps.clock.now()
    let count = 0
    for (const feed of this.feeds.values()) {
      const request = { op: 'redrive', feed: feed.id, ids, now } as const
      for (const { queue, size } of await this.#deps.link.ask<{ queue: string; size: number }[]>(request)) {
        feed.tasks.count(queue, 1, size)
        feed.tasks.arm(queue, now)
        count++
      }
    }
    return count
  }

  async purge(which: { positions: readonly Position[] } | { queue?: string; parkedBefore: Date }): Promise<number> {
    const ids = 'positions' in which ? which.positions.map(Number) : undefined
    const queue = 'positions' in which ? undefined : which.queue
    const parkedBefore = 'positions' in which ? 0 : which.parkedBefore.getTime()
    let count = 0
    for (const { id } of this.feeds.values()) {
      count += await this.#deps.link.ask<number>({ op: 'purge', feed: id, ids, queue, parkedBefore })
    }
    return count
  }

  /** Cuts a step of what every subscription has passed; `all` regardless of age and size, to make room. */
  async retain(limit: number, all: boolean): Promise<RetainReply> {
    if (this.kind !== 'log' || (this.#retention === undefined && !all)) return { removed: 0, more: false }
    const passed = Math.min(this.#tail.last, ...Array.from(this.feeds.values(), (feed) => feed.passed))
    const { maxAgeMs, maxBytes } = this.#retention ?? { maxAgeMs: 0, maxBytes: 0 }
    const olderThan = all ? Number.MAX_SAFE_INTEGER : this.#deps.clock.now() - maxAgeMs
    return this.#deps.link.ask({ op: 'retain', channel: this.id, passed, olderThan, maxBytes, limit })
  }

  #append(entry: Entry, positions: Position[], index: number): Appending {
    const lane = laneOf(entry.laneKey, this.#lanes)
    const now = this.#deps.clock.now()
    return {
      channel: this.id,
      lane,
      envelope: entry,
      dedupKey: entry.dedupKey,
      stored: (position, bytes, isNew) => {
        positions[index] = String(position)
        if (!isNew) return
        this.#tail.last = position
        this.#tail.lastBytes += bytes
        const item = logItem(position, lane, now, bytes, { envelope: entry, dedupKey: entry.dedupKey })
        for (const feed of this.feeds.values()) feed.stored(item, 0)
      },
    }
  }

  #add(entry: Entry, now: number, positions: Position[], index: number): AddingTask {
    const feed = this.feeds.values().next().value as Feed
    const { queue = '', notBefore = now, attempt = 1, note, parked, dedupKey } = entry
    const lane = laneOf(entry.laneKey, this.#lanes)
    const due = dueAt(now, notBefore - now)
    const row = {
      feed: feed.id,
      queue,
      lane,
      due,
      attempt,
      handOuts: 0,
      note,
      parked,
      origin: 0,
      dedupKey,
      storedAt: now,
      now,
    }
    return {
      task: { ...row, dedupChannel: this.id },
      envelope: entry,
      stored: (id, bytes, isNew) => {
        positions[index] = String(id)
        if (!isNew || parked !== undefined) return
        const item: Item = { ...taskItem(row), id, bytes, envelope: entry }
        feed.stored(item, due)
      },
    }
  }

  #tasks(feed: Feed, query: { parked: boolean; queue: string | undefined; after: number; limit: number }) {
    return this.#deps.link.ask<TaskRow[]>({ op: 'readTasks', feed: feed.id, ...query })
  }

  async #page(after: number): Promise<readonly Item[]> {
    if (this.kind === 'queue') {
      const feed = this.feeds.values().next().value as Feed
      const rows = await this.#tasks(feed, { parked: false, queue: undefined, after, limit: READ_EVENTS })
      return rows.map(itemOfTask)
    }
    const limits = { limit: READ_EVENTS, maxBytes: READ_BYTES }
    return [...itemsOfPage(await this.#deps.link.ask<LogPage>({ op: 'readLog', channel: this.id, after, ...limits }))]
  }

  async #seek(time: number): Promise<number> {
    if (this.kind === 'queue') return 0
    return (await this.#deps.link.ask<number>({ op: 'seek', channel: this.id, time })) - 1
  }
}

function parkedOf(row: TaskRow): Parked {
  const { envelope, queue, storedAt, attempt, note } = itemOfTask(row)
  const { parked = '', parkedAt } = row
  const position = String(row.id)
  return { ...envelope, position, queue, storedAt, attempt, note, reason: parked, parkedAt, cursor: position }
}

function taskItem(
  row: Pick<Item, 'queue' | 'lane' | 'attempt' | 'handOuts' | 'note' | 'dedupKey' | 'origin' | 'storedAt'>,
) {
  const { queue, lane, attempt, handOuts, note, dedupKey, origin, storedAt } = row
  return { isTask: true, queue, lane, attempt, handOuts, note, dedupKey, origin, storedAt } as const
}
