import {
  type Backlog,
  type Beginning,
  type ChannelCapabilities,
  type ChannelDriver,
  type ChannelOptions,
  Consumer,
  type Entry,
  type Parked,
  type ParkedQuery,
  type Position,
  refuseWishes,
  type Stored,
  type SubscribeOptions,
  Turns,
} from '@sluice/channel'
import { sleep } from '@sluice/clock'
import { backlog } from './backlog.ts'
import {
  ADDED_BYTES,
  DEDUP_WINDOW_MS,
  DEFAULT_LEASE_MS,
  DRIVER_NAME,
  durabilityOf,
  type NatsOptions,
} from './config.ts'
import { closed, isUnavailable, unknownChannel } from './errors.ts'
import { type NatsEvents, natsEvents } from './events.ts'
import { NatsLaneStore } from './lane-store.ts'
import { Link, type NatsState } from './link.ts'
import { ChannelNames, stateStream } from './names.ts'
import { countParked, listParked, purgeParked, redriveParked } from './parked.ts'
import { publish } from './publish.ts'
import { beginningOf, readLog, readQueue } from './read.ts'
import { retain } from './retention.ts'
import { createStreams, ensureState, removeStreams } from './streams.ts'

export interface NatsDriver extends ChannelDriver {
  /** Connected, or why not (yet). */
  readonly connection: NatsState
}

const RETENTION_INTERVAL_MS = 10_000
const CLOSING_MS = 3_000
const MOST_COUNTS = 8

/**
 * Resolves after the first try to connect, also when no server answers: it is waited for, and meanwhile every operation
 * rejects with CHANNEL_UNAVAILABLE. Rejects with CONFIG_INVALID, or SERVER_UNSUPPORTED if the server is too old.
 */
export async function openNatsDriver(options: NatsOptions): Promise<NatsDriver> {
  const link = new Link(options)
  const driver = new Driver(options, link)
  try {
    await link.start(() => ensureState(link, options.prefix ?? 'sluice'))
    return driver
  } catch (error) {
    await driver[Symbol.asyncDispose]()
    throw error
  }
}

interface Channel {
  readonly name: string
  readonly names: ChannelNames
  options: ChannelOptions
  readonly consumers: Map<string, Set<Consumer>>
}

class Driver implements NatsDriver {
  readonly name = DRIVER_NAME
  readonly #options: NatsOptions
  readonly #prefix: string
  readonly #link: Link
  readonly #events: NatsEvents
  readonly #channels = new Map<string, Channel>()
  readonly #publishing = new Set<Promise<unknown>>()
  /** Each count takes consumers of the server's for a moment, of which a stream has a thousand at most. */
  readonly #counting = new Turns(MOST_COUNTS)
  #retention: Disposable | undefined
  #isClosed = false

  constructor(options: NatsOptions, link: Link) {
    this.#options = options
    this.#prefix = options.prefix ?? 'sluice'
    this.#link = link
    this.#events = natsEvents(options)
    this.#scheduleRetention()
  }

  get connection(): NatsState {
    return this.#link.state
  }

  get capabilities(): ChannelCapabilities {
    return {
      durable: durabilityOf(this.#options),
      dedupWindowMs: DEDUP_WINDOW_MS,
      maxEventBytes: this.#link.maxPayload - ADDED_BYTES,
      shared: true,
      readFromTime: true,
    }
  }

  async create(name: string, options: ChannelOptions): Promise<void> {
    if (this.#isClosed) throw closed()
    refuseWishes(this, name, options)
    const names = new ChannelNames(this.#prefix, name)
    await createStreams(this.#link, name, names, options)
    const known = this.#channels.get(name)
    if (known === undefined) this.#channels.set(name, { name, names, options, consumers: new Map() })
    else known.options = options
  }

  async remove(name: string): Promise<void> {
    if (this.#isClosed) throw closed()
    const channel = this.#channels.get(name)
    this.#channels.delete(name)
    const names = channel?.names ?? new ChannelNames(this.#prefix, name)
    const consumers = [...(channel?.consumers.values() ?? [])].flatMap((each) => [...each])
    for (const consumer of consumers) consumer.close()
    await Promise.all(consumers.map(({ finished }) => finished))
    await removeStreams(this.#link, this.#prefix, names)
  }

  publish(name: string, entries: readonly Entry[], signal?: AbortSignal): Promise<readonly Position[]> {
    const publishing = this.#publish(name, entries)
    this.#publishing.add(publishing)
    const forget = () => this.#publishing.delete(publishing)
    publishing.then(forget, forget)
    return signal === undefined ? publishing : orAborted(publishing, signal)
  }

  async #publish(name: string, entries: readonly Entry[]): Promise<readonly Position[]> {
    const { names, options } = this.#channel(name)
    const { kind, lanes, subscriptions } = options
    return publish({ link: this.#link, names, kind, lanes, subscription: subscriptions[0] ?? '' }, entries)
  }

  subscribe(name: string, subscription: string, options: SubscribeOptions, signal: AbortSignal) {
    const channel = this.#subscribed(name, subscription)
    const { kind, lanes } = channel.options
    const events = this.#events
    const consumer = new Consumer(
      {
        store: new NatsLaneStore({
          link: this.#link,
          names: channel.names,
          stateStream: stateStream(this.#prefix),
          kind,
          lanes,
          subscription,
        }),
        leaseMs: this.#options.leaseMs ?? DEFAULT_LEASE_MS,
        events: {
          skipped: (lane, seq, error) => events.skipped(name, lane, seq, error),
          repeated: events.repeated,
          taken: (lane) => events.taken(name, lane),
          lost: (lane) => events.lost(name, lane),
          failed: events.failed,
        },
      },
      options,
      signal,
    )
    const consumers = channel.consumers.get(subscription) ?? new Set()
    channel.consumers.set(subscription, consumers.add(consumer))
    void consumer.finished.then(() => consumers.delete(consumer))
    return consumer
  }

  async *read(name: string, from: Position | Date | 'oldest', signal: AbortSignal): AsyncIterable<Stored> {
    const channel = this.#channel(name)
    const deps = this.#reading(channel, channel.options.subscriptions[0] ?? '')
    yield* channel.options.kind === 'log' ? readLog(deps, from, signal) : readQueue(deps, from, signal)
  }

  async backlog(name: string, subscription: string, queue?: string): Promise<Backlog> {
    const deps = { ...this.#reading(this.#subscribed(name, subscription), subscription), queue }
    return this.#counting.run(() => backlog(deps))
  }

  async beginning(name: string): Promise<Beginning> {
    return beginningOf({ link: this.#link, names: this.#channel(name).names })
  }

  async parked(name: string, query: ParkedQuery): Promise<readonly Parked[]> {
    return listParked({ link: this.#link, names: this.#channel(name).names }, query)
  }

  async parkedCount(name: string, queue?: string): Promise<number> {
    return countParked({ link: this.#link, names: this.#channel(name).names }, queue)
  }

  async redrive(name: string, positions: readonly Position[]): Promise<number> {
    return redriveParked({ link: this.#link, names: this.#channel(name).names }, positions)
  }

  async purge(name: string, which: Parameters<ChannelDriver['purge']>[1]): Promise<number> {
    return purgeParked({ link: this.#link, names: this.#channel(name).names }, which)
  }

  isRetryable(error: unknown): boolean {
    return isUnavailable(error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#retention?.[Symbol.dispose]()
    const consumers = [...this.#channels.values()].flatMap(({ consumers: each }) =>
      [...each.values()].flatMap((set) => [...set]),
    )
    for (const consumer of consumers) consumer.close()
    const ending = Promise.allSettled([...this.#publishing, ...consumers.map(({ finished }) => finished)])
    if (this.#link.isUp) await Promise.race([ending, sleep(this.#options.clock, CLOSING_MS)])
    await this.#link[Symbol.asyncDispose]()
  }

  #channel(name: string): Channel {
    if (this.#isClosed) throw closed()
    const channel = this.#channels.get(name)
    if (channel === undefined) throw unknownChannel(name)
    return channel
  }

  #subscribed(name: string, subscription: string): Channel {
    const channel = this.#channel(name)
    if (channel.options.subscriptions.includes(subscription)) return channel
    throw unknownChannel(`${name} with subscription ${subscription}`)
  }

  #reading({ names, options, consumers }: Channel, subscription: string) {
    const { kind, lanes } = options
    const ownedLane = (number: number) => {
      for (const consumer of consumers.get(subscription) ?? []) {
        const lane = consumer.ownedLane(number)
        if (lane !== undefined)
          return { lane, backlogOf: (queue: string | undefined) => consumer.backlogOf(lane, queue) }
      }
      return undefined
    }
    return { link: this.#link, names, stateStream: stateStream(this.#prefix), kind, lanes, subscription, ownedLane }
  }

  #scheduleRetention(): void {
    this.#retention = this.#options.clock.after(RETENTION_INTERVAL_MS, () => {
      void this.#retain().finally(() => this.#isClosed || this.#scheduleRetention())
    })
  }

  async #retain(): Promise<void> {
    for (const { names, options } of this.#channels.values()) {
      if (!this.#link.isUp || (options.kind === 'log' && options.retention === undefined)) continue
      await retain({ link: this.#link, names, stateStream: stateStream(this.#prefix), options }).catch(
        (error: unknown) => this.#events.failed('retention', error),
      )
    }
  }
}

function orAborted<T>(working: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    working.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
