import type { Backlog, SubscribeOptions, Subscription } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import type { Logger } from '@sluice/telemetry'
import type { CursorSource } from './batch.ts'
import { closed } from './errors.ts'
import { type End, HandOut } from './hand-out.ts'
import type { Item } from './item.ts'
import { Lanes } from './lanes.ts'
import type { Link } from './link.ts'
import { LogSource, type LogTail } from './log-source.ts'
import { packAscending } from './positions.ts'
import type { CursorUpdate, FeedInfo } from './protocol.ts'
import type { Committer } from './publish.ts'
import { QueueSource } from './queue-source.ts'
import { Member } from './subscribe.ts'

/** From the third lost hand-out on, an entry goes alone, so that it alone is blamed for the next. */
const ALONE_FROM_HAND_OUTS = 2
/** After reading the store failed. */
const READ_AGAIN_MS = 1_000

export interface FeedDeps {
  readonly link: Link
  readonly clock: Clock
  readonly committer: Committer
  readonly log: Logger
  readonly tipBytes: number
  readonly lanes: number
  readonly info: FeedInfo
  /** Absent in a queue. */
  readonly tail: LogTail | undefined
  /** What was stored up to here before this process began, and may have brought the last one down. */
  readonly inherited: { readonly position: number; readonly taskId: number }
}

/**
 * One subscription: its consumers, what is out, and where it stands on disk.
 *
 *   log ──────► grant ──► [recorded first, if inherited or suspect] ──► consumer ──► ack · nack · release · park
 *   tasks due ──┘  ▲ lane's owner, its room, the queue's window                        └─ nack, release: a task, later
 */
export class Feed implements CursorSource {
  readonly #deps: FeedDeps
  readonly #lanes: Lanes
  readonly #log: LogSource | undefined
  readonly tasks: QueueSource
  /** Of the log, at the consumers. */
  readonly #out = { events: 0, bytes: 0 }
  /** Log positions on their way to being tasks: until that is on disk, retention must leave them. */
  readonly #movingAside = new Set<number>()
  /** The last log position ever handed out. */
  #highest: number
  #suspectsOut = 0
  #isAlone = false
  #granted: HandOut[] = []
  #mustRecord = false
  #isRecording = false
  #isPumpQueued = false
  #isReadingPaused = false
  /** Inherited asides of a log go before what follows them in it. */
  #isCaughtUp = false
  #isClosed = false

  constructor(deps: FeedDeps) {
    this.#deps = deps
    this.#lanes = new Lanes(deps.lanes)
    const { link, clock, tipBytes, info, tail } = deps
    this.#highest = info.handed
    if (tail !== undefined) {
      this.#log = new LogSource({ tail, link, tipBytes, handed: info.handed, handedBytes: info.handedBytes })
    }
    this.tasks = new QueueSource({
      feed: info.id,
      link,
      clock,
      tipBytes,
      queues: info.queues,
      onDue: () => this.#pumpSoon(),
    })
  }

  get id(): number {
    return this.#deps.info.id
  }

  /** Log positions below this one are ended here, or have become tasks: retention may cut them. */
  get passed(): number {
    let first = this.#log?.firstWaiting ?? 1
    for (const position of this.#outIds(false)) first = Math.min(first, position)
    for (const position of this.#movingAside) first = Math.min(first, position)
    return first - 1
  }

  subscribe(options: SubscribeOptions, signal: AbortSignal): Subscription {
    const member = new Member(options, (queue) => {
      this.tasks.wake(queue)
      this.#pumpSoon()
    })
    this.#lanes.join(member)
    this.tasks.wakeAll()
    const leave = () => this.#leave(member)
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    this.#pumpSoon()
    return member
  }

  stored(item: Item, due: number): void {
    if (item.isTask) this.tasks.stored(item, due)
    else if (this.#lanes.members.length > 0) this.#log?.stored(item)
    this.#pumpSoon()
  }

  backlog(queue: string | undefined): Backlog {
    const tasks = this.tasks.backlog(queue)
    if (this.#log === undefined) return tasks
    const { events, bytes } = this.#log.waiting
    return { events: tasks.events + events + this.#out.events, bytes: tasks.bytes + bytes + this.#out.bytes }
  }

  cursor(): CursorUpdate {
    const handed = this.#highest
    const waiting = this.#log?.idsUpTo(handed).map((position) => position * 2) ?? []
    const open = [...this.#outIds(false).map((position) => position * 2 + 1), ...waiting].sort((a, b) => a - b)
    const out = this.#outIds(true).sort((a, b) => a - b)
    return {
      feed: this.id,
      handed,
      open: packAscending(open, open.length),
      out: packAscending(out, out.length),
      clean: this.#isClosed,
    }
  }

  #outIds(isTask: boolean): number[] {
    const ids: number[] = []
    for (const { out } of this.#lanes.members) {
      for (const { item } of out) if (item.isTask === isTask) ids.push(item.id)
    }
    return ids
  }

  /** Ends every consumer; what is out is given back uncounted with the last commit. */
  close(): void {
    this.#isClosed = true
    for (const member of [...this.#lanes.members]) member.close()
    this.tasks.close()
    this.#deps.committer.moved(this)
  }

  #leave(member: Member): void {
    if (member.isClosed) return
    member.close()
    this.#lanes.leave(member)
    const given = [...member.out]
    for (const handOut of given) {
      handOut.isEnded = true
      this.#forget(handOut)
    }
    const items = given.map(({ item }) => item)
    this.tasks.giveBack(items.filter(({ isTask }) => isTask))
    this.#log?.giveBack(items.filter(({ isTask }) => !isTask))
    if (given.length > 0) this.#deps.committer.moved(this)
    this.#pumpSoon()
  }

  #pumpSoon(): void {
    if (this.#isPumpQueued || this.#isClosed) return
    this.#isPumpQueued = true
    queueMicrotask(() => {
      this.#isPumpQueued = false
      this.#pump()
    })
  }

  #pump(): void {
    const { members } = this.#lanes
    if (members.length === 0 || this.#isClosed) return
    const isOnlyConsumer = members.length === 1
    const grant = (item: Item) => this.#grant(item)
    const window = (queue: string) => this.#window(queue)
    const isFull = () => members.every((member) => member.isFull)
    if (this.tasks.hasDue) {
      this.tasks.offer({ window, grant, isFull, isOnlyConsumer })
      this.#fill(() => this.tasks.fill(window))
    }
    if (!this.tasks.hasDue) this.#isCaughtUp = true
    const log = this.#isCaughtUp ? this.#log : undefined
    if (log !== undefined) {
      log.offer(grant, isOnlyConsumer)
      this.#fill(() => log.fill(isOnlyConsumer))
    }
    if (this.#granted.length > 0 && !this.#isRecording) this.#deliver()
  }

  #fill(fill: () => Promise<boolean>): void {
    if (this.#isReadingPaused) return
    fill().then(
      (hasLooked) => hasLooked && this.#pumpSoon(),
      (error: unknown) => {
        if (this.#isClosed || this.#isReadingPaused) return
        this.#deps.log.error({ feed: this.id, error: String(error) }, 'reading the store failed')
        this.#isReadingPaused = true
        this.#deps.clock.after(READ_AGAIN_MS, () => {
          this.#isReadingPaused = false
          this.#pumpSoon()
        })
      },
    )
  }

  /** The widest answer of the consumers present: limits across processes are not this driver's matter. */
  #window(queue: string): number {
    let widest = 0
    for (const { options } of this.#lanes.members) {
      widest = Math.max(widest, options.window?.(queue) ?? Number.POSITIVE_INFINITY)
    }
    return widest
  }

  #grant(item: Item): boolean {
    const member = this.#lanes.ownerOf(item.lane)
    if (member === undefined || !member.hasRoom(item.bytes)) return false
    const isSuspect = item.handOuts > 0
    if (isSuspect) {
      const goesAlone = item.handOuts >= ALONE_FROM_HAND_OUTS
      if (this.#isAlone || (goesAlone && this.#suspectsOut > 0)) return false
      this.#isAlone = goesAlone
      this.#suspectsOut++
    }
    const handOut = new HandOut(item, member, this.#onEnd)
    member.add(handOut)
    this.#lanes.handedOut(handOut)
    if (!item.isTask) {
      this.#out.events++
      this.#out.bytes += item.bytes
      this.#highest = Math.max(this.#highest, item.id)
    }
    const { position, taskId } = this.#deps.inherited
    if (isSuspect || item.id <= (item.isTask ? taskId : position)) this.#mustRecord = true
    this.#granted.push(handOut)
    return true
  }

  /** Hand-outs that a crash must not forget are on disk before the consumer sees them. */
  #deliver(): void {
    // Its consumer may have left while an earlier one was recorded.
    const handOuts = this.#granted.filter(({ isEnded }) => !isEnded)
    this.#granted = []
    if (this.#mustRecord) {
      this.#mustRecord = false
      this.#isRecording = true
      void this.#deps.committer.record(this).then(() => {
        this.#isRecording = false
        for (const handOut of handOuts) if (!handOut.isEnded) handOut.member.deliver([handOut])
        this.#pumpSoon()
        if (this.#granted.length > 0) this.#deliver()
      })
      return
    }
    if (this.#lanes.members.length === 1) this.#lanes.members[0]?.deliver(handOuts)
    else for (const handOut of handOuts) handOut.member.deliver([handOut])
  }

  #forget(handOut: HandOut): void {
    const { item, member } = handOut
    member.remove(handOut)
    this.#lanes.ended(handOut)
    if (!item.isTask) {
      this.#out.events--
      this.#out.bytes -= item.bytes
    }
    if (item.handOuts === 0) return
    this.#suspectsOut--
    if (item.handOuts >= ALONE_FROM_HAND_OUTS) this.#isAlone = false
  }

  readonly #onEnd = (handOut: HandOut, end: End): Promise<void> => {
    const { item } = handOut
    if (this.#isClosed) return end.kind === 'ack' ? DONE : Promise.reject(closed())
    this.#forget(handOut)
    this.#deps.committer.moved(this)
    this.#pumpSoon()
    if (end.kind === 'release' && !(end.delayMs > 0)) return this.#giveBack(item)
    if (!item.isTask) return end.kind === 'ack' ? DONE : this.#moveAside(item, end)
    this.tasks.ended(item)
    if (end.kind === 'ack') {
      this.tasks.count(item.queue, -1, -item.bytes)
      this.#deps.committer.keep({ ended: item.id, kept: () => this.tasks.settled(item) })
      return DONE
    }
    return this.#keepTask(item, end)
  }

  /** Nothing about it changed, so that it keeps its place; only who has it does, and that it is not out any more. */
  #giveBack(item: Item): Promise<void> {
    if (item.isTask) this.tasks.giveBack([item])
    else this.#log?.giveBack([item])
    return new Promise((resolve, reject) => {
      this.#deps.committer.keep({ kept: resolve, dropped: () => reject(closed()) })
    })
  }

  #keepTask(item: Item, end: Exclude<End, { kind: 'ack' }>): Promise<void> {
    const isParked = end.kind === 'park'
    if (isParked) this.tasks.count(item.queue, -1, -item.bytes)
    const next = this.#next(item, end)
    return new Promise((resolve, reject) => {
      const kept = () => {
        this.tasks.settled(item)
        if (!isParked) this.tasks.arm(item.queue, next.due)
        resolve()
      }
      const dropped = () => reject(closed())
      this.#deps.committer.keep({ update: { id: item.id, now: this.#deps.clock.now(), ...next }, kept, dropped })
    })
  }

  /** A log entry that did not end at once goes on as a task: its position counts as passed from then on. */
  #moveAside(item: Item, end: Exclude<End, { kind: 'ack' }>): Promise<void> {
    const { lane, storedAt, envelope } = item
    const next = this.#next(item, end)
    this.#movingAside.add(item.id)
    const task = {
      feed: this.id,
      queue: '',
      lane,
      origin: item.id,
      dedupChannel: 0,
      dedupKey: item.dedupKey,
      storedAt,
      now: this.#deps.clock.now(),
      ...next,
    }
    // It waits from now on, also while it is being written.
    if (end.kind !== 'park') this.tasks.count('', 1, item.bytes)
    return new Promise((resolve, reject) => {
      const stored = (id: number) => {
        const { due, ...rest } = next
        this.#movingAside.delete(item.id)
        if (end.kind !== 'park') {
          this.tasks.count('', -1, -item.bytes)
          this.tasks.stored({ ...item, ...rest, id, isTask: true, origin: item.id }, due)
          this.#pumpSoon()
        }
        resolve()
      }
      this.#deps.committer.keep({ aside: { task, envelope, stored }, dropped: () => reject(closed()) })
    })
  }

  #next(item: Item, end: Exclude<End, { kind: 'ack' }>) {
    const due = dueAt(this.#deps.clock.now(), end.kind === 'park' ? 0 : end.delayMs)
    const { attempt, note, handOuts } = item
    if (end.kind === 'release') return { attempt, handOuts, note, due, parked: undefined }
    if (end.kind === 'nack') return { attempt: attempt + 1, handOuts: 0, note: end.note, due, parked: undefined }
    return { attempt, handOuts: 0, note: end.note ?? note, due, parked: end.reason }
  }
}

const DONE = Promise.resolve()
/** As far as a date goes: for ever. */
const LAST_TIME = 8.64e15

/** Whole milliseconds, never early; a delay that is no number is none. */
export function dueAt(now: number, delayMs: number): number {
  return Math.min(Math.ceil(now + (Number.isNaN(delayMs) ? 0 : Math.max(delayMs, 0))), LAST_TIME)
}
