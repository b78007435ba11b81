import type { Connections, Fetched, Page } from './client/client.ts'
import { UnreadableError } from './client/request-error.ts'
import { unavailable } from './errors.ts'
import type { Link } from './link.ts'

export interface Following {
  readonly topic: string
  readonly partition: number
  readonly from: number
  /** Whether more may come now. Asked before each fetch; call `pull` when it changed. */
  readonly hasRoom: () => boolean
  readonly onPage: (page: Page) => void
}

interface Followed extends Following {
  next: number
  /** Of the fetch that is under way; 0: none. */
  fetch: number
  isAlone: boolean
  isClosed: boolean
}

const WAIT_MS = 500
const RETRY_MS = 100
/** What can't be read now will hardly be soon. */
const UNREADABLE_MS = 5_000
const PART_BYTES = 256 * 1024
const MOST_BYTES = 4 * 1024 * 1024
/** Of one broker: what comes to be wanted while all of them wait is asked for by the next that returns. */
const MOST_LINES = 4
const OUT_OF_RANGE = 1

/**
 * Reads partitions in order and without end, all that this process follows with few long polls: each asks for whatever is
 * wanted and not asked for already, on a connection of its own, so that nothing else waits behind it.
 */
export class Fetcher implements Disposable {
  readonly #link: Link
  readonly #followed = new Set<Followed>()
  readonly #free = new Map<number, Connections[]>()
  readonly #lines = new Map<number, number>()
  readonly #all = new Set<Connections>()
  readonly #listening: Disposable
  #fetches = 0
  #isKicked = false
  #isClosed = false

  constructor(link: Link) {
    this.#link = link
    this.#listening = link.onUp(() => this.#kick())
  }

  follow(following: Following): Disposable & { pull(): void } {
    const followed: Followed = { ...following, next: following.from, fetch: 0, isClosed: false, isAlone: false }
    this.#followed.add(followed)
    this.#kick()
    return {
      pull: () => this.#kick(),
      [Symbol.dispose]: () => {
        followed.isClosed = true
        this.#followed.delete(followed)
      },
    }
  }

  /** What waits at a broker is given up: a client waits for the answer before it closes, so it ends with the link. */
  [Symbol.dispose](): void {
    this.#isClosed = true
    this.#listening[Symbol.dispose]()
    this.#followed.clear()
    for (const line of this.#all) line.close().catch(() => undefined)
  }

  #kick(): void {
    if (this.#isKicked || this.#isClosed) return
    this.#isKicked = true
    setImmediate(() => {
      this.#isKicked = false
      void this.#round()
    })
  }

  async #round(): Promise<void> {
    const wanted = [...this.#followed].filter(({ fetch, hasRoom }) => fetch === 0 && hasRoom())
    if (wanted.length === 0 || this.#isClosed || !this.#link.isUp) return
    const fetch = ++this.#fetches
    for (const each of wanted) each.fetch = fetch
    const byNode = new Map<number, Followed[]>()
    for (const each of wanted) {
      const node = await this.#link.leaderOf(each.topic, each.partition).catch(() => undefined)
      if (node === undefined) this.#later([each], fetch)
      else if (each.isAlone) void this.#fetch(node, [each], fetch)
      else byNode.set(node, [...(byNode.get(node) ?? []), each])
    }
    for (const [node, parts] of byNode) void this.#fetch(node, parts, fetch)
  }

  async #fetch(node: number, parts: readonly Followed[], fetch: number): Promise<void> {
    const line = this.#lineTo(node)
    if (line === undefined) {
      for (const each of parts) each.fetch = 0
      return
    }
    let isSound = false
    try {
      const found = await this.#link.limited(this.#ask(line, node, parts))
      isSound = true
      // In one turn, so that of what came together the oldest goes first
      const rest = parts.filter((each) => !this.#take(each, found.get(`${each.partition} ${each.topic}`)))
      for (const each of rest) await this.#mend(each, found.get(`${each.partition} ${each.topic}`), fetch)
    } catch (error) {
      if (this.#isClosed) return
      isSound = error instanceof UnreadableError
      if (isSound) this.#setApart(parts, fetch, error)
      else {
        for (const { topic } of parts) this.#link.forgetLeaders(topic)
        void this.#link.check()
        this.#later(parts, fetch)
      }
    } finally {
      if (isSound) this.#free.get(node)?.push(line)
      else this.#drop(node, line)
      this.#kick()
    }
  }

  /** A batch that the client can't unpack fails the request for all that are asked for with it: then each is asked for alone, until it can be read. */
  #setApart(parts: readonly Followed[], fetch: number, error: unknown): void {
    for (const each of parts) each.isAlone = true
    const [only, another] = parts
    const isKnown = only !== undefined && another === undefined
    if (isKnown) {
      const { topic, partition, next } = only
      const fields = { topic, partition, offset: next, error: String(error) }
      this.#link.options.telemetry.log.error(fields, 'a partition can not be read any further')
    }
    this.#later(parts, fetch, isKnown ? UNREADABLE_MS : RETRY_MS)
  }

  async #ask(line: Connections, node: number, followed: readonly Followed[]): Promise<ReadonlyMap<string, Fetched>> {
    const broker = await this.#link.brokerOf(line, node)
    const parts = followed.map(({ topic, partition, next }) => ({ topic, partition, from: next, maxBytes: PART_BYTES }))
    const found = await broker.fetch({ maxWaitMs: WAIT_MS, minBytes: 1, maxBytes: MOST_BYTES, parts })
    return new Map(found.map((each) => [`${each.partition} ${each.topic}`, each]))
  }

  /** One that failed or hangs is not used again. */
  #drop(node: number, line: Connections): void {
    this.#all.delete(line)
    this.#lines.set(node, Math.max(0, (this.#lines.get(node) ?? 0) - 1))
    line.close().catch(() => undefined)
  }

  #take(each: Followed, part: Fetched | undefined): boolean {
    const page = part?.page
    if (page === undefined) return false
    each.next = page.next
    each.fetch = 0
    each.isAlone = false
    try {
      if (!each.isClosed) each.onPage(page)
    } catch (error) {
      this.#link.options.telemetry.log.error({ topic: each.topic, error: String(error) }, 'a page could not be taken')
    }
    return true
  }

  async #mend(each: Followed, part: Fetched | undefined, fetch: number): Promise<void> {
    if (part?.error === OUT_OF_RANGE) {
      // Cut at the beginning, or a server that lost its newest
      const beginning = await this.#link.beginning(each.topic, each.partition)
      each.next = each.next < beginning ? beginning : await this.#link.end(each.topic, each.partition)
    } else this.#link.forgetLeaders(each.topic)
    this.#later([each], fetch)
  }

  #later(parts: readonly Followed[], fetch: number, afterMs = RETRY_MS): void {
    this.#link.clock.after(afterMs, () => {
      for (const each of parts) if (each.fetch === fetch) each.fetch = 0
      this.#kick()
    })
  }

  #lineTo(node: number): Connections | undefined {
    const free = this.#free.get(node) ?? []
    this.#free.set(node, free)
    const line = free.pop()
    if (line !== undefined) return line
    const count = this.#lines.get(node) ?? 0
    if (count >= MOST_LINES || this.#isClosed) return undefined
    this.#lines.set(node, count + 1)
    const made = this.#link.open()
    this.#all.add(made)
    return made
  }
}

const PAGE_BYTES = 1024 * 1024

/** What lies in a partition from a place up to another, in order. */
export async function* scan(link: Link, topic: string, partition: number, from: number, to: number) {
  let next = from
  let idle = 0
  while (next < to) {
    const page = await link.fetch(topic, partition, next, PAGE_BYTES)
    if (page === undefined) {
      const beginning = await link.beginning(topic, partition)
      if (beginning <= next) return
      next = beginning
      continue
    }
    for (const record of page.records) {
      if (record.offset >= to) return
      yield record
    }
    if (page.next === next && ++idle > MOST_IDLE) throw unavailable(`topic ${topic} can't be read to its end now`)
    next = page.next
  }
}

const MOST_IDLE = 50

/** Records by their places; those that are gone are left out. */
export async function recordsAt(link: Link, topic: string, partition: number, offsets: readonly number[]) {
  const wanted = [...new Set(offsets)].sort((a, b) => a - b)
  const found = new Map<number, Page['records'][number]>()
  for (let i = 0; i < wanted.length; ) {
    const first = wanted[i] as number
    const isDense = (wanted[i + 1] ?? Number.POSITIVE_INFINITY) - first < NEAR
    const page = await link.fetch(topic, partition, first, isDense ? PART_BYTES : 1)
    for (const record of page?.records ?? []) found.set(record.offset, record)
    const next = Math.max(page?.next ?? 0, first + 1)
    while (i < wanted.length && (wanted[i] as number) < next) i++
  }
  return found
}

const NEAR = 64
