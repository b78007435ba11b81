import type { LaneStore } from './lane-store.ts'

export interface MembershipDeps {
  readonly store: LaneStore
  readonly member: string
  readonly leaseMs: number
  /** Who is there has changed, or a lane has moved. */
  readonly onChange: () => void
}

const BEATS_PER_LEASE = 4
/** With what passes before and after until the next beat of a member that lives, less than a lease. */
const UNHEARD_PER_LEASE = 3

/**
 * Who consumes a subscription. Members say that they live; one that is silent for a lease is gone. Only the time
 * counts in which we hear ourselves: else after an outage each would take all lanes. Everybody sees the same list and so the same
 * plan of who should have which lane; who has it is settled by the lane's cursor.
 */
export class Membership {
  readonly #deps: MembershipDeps
  /** By member: when it was last heard of, in the time that counts. */
  readonly #seen = new Map<string, number>()
  readonly #left = new Set<string>()
  /** Owners of lanes of whom nothing was heard: since when they are known of. */
  readonly #noticed = new Map<string, number>()
  readonly #reader: Disposable
  readonly #listening: Disposable
  #members: readonly string[] = []
  #beatAt = Number.NEGATIVE_INFINITY
  /** When we heard ourselves last, on our clock and in the time that counts. */
  #heardAt: number
  #heard = 0
  #isBeating = false
  #timer: Disposable | undefined
  #isStopped = false
  /** Everybody who was there before is known. */
  isReady = false

  constructor(deps: MembershipDeps) {
    this.#deps = deps
    const { store } = deps
    this.#heardAt = this.#now()
    this.#reader = store.members({
      onMember: (name, isThere) => this.#take(name, isThere),
      onMoved: () => this.#refresh(),
    })
    this.#listening = store.onUp(() => this.#beat())
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
    const since = this.#noticed.get(member) ?? this.#time()
    this.#noticed.set(member, since)
    return this.#time() - since < this.#deps.leaseMs
  }

  wants(lane: number): boolean {
    return this.isReady && this.#members[lane % this.#members.length] === this.#deps.member
  }

  /** Tells the others that a lane was taken or is free. */
  moved(lane: number): void {
    const { store } = this.#deps
    if (store.isUp) store.moved(lane).catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.[Symbol.dispose]()
    this.#listening[Symbol.dispose]()
    this.#reader[Symbol.dispose]()
    const { store, member } = this.#deps
    if (!store.isUp) return
    // Who comes next would give each a lease again, and leave it its share of the lanes
    await Promise.all([...this.#left].map((name) => this.#clear(name)))
    await store.leave(member).catch(() => undefined)
  }

  #take(name: string, isThere: boolean): void {
    if (isThere) {
      if (name === this.#deps.member) {
        this.#heard = this.#time()
        this.#heardAt = this.#now()
      }
      this.#seen.set(name, this.#time())
      this.#noticed.delete(name)
      this.#left.delete(name)
      // Who was there before us came before us.
      if (name === this.#deps.member) this.isReady = true
    } else {
      this.#seen.delete(name)
      if (!this.#isStopped && !this.#left.has(name)) this.#bury(name)
    }
    this.#refresh()
  }

  /** What a member that left has written of itself is cleared away, once. */
  #bury(name: string): void {
    const { store, leaseMs } = this.#deps
    this.#left.add(name)
    store.clock.after(leaseMs, () => {
      if (store.isUp && !this.#isStopped && this.#left.delete(name)) void this.#clear(name)
    })
  }

  async #clear(name: string): Promise<void> {
    await this.#deps.store.forget(name).catch(() => undefined)
  }

  #refresh(): void {
    const now = this.#time()
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
    const { store, leaseMs } = this.#deps
    this.#timer = store.clock.after(leaseMs / BEATS_PER_LEASE, () => {
      this.#beat()
      this.#refresh()
      this.#schedule()
    })
  }

  #beat(): void {
    const { store, member } = this.#deps
    if (!store.isUp || this.#isBeating || this.#isStopped) return
    const at = this.#now()
    this.#isBeating = true
    store
      .beat(member)
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

  #time(): number {
    return this.#heard + Math.min(this.#now() - this.#heardAt, this.#deps.leaseMs / UNHEARD_PER_LEASE)
  }

  #now(): number {
    return this.#deps.store.clock.monotonic()
  }
}
