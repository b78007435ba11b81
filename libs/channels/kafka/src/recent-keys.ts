import type { Clock } from '@sluice/clock'
import { DEDUP_WINDOW_MS } from './config.ts'
import { scan } from './fetcher.ts'
import type { Link } from './link.ts'
import { orderOf } from './names.ts'
import type { Place } from './publish.ts'
import { dedupKeyIn, orderIn } from './record.ts'

/** Of a lane; what is older is known by the lane's owner alone. */
const MOST_KEYS = 50_000
const MOST_READ = 10_000

/** Where the keys of the last minutes lie, for those who publish in a partition. */
export class RecentKeys {
  readonly #link: Link
  readonly #topic: string
  readonly #partition: number
  readonly #clock: Clock
  #young = new Map<string, Place>()
  #old = new Map<string, Place>()
  #since: number
  /** Up to where what lies there is known; undefined: nothing of it. */
  #known: number | undefined
  /** Something was sent and not answered: it may lie there. */
  isInDoubt = true

  constructor(link: Link, topic: string, partition: number) {
    this.#link = link
    this.#topic = topic
    this.#partition = partition
    this.#clock = link.clock
    this.#since = this.#clock.monotonic()
  }

  get(key: string): Place | undefined {
    this.#turn()
    return this.#young.get(key) ?? this.#old.get(key)
  }

  add(key: string | undefined, place: Place): void {
    if (!this.isInDoubt) this.#known = Math.max(this.#known ?? 0, place.offset + 1)
    if (key !== undefined && this.get(key) === undefined) this.#young.set(key, place)
  }

  /** Reads what came there without us, or with us and unanswered. */
  async learn(): Promise<void> {
    const [topic, partition, link] = [this.#topic, this.#partition, this.#link]
    const end = await link.end(topic, partition)
    let from = this.#known
    if (from === undefined) {
      const young = await link.since(topic, partition, this.#clock.now() - DEDUP_WINDOW_MS)
      from = Math.max(young ?? end, end - MOST_READ)
    }
    for await (const record of scan(link, topic, partition, from, end)) {
      const { offset, storedAt } = record
      this.add(dedupKeyIn(record), { partition, offset, order: orderOf(orderIn(record), storedAt) })
    }
    this.#known = Math.max(this.#known ?? 0, end)
    this.isInDoubt = false
  }

  #turn(): void {
    const now = this.#clock.monotonic()
    if (now - this.#since < DEDUP_WINDOW_MS && this.#young.size < MOST_KEYS) return
    this.#old = this.#young
    this.#young = new Map()
    this.#since = now
  }
}
