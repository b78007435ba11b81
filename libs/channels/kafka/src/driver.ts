import {
  type Backlog,
  type Beginning,
  type ChannelCapabilities,
  type ChannelDriver,
  type ChannelOptions,
  type Entry,
  type Parked,
  type ParkedQuery,
  type Position,
  type Stored,
  type SubscribeOptions,
  Turns,
} from '@sluice/channel'
import { sleep } from '@sluice/clock'
import { backlog } from './backlog.ts'
import { type ChannelDeps, KafkaChannel } from './channel.ts'
import {
  DEDUP_WINDOW_MS,
  DEFAULT_PREFIX,
  DRIVER_NAME,
  durabilityOf,
  type KafkaOptions,
  MAX_EVENT_BYTES,
} from './config.ts'
import { closed, conflict, isUnavailable, unavailable, unknownChannel } from './errors.ts'
import { kafkaEvents } from './events.ts'
import { Fetcher } from './fetcher.ts'
import { type KafkaState, type Link, openLink } from './link.ts'
import { Members } from './members.ts'
import { ChannelNames, membersTopic } from './names.ts'
import { Publisher } from './publish.ts'
import { beginningOf, readLog, readQueue } from './read.ts'
import { retain } from './retention.ts'
import { createTopic, createTopics, removeTopics } from './topics.ts'
import { beginAtEnd, checkTopic } from './wishes.ts'

export interface KafkaDriver extends ChannelDriver {
  /** Connected, or why not (yet). */
  readonly connection: KafkaState
}

const RETENTION_INTERVAL_MS = 10_000
const CLOSING_MS = 3_000
const MOST_COUNTS = 8

/**
 * Resolves after the first try to connect, also when no broker answers: it is waited for, and meanwhile every operation
 * rejects with CHANNEL_UNAVAILABLE. Rejects with CONFIG_INVALID.
 */
export async function openKafkaChannel(options: KafkaOptions): Promise<KafkaDriver> {
  const driver = new Driver(options, await openLink(options))
  await driver.start()
  return driver
}

class Driver implements KafkaDriver {
  readonly name = DRIVER_NAME
  readonly #options: KafkaOptions
  readonly #prefix: string
  readonly #link: Link
  readonly #deps: ChannelDeps
  readonly #channels = new Map<string, KafkaChannel>()
  readonly #counting = new Turns(MOST_COUNTS)
  #retention: Disposable | undefined
  #isClosed = false

  constructor(options: KafkaOptions, link: Link) {
    this.#options = options
    this.#prefix = options.prefix ?? DEFAULT_PREFIX
    const fetcher = new Fetcher(link)
    const publisher = new Publisher(link)
    const members = new Members(link, fetcher, publisher, this.#prefix)
    this.#link = link
    this.#deps = { link, fetcher, publisher, members, events: kafkaEvents(options), prefix: this.#prefix }
    this.#scheduleRetention()
  }

  start(): Promise<void> {
    const topic = membersTopic(this.#prefix)
    const { replicas = 1 } = this.#options
    return this.#link.start(async () => {
      await createTopic(this.#link, topic, { lanes: 1, replicas, ...this.#minInsync, isCompacted: true })
      this.#link.target(topic)
    })
  }

  get #minInsync(): Pick<KafkaOptions, 'minInsync'> {
    const { minInsync } = this.#options
    return minInsync === undefined ? {} : { minInsync }
  }

  get connection(): KafkaState {
    return this.#link.state
  }

  get capabilities(): ChannelCapabilities {
    return {
      durable: durabilityOf(this.#options),
      dedupWindowMs: DEDUP_WINDOW_MS,
      maxEventBytes: MAX_EVENT_BYTES,
      shared: true,
      readFromTime: true,
    }
  }

  /** How many copies somebody else's topic has is not known. */
  readonly capabilitiesOf = (name: string): ChannelCapabilities => {
    const { backend: { isExternal = false, replicas = this.#options.replicas ?? 1 } = {} } =
      this.#channels.get(name)?.options ?? {}
    return { ...this.capabilities, durable: isExternal ? 'process' : durabilityOf({ ...this.#options, replicas }) }
  }

  async create(name: string, options: ChannelOptions): Promise<void> {
    if (this.#isClosed) throw closed()
    this.#requireUp()
    const names = new ChannelNames(this.#prefix, name, options)
    if ((await this.#link.partitionsOf([names.otherKind])).size > 0)
      throw conflict(name, `it is there, and no ${options.kind}`)
    await checkTopic(this.#link, names, options)
    const { lanes, backend = {} } = options
    const { replicas = this.#options.replicas ?? 1, isExternal = false } = backend
    const copies = { lanes, replicas, ...this.#minInsync }
    await createTopics(
      this.#link,
      // That of events last: with a name that others know it is this log's only where the others are
      new Map([
        [names.lanes, { ...copies, isCompacted: true }],
        [names.parked, { ...copies, isCompacted: true }],
        [names.events, { ...copies, isExternal }],
      ]),
    )
    if (isExternal) await beginAtEnd(this.#deps, names, options)
    const known = this.#channels.get(name)
    if (known === undefined) this.#channels.set(name, new KafkaChannel(name, options, this.#deps))
    else known.options = options
  }

  async check(name: string, options: ChannelOptions): Promise<void> {
    if (this.#isClosed) throw closed()
    this.#requireUp()
    await checkTopic(this.#link, new ChannelNames(this.#prefix, name, options), options)
  }

  async remove(name: string): Promise<void> {
    if (this.#isClosed) throw closed()
    const channel = this.#channels.get(name)
    this.#channels.delete(name)
    const consumers = channel?.consumers ?? []
    for (const consumer of consumers) consumer.close()
    await Promise.all(consumers.map(({ finished }) => finished))
    this.#requireUp()
    const { subscriptions, backend } = channel?.options ?? { subscriptions: [] }
    const names = channel?.names ?? new ChannelNames(this.#prefix, name, { kind: 'log' })
    const own = [names.otherKind, names.lanes, names.parked]
    const groups = subscriptions.map((each) => names.group(each))
    await removeTopics(this.#link, backend?.isExternal === true ? own : [names.events, ...own], groups)
  }

  publish(name: string, entries: readonly Entry[], signal?: AbortSignal): Promise<readonly Position[]> {
    try {
      const { outbox } = this.#channel(name)
      this.#requireUp()
      const publishing = outbox.publish(entries)
      return signal === undefined ? publishing : orAborted(publishing, signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  subscribe(name: string, subscription: string, options: SubscribeOptions, signal: AbortSignal) {
    return this.#subscribed(name, subscription).subscribe(subscription, options, signal)
  }

  async *read(name: string, from: Position | Date | 'oldest', signal: AbortSignal): AsyncIterable<Stored> {
    const channel = this.#channel(name)
    this.#requireUp()
    const deps = channel.reading(channel.options.subscriptions[0] ?? '')
    yield* channel.options.kind === 'log' ? readLog(deps, from, signal) : readQueue(deps, from, signal)
  }

  async backlog(name: string, subscription: string, queue?: string): Promise<Backlog> {
    const deps = this.#subscribed(name, subscription).reading(subscription)
    this.#requireUp()
    return this.#counting.run(() => backlog(deps, queue))
  }

  async beginning(name: string): Promise<Beginning> {
    return beginningOf(this.#channel(name).reading(''))
  }

  async parked(name: string, query: ParkedQuery): Promise<readonly Parked[]> {
    return this.#channel(name).parked.list(query)
  }

  async parkedCount(name: string, queue?: string): Promise<number> {
    return this.#channel(name).parked.count(queue)
  }

  async redrive(name: string, positions: readonly Position[]): Promise<number> {
    return this.#channel(name).parked.redrive(positions)
  }

  async purge(name: string, which: Parameters<ChannelDriver['purge']>[1]): Promise<number> {
    return this.#channel(name).parked.purge(which)
  }

  isRetryable(error: unknown): boolean {
    return isUnavailable(error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#retention?.[Symbol.dispose]()
    const channels = [...this.#channels.values()]
    const consumers = channels.flatMap((channel) => channel.consumers)
    for (const consumer of consumers) consumer.close()
    const publishing = channels.map(({ outbox }) => outbox.idle())
    const ending = Promise.allSettled([...publishing, ...consumers.map(({ finished }) => finished)])
    if (this.#link.isUp) await Promise.race([ending, sleep(this.#options.clock, CLOSING_MS)])
    const { members, fetcher, publisher } = this.#deps
    members[Symbol.dispose]()
    fetcher[Symbol.dispose]()
    await Promise.race([publisher[Symbol.asyncDispose](), sleep(this.#options.clock, CLOSING_MS)])
    await this.#link[Symbol.asyncDispose]()
  }

  #channel(name: string): KafkaChannel {
    if (this.#isClosed) throw closed()
    const channel = this.#channels.get(name)
    if (channel === undefined) throw unknownChannel(name)
    return channel
  }

  #subscribed(name: string, subscription: string): KafkaChannel {
    const channel = this.#channel(name)
    if (channel.options.subscriptions.includes(subscription)) return channel
    throw unknownChannel(`${name} with subscription ${subscription}`)
  }

  #requireUp(): void {
    const { state } = this.#link
    if (state.state === 'waiting') throw unavailable(state.reason)
  }

  #scheduleRetention(): void {
    this.#retention = this.#options.clock.after(RETENTION_INTERVAL_MS, () => {
      void this.#retain().finally(() => this.#isClosed || this.#scheduleRetention())
    })
  }

  async #retain(): Promise<void> {
    for (const { names, options } of this.#channels.values()) {
      if (!this.#link.isUp || (options.kind === 'log' && options.retention === undefined)) continue
      await retain({ link: this.#link, names, options }).catch((error: unknown) =>
        this.#deps.events.failed('retention', error),
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
