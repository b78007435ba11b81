import type { Clock } from '@sluice/clock'
import { DEDUP_WINDOW_MS } from './config.ts'
import { scan } from './fetcher.ts'
import type { Link } from './link.ts'
import { orderOf } from './names.ts'
import type { Place } from './publish.ts'
import { dedupKeyIn, orderIn } from './record.ts'

/** Of a channel, and twice as many at most; what is older is known by the lane's owner alone. */
const MOST_KEYS = 100_000
const MOST_READ = 10_000

/** Where the keys of the last minutes lie, over all lanes: two generations that swap. */
class KnownKeys {
  readonly #clock: Clock
  #young = new Map<string, Place>()
  #old = new Map<string, Place>()
  #since: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.monotonic()
  }

  get(key: string): Place | undefined {
    const now = this.#clock.monotonic()
    if (now - this.#since >= DEDUP_WINDOW_MS || this.#young.size >= MOST_KEYS) {
      this.#old = this.#young
      this.#young = new Map()
      this.#since = now
    }
    return this.#young.get(key) ?? this.#old.get(key)
  }

  add(key: string, place: Place): void {
    if (this.get(key) === undefined) this.#young.set(key, place)
  }
}

/** What those who publish in a channel know of keys that lie there. */
export class RecentKeys {
  readonly #link: Link
  readonly #topic: string
  readonly #keys: KnownKeys
  /** By lane, up to where what lies there is known. */
  readonly #known = new Map<number, number>()
  /** Lanes of which nothing was read, or in which something was sent and not answered: it may lie there. */
  readonly #doubted: Set<number>

  constructor(link: Link, topic: string, lanes: number) {
    this.#link = link
    this.#topic = topic
    this.#keys = new KnownKeys(link.clock)
    this.#doubted = new Set(Array.from({ length: lanes }, (_, lane) => lane))
  }

  isInDoubt(lane: number): boolean {
    return this.#doubted.has(lane)
  }

  doubt(lane: number): void {
    this.#doubted.add(lane)
  }

  get(key: string): Place | undefined {
    return this.#keys.get(key)
  }

  add(key: string | undefined, place: Place): void {
    const lane = place.partition
    if (!this.#doubted.has(lane)) this.#known.set(lane, Math.max(this.#known.get(lane) ?? 0, place.offset + 1))
    if (key !== undefined) this.#keys.add(key, place)
  }

  /** Reads what came there without us, or with us and unanswered. */
  async learn(lane: number): Promise<void> {
    const [topic, link] = [this.#topic, this.#link]
    const end = await link.end(topic, lane)
    let from = this.#known.get(lane)
    if (from === undefined) {
      const young = await link.since(topic, lane, link.clock.now() - DEDUP_WINDOW_MS)
      from = Math.max(young ?? end, end - MOST_READ)
    }
    for await (const record of scan(link, topic, lane, from, end)) {
      const { offset, storedAt } = record
      this.add(dedupKeyIn(record), { partition: lane, offset, order: orderOf(orderIn(record), storedAt) })
    }
    this.#known.set(lane, Math.max(this.#known.get(lane) ?? 0, end))
    this.#doubted.delete(lane)
  }
}
