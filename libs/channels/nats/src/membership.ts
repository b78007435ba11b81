import type { Link } from './link.ts'
import type { ChannelNames } from './names.ts'
import { Reader, type Received } from './reader.ts'
import { store } from './store.ts'

export interface MembershipDeps {
  readonly link: Link
  readonly names: ChannelNames
  readonly stateStream: string
  readonly subscription: string
  readonly member: string
  readonly leaseMs: number
  /** Who is there has changed, or a lane has moved. */
  readonly onChange: () => void
}

const BEATS_PER_LEASE = 4

/**
 * Who consumes a subscription. Members say that they live; one that is silent for a lease is gone. Everybody sees the
 * same list and so the same plan of who should have which lane; who has it is settled by the lane's cursor.
 */
export class Membership {
  readonly #deps: MembershipDeps
  /** By member: when it was last heard of, on our clock. */
  readonly #seen = new Map<string, number>()
  readonly #left = new Set<string>()
  /** Owners of lanes of whom nothing was heard: since when they are known of. */
  readonly #noticed = new Map<string, number>()
  readonly #reader: Reader
  readonly #listening: Disposable
  #members: readonly string[] = []
  #beatAt = Number.NEGATIVE_INFINITY
  #isBeating = false
  #timer: Disposable | undefined
  #isStopped = false
  /** Everybody who was there before is known. */
  isReady = false

  constructor(deps: MembershipDeps) {
    this.#deps = deps
    const { link, names, subscription, stateStream } = deps
    this.#reader = new Reader(link, {
      stream: stateStream,
      filter: names.live(subscription),
      from: { seq: 1 },
      room: () => Number.POSITIVE_INFINITY,
      onMessage: (each) => this.#take(each),
    })
    this.#listening = link.onUp(() => {
      // Nobody could be heard meanwhile.
      for (const member of this.#seen.keys()) this.#seen.set(member, this.#now())
      this.#beat()
    })
    this.#beat()
    this.#schedule()
  }

  /** False once our own silence may have cost us our lanes. */
  get isFresh(): boolean {
    return this.#now() - this.#beatAt < this.#deps.leaseMs
  }

  /** One that owns a lane and was never heard of may have come while we could not hear: it too has a lease. */
  isLive(member: string): boolean {
    if (this.#members.includes(member)) return true
    if (this.#seen.has(member) || this.#left.has(member)) return false
    const since = this.#noticed.get(member) ?? this.#now()
    this.#noticed.set(member, since)
    return this.#now() - since < this.#deps.leaseMs
  }

  wants(lane: number): boolean {
    return this.isReady && this.#members[lane % this.#members.length] === this.#deps.member
  }

  /** Tells the others that a lane was taken or is free. */
  moved(lane: number): void {
    const { link, names, subscription } = this.#deps
    if (link.isUp) store(link, names.moved(subscription, lane), '{}').catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.[Symbol.dispose]()
    this.#listening[Symbol.dispose]()
    this.#reader[Symbol.dispose]()
    const { link, names, subscription, member } = this.#deps
    if (!link.isUp) return
    // Who comes next would give each a lease again, and leave it its share of the lanes
    await Promise.all([...this.#left].map((name) => this.#clear(name)))
    await store(link, names.member(subscription, member), '').catch(() => undefined)
  }

  #take({ message }: Received): void {
    const tokens = message.subject.split('.')
    const [kind, name = ''] = tokens.slice(-2)
    if (kind === 'member') {
      if (message.data.length === 0) {
        this.#seen.delete(name)
        if (!this.#isStopped && !this.#left.has(name)) this.#bury(name)
      } else {
        this.#seen.set(name, this.#now())
        this.#noticed.delete(name)
        this.#left.delete(name)
        // Who was there before us came before us.
        if (name === this.#deps.member) this.isReady = true
      }
    }
    this.#refresh()
  }

  /** What a member that left has written of itself is cleared away, once. */
  #bury(name: string): void {
    const { link, leaseMs } = this.#deps
    this.#left.add(name)
    link.options.clock.after(leaseMs, () => {
      if (link.isUp && !this.#isStopped && this.#left.delete(name)) void this.#clear(name)
    })
  }

  async #clear(name: string): Promise<void> {
    const { link, names, subscription, stateStream } = this.#deps
    await link.api(`STREAM.PURGE.${stateStream}`, { filter: names.member(subscription, name) }).catch(() => undefined)
  }

  #refresh(): void {
    const now = this.#now()
    const { member, leaseMs } = this.#deps
    const live: string[] = []
    for (const [name, seen] of this.#seen) {
      if (name === member || now - seen < leaseMs) live.push(name)
      else if (!this.#left.has(name)) this.#bury(name)
    }
    this.#members = live.sort()
    if (this.isReady) this.#deps.onChange()
  }

  #schedule(): void {
    const { clock } = this.#deps.link.options
    this.#timer = clock.after(this.#deps.leaseMs / BEATS_PER_LEASE, () => {
      this.#beat()
      this.#refresh()
      this.#schedule()
    })
  }

  #beat(): void {
    const { link, names, subscription, member } = this.#deps
    if (!link.isUp || this.#isBeating || this.#isStopped) return
    const at = this.#now()
    this.#isBeating = true
    store(link, names.member(subscription, member), '{}')
      .then(() => {
        const wasFresh = this.isFresh
        this.#beatAt = at
        if (!wasFresh) this.#refresh()
      })
      .catch(() => undefined)
      .finally(() => {
        this.#isBeating = false
      })
  }

  #now(): number {
    return this.#deps.link.options.clock.monotonic()
  }
}
