import { type Clock, sleep } from '@sluice/clock'
import { Anyone, SILENT_MS } from './anyone.ts'
import {
  type Broker,
  type Connections,
  EARLIEST,
  type KafkaClient,
  LATEST,
  type NewTopic,
  NO_LEADER,
  type Page,
  type ProducedPart,
  type ProducerId,
} from './client/client.ts'
import { openClient } from './client/open-client.ts'
import { DEFAULT_REQUEST_MS, type KafkaOptions } from './config.ts'
import { closed, failureOf, isOfType, isUnanswered, reasonOf, unavailable, unknownTopic } from './errors.ts'
import { within } from './within.ts'

export type KafkaState = { readonly state: 'connected' } | { readonly state: 'waiting'; readonly reason: string }

const PING_MS = 1_000
const RETRY_MS = 200
const OUT_OF_RANGE = 1
const UNKNOWN_TOPIC = 3
const MOST_TRIES = 20
/** To connect, before a request. */
const GRACE_MS = 2_500
const TRANSACTION_MS = 30_000
/** A connection may be dead and not know it: after a request without answer there are new ones, no more often than this. */
const RENEWAL_MS = 10_000

/** Not connected yet: see `start`. Rejects with CONFIG_INVALID. */
export async function openLink(options: KafkaOptions): Promise<Link> {
  return new Link(options, await openClient(options))
}

/** How one cluster is reached, whether it can be now, and who leads what. Places are numbers. */
export class Link implements AsyncDisposable {
  readonly options: KafkaOptions
  readonly #client: KafkaClient
  readonly #requestMs: number
  readonly #targets = new Set<string>()
  #connections: Connections
  readonly #up = new Set<() => void>()
  /** By topic, the leader's node of each partition. */
  readonly #leaders = new Map<string, Promise<readonly number[]>>()
  readonly #coordinators = new Map<string, Promise<number>>()
  #state: KafkaState = { state: 'waiting', reason: 'not connected yet' }
  #timer: Disposable | undefined
  #checking: Promise<void> | undefined
  #prepare: () => Promise<void> = async () => undefined
  #isPrepared = false
  #isPreparing = false
  #isClosed = false
  #lastOrder = 0
  readonly #anyone: Anyone
  #renewing: Promise<void> | undefined
  #renewedAt = Number.NEGATIVE_INFINITY

  constructor(options: KafkaOptions, client: KafkaClient) {
    this.options = options
    this.#requestMs = options.requestMs ?? DEFAULT_REQUEST_MS
    this.#client = client
    this.#connections = client.open()
    this.#anyone = new Anyone(options.clock)
  }

  /** Resolves after the first try to connect and prepare, whatever came of it. */
  async start(prepare: () => Promise<void> = this.#prepare): Promise<void> {
    this.#prepare = prepare
    await this.check()
  }

  /** More than one broker, as far as is known. */
  get #hasOthers(): boolean {
    return this.options.brokers.includes(',') || this.#connections.nodes.length > 1
  }

  get clock(): Clock {
    return this.options.clock
  }

  get state(): KafkaState {
    return this.#state
  }

  get isUp(): boolean {
    return this.#state.state === 'connected'
  }

  onUp(callback: () => void): Disposable {
    this.#up.add(callback)
    return { [Symbol.dispose]: () => this.#up.delete(callback) }
  }

  /** Rises with every call, and with time: microseconds since the epoch. */
  order(): number {
    this.#lastOrder = Math.max(this.#lastOrder + 1, this.clock.now() * 1_000)
    return Math.floor(this.#lastOrder)
  }

  /** Looks now whether the cluster can be used. */
  check(): Promise<void> {
    this.#checking ??= this.#look().finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  /** Topics that are there, with the number of their partitions. */
  async partitionsOf(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>()
    for (const { topic, error, leaders } of await this.#ask(topics[0] ?? '', (broker) => broker.topics(topics))) {
      if (error === 0) found.set(topic, leaders.length)
      else if (error !== UNKNOWN_TOPIC) throw unavailable(`topic ${topic} has no leader now`)
    }
    return found
  }

  async leaderOf(topic: string, partition: number): Promise<number> {
    let known = this.#leaders.get(topic)
    if (known === undefined) {
      known = this.#leadersOf(topic)
      this.#leaders.set(topic, known)
      known.catch(() => this.#leaders.delete(topic))
    }
    const leader = (await known)[partition] ?? NO_LEADER
    if (leader !== NO_LEADER) return leader
    this.#leaders.delete(topic)
    throw unavailable(`partition ${partition} of topic ${topic} has no leader now`)
  }

  forgetLeaders(topic: string): void {
    this.#leaders.delete(topic)
  }

  createTopics(topics: readonly NewTopic[]): Promise<void> {
    return this.#atController(topics[0]?.topic ?? '', (broker) => broker.createTopics(topics))
  }

  deleteTopics(names: readonly string[]): Promise<void> {
    return this.#atController(names[0] ?? '', (broker) => broker.deleteTopics(names))
  }

  async removeGroup(group: string): Promise<void> {
    await this.#atCoordinator(group, (broker) => broker.removeGroup(group))
  }

  /** One request to who leads all of it: where the first of each part lies. */
  produce(node: number, producer: ProducerId, parts: readonly ProducedPart[]): Promise<readonly number[]> {
    return this.#atNode(node, parts[0]?.topic ?? '', (broker) => broker.produce({ producer, parts }))
  }

  /** One fetch of what is there, without waiting for more. Undefined: the place is before the beginning, or behind the end. */
  async fetch(topic: string, partition: number, from: number, maxBytes: number): Promise<Page | undefined> {
    const parts = [{ topic, partition, from, maxBytes }]
    const [found] = await this.#atLeader(topic, partition, (broker) =>
      broker.fetch({ maxWaitMs: 1, minBytes: 0, maxBytes, parts }),
    )
    if (found?.page !== undefined) return found.page
    if (found?.error === OUT_OF_RANGE) return undefined
    this.#leaders.delete(topic)
    if (found?.error === UNKNOWN_TOPIC) throw unknownTopic(topic)
    throw unavailable(`partition ${partition} of topic ${topic} can't be read now (${found?.error})`)
  }

  /** Where a partition begins. */
  beginning(topic: string, partition: number): Promise<number> {
    return this.#offsetAt(topic, partition, EARLIEST)
  }

  /** Behind the newest that may be read. */
  end(topic: string, partition: number): Promise<number> {
    return this.#offsetAt(topic, partition, LATEST)
  }

  /** Of the first that was stored at that time or later; undefined if there is none. */
  async since(topic: string, partition: number, time: number): Promise<number | undefined> {
    const offset = await this.#offsetAt(topic, partition, Math.max(0, Math.floor(time)))
    return offset < 0 ? undefined : offset
  }

  async #offsetAt(topic: string, partition: number, time: number): Promise<number> {
    const offset = await this.#atLeader(topic, partition, (broker) => broker.offsetAt(topic, partition, time))
    if (Number.isNaN(offset)) throw unavailable(`topic ${topic} does not say where it ends`)
    return offset
  }

  /** For good, as far as every subscription allows: who asks has looked. */
  async deleteBefore(topic: string, partition: number, offset: number): Promise<void> {
    await this.#atLeader(topic, partition, (broker) => broker.deleteBefore(topic, partition, offset))
  }

  /** A broker that has just started has none for a moment. */
  async newProducer(): Promise<ProducerId> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.#ask('', (broker) => broker.newProducer(TRANSACTION_MS))
      } catch (error) {
        if (tries >= MOST_TRIES || !isOfType(error, 'COORDINATOR_LOAD_IN_PROGRESS')) throw error
        await sleep(this.clock, RETRY_MS)
      }
    }
  }

  /** Everything before `offset` has ended or waits aside: what tools show of a group, and what retention asks. */
  async commit(group: string, topic: string, partition: number, offset: number): Promise<void> {
    await this.#atCoordinator(group, (broker) => broker.commit(group, topic, partition, offset))
  }

  /** By partition; without those that nobody committed. */
  committed(group: string, topic: string, count: number): Promise<ReadonlyMap<number, number>> {
    return this.#atCoordinator(group, (broker) => broker.committed(group, topic, count))
  }

  async #atCoordinator<T>(group: string, ask: (broker: Broker) => Promise<T>): Promise<T> {
    let known = this.#coordinators.get(group)
    if (known === undefined) {
      known = this.#ask(group, (broker) => broker.coordinatorOf(group))
      this.#coordinators.set(group, known)
    }
    try {
      return await this.#atNode(await known, group, ask)
    } catch (error) {
      this.#coordinators.delete(group)
      throw error
    }
  }

  async #leadersOf(topic: string): Promise<readonly number[]> {
    const [found] = await this.#ask(topic, (broker) => broker.topics([topic]))
    if (found === undefined || found.error === UNKNOWN_TOPIC) throw unknownTopic(topic)
    return found.leaders
  }

  /** Asks who leads a partition. A failure is told as one of ours. */
  async #atLeader<T>(topic: string, partition: number, ask: (broker: Broker) => Promise<T>): Promise<T> {
    return this.#atNode(await this.leaderOf(topic, partition), topic, ask)
  }

  async #atNode<T>(node: number, topic: string, ask: (broker: Broker) => Promise<T>): Promise<T> {
    this.#requireUp()
    try {
      return await this.limited(this.#connections.broker(node).then(ask))
    } catch (error) {
      this.#leaders.delete(topic)
      void this.check()
      if (isUnanswered(error)) this.#renewSoon()
      throw failureOf(error, topic)
    }
  }

  /** It may have moved: then the check that follows a failure finds it. */
  async #atController<T>(topic: string, ask: (broker: Broker) => Promise<T>): Promise<T> {
    this.#requireUp()
    try {
      return await this.limited(this.#connections.controller().then(ask))
    } catch (error) {
      if (isUnanswered(error)) this.#renewSoon()
      void this.check()
      throw failureOf(error, topic)
    }
  }

  async #ask<T>(about: string, ask: (broker: Broker) => Promise<T>): Promise<T> {
    this.#requireUp()
    try {
      return await this.#askAnyone(ask)
    } catch (error) {
      void this.check()
      throw failureOf(error, about)
    }
  }

  #askAnyone<T>(ask: (broker: Broker) => Promise<T>): Promise<T> {
    const connections = this.#connections
    if (connections.nodes.length === 0) return this.limited(connections.any().then(ask))
    return this.#anyone.ask(connections.nodes, (node) => this.limited(connections.broker(node).then(ask)))
  }

  /** Down, nobody is asked: each would try to connect for itself. */
  #requireUp(): void {
    if (this.#isClosed) throw closed()
    if (this.#state.state === 'waiting' && !this.#isPreparing) throw unavailable(this.#state.reason)
  }

  limited<T>(asking: Promise<T>, ms = this.#requestMs + GRACE_MS): Promise<T> {
    return within(asking, ms)
  }

  /** What hangs or was lost is left to itself, and all begins with new connections. */
  #renew(): void {
    const old = this.#connections
    this.#connections = this.open()
    old.close().catch(() => undefined)
  }

  /** What the others still answer on the old ones is waited for. */
  #replace(fresh: Connections): void {
    const old = this.#connections
    this.#connections = fresh
    this.clock.after(this.#requestMs + GRACE_MS, () => void old.close().catch(() => undefined))
  }

  /** While the others are up. Fails quietly: the next request without an answer begins it again. */
  #renewSoon(): void {
    const now = this.clock.now()
    if (this.#renewing !== undefined || now < this.#renewedAt + RENEWAL_MS) return
    this.#renewedAt = now
    const fresh = this.open()
    const connecting = this.#connected(fresh).then(() => this.limited(fresh.refresh()))
    this.#renewing = connecting
      .then(
        () => this.#replace(fresh),
        () => void fresh.close().catch(() => undefined),
      )
      .finally(() => {
        this.#renewing = undefined
      })
  }

  /** Connections beside those that single requests go over, for what waits. */
  open(): Connections {
    const connections = this.#client.open()
    for (const topic of this.#targets) connections.target(topic)
    return connections
  }

  async brokerOf(connections: Connections, node: number): Promise<Broker> {
    await this.#connected(connections)
    return connections.broker(node)
  }

  /** One that is silent is not waited for as long as a request is, where there are others: the next begins with another. */
  #connected(connections: Connections): Promise<void> {
    return this.limited(connections.connect(), this.#hasOthers ? GRACE_MS : undefined)
  }

  /** Who is there; the client asks one broker, which may be silent: then another says whether there is a cluster. */
  async #refresh(): Promise<void> {
    const refreshing = this.limited(this.#connections.refresh())
    if (this.#targets.size === 0 || !this.#hasOthers) return refreshing
    const isDone = await this.limited(refreshing, SILENT_MS).then(
      () => true,
      () => false,
    )
    if (!isDone) await this.#askAnyone((broker) => broker.topics([...this.#targets].slice(0, 1)))
  }

  async #look(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    try {
      await this.#connected(this.#connections)
      await this.#refresh()
      if (!this.#isPrepared) {
        this.#isPreparing = true
        await this.#prepare()
      }
      this.#isPrepared = true
      const wasUp = this.isUp
      this.#state = { state: 'connected' }
      if (!wasUp) for (const callback of this.#up) callback()
    } catch (error) {
      this.#leaders.clear()
      this.#coordinators.clear()
      this.#state = { state: 'waiting', reason: reasonOf(error) }
      this.#renew()
    } finally {
      this.#isPreparing = false
    }
    if (this.#isClosed) return
    this.#timer = this.clock.after(this.isUp ? PING_MS : RETRY_MS, () => void this.check())
  }

  /** A topic that is there. */
  target(topic: string): void {
    this.#targets.add(topic)
    this.#connections.target(topic)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#state = { state: 'waiting', reason: 'closed' }
    this.#timer?.[Symbol.dispose]()
    await this.#connections.close().catch(() => undefined)
    await this.#checking
    // One that is left would hold the process
    this.#client[Symbol.dispose]()
    await this.#renewing
    this.#client[Symbol.dispose]()
  }
}
