import type { Socket } from 'node:net'
import { type Clock, sleep } from '@sluice/clock'
import type { Kafka } from 'kafkajs'
import { Anyone, SILENT_MS } from './anyone.ts'
import { DEFAULT_REQUEST_MS, type KafkaOptions } from './config.ts'
import { clientOf } from './connection.ts'
import { causeOf, closed, failureOf, isOfType, isUnanswered, reasonOf, unavailable, unknownTopic } from './errors.ts'
import { type Page, pageOf, READ_COMMITTED, type Wire, type WireBroker, wireOf } from './wire.ts'
import { within } from './within.ts'

export type KafkaState = { readonly state: 'connected' } | { readonly state: 'waiting'; readonly reason: string }

/** Within a publisher's patience: a failure is told at once, and repeated by who asked. */
const FEW_RETRIES = { retries: 1, initialRetryTime: 50, maxRetryTime: 200 }
const PING_MS = 1_000
const RETRY_MS = 200
const EARLIEST = '-2'
const LATEST = '-1'
const NO_GENERATION = -1
const GROUP = 0
const OUT_OF_RANGE = 1
const UNKNOWN_TOPIC = 3
const NO_LEADER = -1
const MOST_TRIES = 20
/** To connect, before a request. */
const GRACE_MS = 2_500
/** A connection may be dead and not know it: after a request without answer there are new ones, no more often than this. */
const RENEWAL_MS = 10_000

/** How one cluster is reached, whether it can be now, and who leads what. Places are numbers. */
export class Link implements AsyncDisposable {
  readonly options: KafkaOptions
  readonly kafka: Kafka
  readonly requestMs: number
  readonly targets = new Set<string>()
  #wire: Wire
  readonly #sockets = new Set<Socket>()
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

  constructor(options: KafkaOptions) {
    this.options = options
    this.requestMs = options.requestMs ?? DEFAULT_REQUEST_MS
    this.kafka = clientOf(options, FEW_RETRIES, this.#sockets)
    this.#wire = wireOf(this.kafka)
    this.#anyone = new Anyone(options.clock)
  }

  /** Resolves after the first try to connect and prepare, whatever came of it. */
  async start(prepare: () => Promise<void> = this.#prepare): Promise<void> {
    this.#prepare = prepare
    await this.check()
  }

  /** More than one broker, as far as is known. */
  get #hasOthers(): boolean {
    return this.options.brokers.includes(',') || Object.keys(this.#wire.brokerPool.brokers).length > 1
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
    const { topicMetadata } = await this.#ask(topics[0] ?? '', (broker) => broker.metadataOfEach(topics))
    const found = new Map<string, number>()
    for (const { topic, topicErrorCode, partitionMetadata } of topicMetadata) {
      if (topicErrorCode === 0) found.set(topic, partitionMetadata.length)
      else if (topicErrorCode !== UNKNOWN_TOPIC) throw unavailable(`topic ${topic} has no leader now`)
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

  /** Asks who leads a partition. A failure is told as one of ours. */
  async atLeader<T>(topic: string, partition: number, ask: (broker: WireBroker) => Promise<T>): Promise<T> {
    const node = await this.leaderOf(topic, partition)
    return this.atNode(node, topic, ask)
  }

  async atNode<T>(node: number, topic: string, ask: (broker: WireBroker) => Promise<T>): Promise<T> {
    this.#requireUp()
    try {
      return await this.limited(this.#wire.findBroker({ nodeId: node }).then(ask))
    } catch (error) {
      this.#leaders.delete(topic)
      void this.check()
      if (isUnanswered(error)) this.#renewSoon()
      throw failureOf(error, topic)
    }
  }

  async atController<T>(topic: string, ask: (broker: WireBroker) => Promise<T>): Promise<T> {
    this.#requireUp()
    try {
      return await this.limited(this.#wire.findControllerBroker().then(ask))
    } catch (error) {
      if (isUnanswered(error)) this.#renewSoon()
      // The controller may have moved
      void this.#wire.refreshMetadata().catch(() => undefined)
      void this.check()
      throw failureOf(error, topic)
    }
  }

  async removeGroup(group: string): Promise<void> {
    await this.#atCoordinator(group, (broker) => broker.deleteGroups([group]))
  }

  /** One fetch of what is there, without waiting for more. Undefined: the place is before the beginning, or behind the end. */
  async fetch(topic: string, partition: number, from: number, maxBytes: number): Promise<Page | undefined> {
    const { responses } = await this.atLeader(topic, partition, (broker) =>
      broker.fetch({
        ...{ isolationLevel: READ_COMMITTED, maxWaitTime: 1, minBytes: 0, maxBytes, isOfEach: true },
        topics: [{ topic, partitions: [{ partition, fetchOffset: String(from), maxBytes }] }],
      }),
    )
    const part = responses[0]?.partitions[0]
    if (part?.errorCode === 0) return pageOf(from, part)
    if (part?.errorCode === OUT_OF_RANGE) return undefined
    this.#leaders.delete(topic)
    if (part?.errorCode === UNKNOWN_TOPIC) throw unknownTopic(topic)
    throw unavailable(`partition ${partition} of topic ${topic} can't be read now (${part?.errorCode})`)
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
    const offset = await this.#offsetAt(topic, partition, String(Math.max(0, Math.floor(time))))
    return offset < 0 ? undefined : offset
  }

  async #offsetAt(topic: string, partition: number, timestamp: string): Promise<number> {
    const { responses } = await this.atLeader(topic, partition, (broker) =>
      broker.listOffsets({
        ...{ replicaId: -1, isolationLevel: READ_COMMITTED },
        topics: [{ topic, partitions: [{ partition, timestamp }] }],
      }),
    )
    const offset = responses[0]?.partitions[0]?.offset
    if (offset === undefined) throw unavailable(`topic ${topic} does not say where it ends`)
    return Number(offset)
  }

  /** For good, as far as every subscription allows: who asks has looked. */
  async deleteBefore(topic: string, partition: number, offset: number): Promise<void> {
    const topics = [{ topic, partitions: [{ partition, offset: String(offset) }] }]
    await this.atLeader(topic, partition, (broker) => broker.deleteRecords({ topics, timeout: this.requestMs }))
  }

  /** A broker that has just started has none for a moment. */
  async newProducer(transactionTimeout: number) {
    for (let tries = 0; ; tries++) {
      try {
        return await this.#ask('', (broker) => broker.initProducerId({ transactionTimeout }))
      } catch (error) {
        if (tries >= MOST_TRIES || !isOfType(causeOf(error), 'GROUP_LOAD_IN_PROGRESS')) throw error
        await sleep(this.clock, RETRY_MS)
      }
    }
  }

  /** Everything before `offset` has ended or waits aside: what tools show of a group, and what retention asks. */
  async commit(group: string, topic: string, partition: number, offset: number): Promise<void> {
    const partitions = [{ partition, offset: String(offset), metadata: null }]
    const request = { groupId: group, groupGenerationId: NO_GENERATION, memberId: '', topics: [{ topic, partitions }] }
    await this.#atCoordinator(group, (broker) => broker.offsetCommit(request))
  }

  /** By partition; without those that nobody committed. */
  async committed(group: string, topic: string, count: number): Promise<ReadonlyMap<number, number>> {
    const partitions = Array.from({ length: count }, (_, partition) => ({ partition }))
    const { responses } = await this.#atCoordinator(group, (broker) =>
      broker.offsetFetch({ groupId: group, topics: [{ topic, partitions }] }),
    )
    const found = new Map<number, number>()
    for (const { partition, offset } of responses[0]?.partitions ?? []) {
      if (Number(offset) >= 0) found.set(partition, Number(offset))
    }
    return found
  }

  async #atCoordinator<T>(group: string, ask: (broker: WireBroker) => Promise<T>): Promise<T> {
    let known = this.#coordinators.get(group)
    if (known === undefined) {
      known = this.#ask(group, (broker) =>
        broker.findGroupCoordinator({ groupId: group, coordinatorType: GROUP }),
      ).then(({ coordinator }) => coordinator.nodeId)
      this.#coordinators.set(group, known)
    }
    try {
      return await this.atNode(await known, group, ask)
    } catch (error) {
      this.#coordinators.delete(group)
      throw error
    }
  }

  async #leadersOf(topic: string): Promise<readonly number[]> {
    const { topicMetadata } = await this.#ask(topic, (broker) => broker.metadataOfEach([topic]))
    const found = topicMetadata[0]
    if (found === undefined || found.topicErrorCode === UNKNOWN_TOPIC) throw unknownTopic(topic)
    const leaders: number[] = []
    for (const { partitionId, leader } of found.partitionMetadata) leaders[partitionId] = leader
    return leaders
  }

  async #ask<T>(about: string, ask: (broker: WireBroker) => Promise<T>): Promise<T> {
    this.#requireUp()
    try {
      return await this.#askAnyone(ask)
    } catch (error) {
      void this.check()
      throw failureOf(error, about)
    }
  }

  #askAnyone<T>(ask: (broker: WireBroker) => Promise<T>): Promise<T> {
    const wire = this.#wire
    const nodes = Object.keys(wire.brokerPool.brokers).map(Number)
    if (nodes.length === 0) return this.limited(wire.brokerPool.findConnectedBroker().then(ask))
    return this.#anyone.ask(nodes, (nodeId) => this.limited(wire.findBroker({ nodeId }).then(ask)))
  }

  /** Down, nobody is asked: each would try to connect for itself. */
  #requireUp(): void {
    if (this.#isClosed) throw closed()
    if (this.#state.state === 'waiting' && !this.#isPreparing) throw unavailable(this.#state.reason)
  }

  limited<T>(asking: Promise<T>, ms = this.requestMs + GRACE_MS): Promise<T> {
    return within(asking, ms)
  }

  /** What hangs or was lost is left to itself, and all begins with new connections. */
  #renew(fresh = this.wire()): void {
    const old = this.#wire
    this.#wire = fresh
    old.disconnect().catch(() => undefined)
  }

  /** While the others are up. Fails quietly: the next request without an answer begins it again. */
  #renewSoon(): void {
    const now = this.clock.now()
    if (this.#renewing !== undefined || now < this.#renewedAt + RENEWAL_MS) return
    this.#renewedAt = now
    const fresh = this.wire()
    const connecting = this.connected(fresh).then(() => this.limited(fresh.refreshMetadata()))
    this.#renewing = connecting
      .then(
        () => this.#renew(fresh),
        () => void fresh.disconnect().catch(() => undefined),
      )
      .finally(() => {
        this.#renewing = undefined
      })
  }

  /** Connections of their own. */
  wire(): Wire {
    const made = wireOf(this.kafka)
    for (const topic of this.targets) made.targetTopics.add(topic)
    return made
  }

  /** One that is silent is not waited for as long as a request is, where there are others: the next begins with another. */
  connected(wire: Wire): Promise<void> {
    return this.limited(wire.connect(), this.#hasOthers ? GRACE_MS : undefined)
  }

  /** Who is there and who leads; the client asks one broker, which may be silent: then another says whether there is a cluster. */
  async #refresh(): Promise<void> {
    const refreshing = this.limited(this.#wire.refreshMetadata())
    if (this.targets.size === 0 || !this.#hasOthers) return refreshing
    const isDone = await this.limited(refreshing, SILENT_MS).then(
      () => true,
      () => false,
    )
    if (!isDone) await this.#askAnyone((broker) => broker.metadataOfEach([...this.targets].slice(0, 1)))
  }

  async #look(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    try {
      await this.connected(this.#wire)
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

  /** What metadata is asked for: else the client asks for every topic there is. */
  target(topic: string): void {
    this.targets.add(topic)
    this.#wire.targetTopics.add(topic)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#state = { state: 'waiting', reason: 'closed' }
    this.#timer?.[Symbol.dispose]()
    await this.#wire.disconnect().catch(() => undefined)
    // Of brokers that were silent, or reached while everything closed: one that is left would hold the process
    await this.#checking
    for (const socket of this.#sockets) socket.destroy()
    await this.#renewing
    for (const socket of this.#sockets) socket.destroy()
  }
}
