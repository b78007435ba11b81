import type { Clock } from '@sluice/clock'
import type { ChannelDriver, Entry, Position, SubscribeOptions, Subscription } from '../port.ts'
import { LocalQueues } from './local-queues.ts'
import { LooseEnds } from './loose-ends.ts'
import { RecentKeys } from './recent-keys.ts'
import type { OneWriteLimits } from './unwritten.ts'

/** Of what was acked, and of what was stored, the keys that are remembered. */
const RECENT_KEYS = 2_048
/** Of calls that were refused in part, the keys of the other part: their publisher repeats the whole call. */
const REPEATED_KEYS = 65_536

export interface QueueChannelDeps {
  readonly driver: ChannelDriver
  readonly clock: Clock
  readonly limits: OneWriteLimits
  readonly channel: string
  readonly lanes: number
}

/** A channel of queues: entries go through memory while exactly one consumer is here, else through the store. */
export class QueueChannel {
  readonly #deps: QueueChannelDeps
  readonly #consumers = new Set<LocalQueues>()
  readonly #ended = new RecentKeys(RECENT_KEYS)
  readonly #stored = new RecentKeys(RECENT_KEYS)
  readonly #loose = new LooseEnds()
  readonly #repeated = new RecentKeys(REPEATED_KEYS)
  /** On its way into the store. */
  readonly #writing = new Set<Promise<unknown>>()

  constructor(deps: QueueChannelDeps) {
    this.#deps = deps
  }

  async publish(entries: readonly Entry[], signal: AbortSignal | undefined): Promise<readonly Position[]> {
    const [local, another] = this.#consumers
    if (local === undefined || another !== undefined) return this.#storeAll(entries, signal)
    const now = this.#deps.clock.now()
    const results = entries.map((entry) => local.publish(entry, now))
    if (results.length === 1) return [await (results[0] as Promise<Position>)]
    try {
      return await Promise.all(results)
    } catch (error) {
      this.#expectRepeats(entries, results)
      throw error
    }
  }

  subscribe(subscription: string, options: SubscribeOptions, signal: AbortSignal): Subscription {
    const { driver, clock, limits, lanes, channel } = this.#deps
    if (signal.aborted) return driver.subscribe(channel, subscription, options, signal)
    const before = this.#written()
    const others = Array.from(this.#consumers, (other) => other.retire())
    const turn = others.length === 0 ? { before } : { before, whenFree: Promise.all(others) }
    let local: LocalQueues | undefined
    const deps = {
      ...{ clock, limits, lanes, ended: this.#ended, stored: this.#stored, loose: this.#loose },
      maxBytes: (driver.capabilitiesOf?.(channel) ?? driver.capabilities).maxEventBytes / 2,
      known: (entry: Entry) => this.#known(entry),
      store: (entry: Entry) => this.#store(entry),
      backlog: (queue: string) => driver.backlog(channel, subscription, queue),
      subscribe: (through: SubscribeOptions) => driver.subscribe(channel, subscription, through, signal),
      onClose: () => local !== undefined && this.#left(local),
    }
    local = new LocalQueues(deps, options, signal, turn)
    this.#consumers.add(local)
    return local
  }

  /** Every consumer leaves; fulfils once what they had in memory is stored, or its publishers know that it is not. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#consumers, (local) => local.close()))
    await this.#written()
  }

  #left(local: LocalQueues): void {
    if (!this.#consumers.delete(local)) return
    const [only, another] = this.#consumers
    if (another === undefined) only?.resume(this.#written())
  }

  #expectRepeats(entries: readonly Entry[], results: readonly Promise<Position>[]): void {
    entries.forEach(({ dedupKey }, i) => {
      if (dedupKey !== undefined) results[i]?.then((position) => this.#repeated.add(dedupKey, position), noop)
    })
  }

  #known({ dedupKey }: Entry): Position | undefined {
    if (dedupKey === undefined) return undefined
    return this.#ended.get(dedupKey) ?? this.#stored.get(dedupKey) ?? this.#repeated.get(dedupKey)
  }

  async #store(entry: Entry): Promise<Position> {
    const [position = ''] = await this.#write([entry], undefined)
    return position
  }

  async #storeAll(entries: readonly Entry[], signal: AbortSignal | undefined): Promise<readonly Position[]> {
    const positions = entries.map((entry) => this.#known(entry))
    const unknown = entries.filter((_, i) => positions[i] === undefined)
    const stored = (await this.#write(unknown, signal)).values()
    return positions.map((position) => position ?? (stored.next().value as Position))
  }

  async #write(entries: readonly Entry[], signal: AbortSignal | undefined): Promise<readonly Position[]> {
    const writing = this.#deps.driver.publish(this.#deps.channel, entries, signal)
    this.#writing.add(writing)
    const written = () => void this.#writing.delete(writing)
    writing.then(written, written)
    const positions = await writing
    entries.forEach(({ dedupKey }, i) => {
      if (dedupKey !== undefined) this.#stored.add(dedupKey, positions[i] ?? '')
    })
    return positions
  }

  /** Fulfils once what is on its way into the store is there, or refused. */
  async #written(): Promise<void> {
    await Promise.allSettled(this.#writing)
  }
}

function noop(): void {}
