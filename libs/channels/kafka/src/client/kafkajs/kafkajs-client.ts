import type { Socket } from 'node:net'
import { CompressionTypes, type Kafka } from 'kafkajs'
import { DEFAULT_REQUEST_MS, type KafkaOptions } from '../../config.ts'
import { closed } from '../../errors.ts'
import type { Broker, Connections, Fetched, FetchRequest, KafkaClient, NewTopic, ProduceRequest } from '../client.ts'
import { RequestError, UnansweredError, UnreadableError } from '../request-error.ts'
import { clientOf } from './connection.ts'
import { pageOf, READ_COMMITTED, type Wire, type WireBroker, wireOf } from './wire.ts'

/** Within a publisher's patience: a failure is told at once, and repeated by who asked. */
const FEW_RETRIES = { retries: 1, initialRetryTime: 50, maxRetryTime: 200 }
const ALL_COPIES = -1
const NO_GENERATION = -1
const GROUP = 0

/** kafkajs, patched: it lends the requests that its producers and consumers are made of. */
export function openKafkajs(options: KafkaOptions): KafkaClient {
  const sockets = new Set<Socket>()
  const ending = new AbortController()
  const kafka = clientOf(options, FEW_RETRIES, sockets, ending.signal)
  return {
    open: () => new KafkajsConnections(kafka, options),
    [Symbol.dispose]() {
      ending.abort()
      // Of brokers that were silent, or reached while everything closed: the client forgets them. Told of an error it rejects what waits
      for (const socket of sockets) socket.destroy(closed())
    },
  }
}

class KafkajsConnections implements Connections {
  readonly #wire: Wire
  readonly #options: KafkaOptions

  constructor(kafka: Kafka, options: KafkaOptions) {
    this.#wire = wireOf(kafka)
    this.#options = options
  }

  get nodes(): readonly number[] {
    return Object.keys(this.#wire.brokerPool.brokers).map(Number)
  }

  connect(): Promise<void> {
    return asked(this.#wire.connect())
  }

  async refresh(): Promise<void> {
    await asked(this.#wire.connect().then(() => this.#wire.refreshMetadata()))
  }

  async broker(node: number): Promise<Broker> {
    await this.connect()
    try {
      return this.#with(await this.#wire.findBroker({ nodeId: node }))
    } catch {
      // It may not know its brokers yet
      await this.refresh()
      return this.#with(await asked(this.#wire.findBroker({ nodeId: node })))
    }
  }

  async controller(): Promise<Broker> {
    return this.#with(await asked(this.#wire.findControllerBroker()))
  }

  async any(): Promise<Broker> {
    return this.#with(await asked(this.#wire.brokerPool.findConnectedBroker()))
  }

  target(topic: string): void {
    this.#wire.targetTopics.add(topic)
  }

  close(): Promise<void> {
    return this.#wire.disconnect()
  }

  #with(broker: WireBroker): Broker {
    return new KafkajsBroker(broker, this.#options)
  }
}

class KafkajsBroker implements Broker {
  readonly #broker: WireBroker
  readonly #requestMs: number
  readonly #compression: CompressionTypes

  constructor(broker: WireBroker, { requestMs = DEFAULT_REQUEST_MS, compression = 'none' }: KafkaOptions) {
    this.#broker = broker
    this.#requestMs = requestMs
    this.#compression = compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
  }

  async topics(names: readonly string[]) {
    const { topicMetadata } = await asked(this.#broker.metadataOfEach(names))
    return topicMetadata.map(({ topic, topicErrorCode: error, partitionMetadata }) => {
      const leaders: number[] = []
      for (const { partitionId, leader } of partitionMetadata) leaders[partitionId] = leader
      return { topic, error, leaders }
    })
  }

  async newProducer(transactionTimeout: number) {
    const { producerId, producerEpoch } = await asked(this.#broker.initProducerId({ transactionTimeout }))
    return { id: producerId, epoch: producerEpoch }
  }

  async produce({ producer, parts }: ProduceRequest) {
    const topicData = [...Map.groupBy(parts, ({ topic }) => topic)].map(([topic, each]) => ({
      topic,
      partitions: each.map(({ partition, sequence, records }) => ({
        partition,
        firstSequence: sequence,
        messages: records.map(({ key, value, headers, time }) => ({ key, value, headers, timestamp: String(time) })),
      })),
    }))
    const { topics } = await asked(
      this.#broker.produce({
        ...{ acks: ALL_COPIES, timeout: this.#requestMs, compression: this.#compression, topicData },
        ...{ producerId: producer.id, producerEpoch: producer.epoch },
      }),
    )
    const bases = new Map<string, number>()
    for (const { topicName, partitions } of topics) {
      for (const { partition, baseOffset } of partitions) bases.set(`${partition} ${topicName}`, Number(baseOffset))
    }
    return parts.map(({ topic, partition }) => bases.get(`${partition} ${topic}`) ?? -1)
  }

  async fetch({ maxWaitMs, minBytes, maxBytes, parts }: FetchRequest): Promise<readonly Fetched[]> {
    const from = new Map(parts.map((part) => [`${part.partition} ${part.topic}`, part.from]))
    const topics = [...Map.groupBy(parts, ({ topic }) => topic)].map(([topic, each]) => ({
      topic,
      partitions: each.map((part) => ({
        ...{ partition: part.partition, fetchOffset: String(part.from), maxBytes: part.maxBytes },
      })),
    }))
    const request = {
      isolationLevel: READ_COMMITTED,
      maxWaitTime: maxWaitMs,
      minBytes,
      maxBytes,
      isOfEach: true,
    } as const
    const { responses } = await asked(this.#broker.fetch({ ...request, topics }))
    return responses.flatMap(({ topicName: topic, partitions }) =>
      partitions.map((part): Fetched => {
        const { partition, errorCode: error } = part
        if (error !== 0) return { topic, partition, error }
        return { topic, partition, error, page: pageOf(from.get(`${partition} ${topic}`) ?? 0, part) }
      }),
    )
  }

  async offsetAt(topic: string, partition: number, time: number) {
    const { responses } = await asked(
      this.#broker.listOffsets({
        ...{ replicaId: -1, isolationLevel: READ_COMMITTED },
        topics: [{ topic, partitions: [{ partition, timestamp: String(time) }] }],
      }),
    )
    return Number(responses[0]?.partitions[0]?.offset)
  }

  async coordinatorOf(group: string) {
    const { coordinator } = await asked(this.#broker.findGroupCoordinator({ groupId: group, coordinatorType: GROUP }))
    return coordinator.nodeId
  }

  async commit(group: string, topic: string, partition: number, offset: number) {
    const partitions = [{ partition, offset: String(offset), metadata: null }]
    const member = { groupId: group, groupGenerationId: NO_GENERATION, memberId: '' }
    await asked(this.#broker.offsetCommit({ ...member, topics: [{ topic, partitions }] }))
  }

  async committed(group: string, topic: string, count: number) {
    const partitions = Array.from({ length: count }, (_, partition) => ({ partition }))
    const { responses } = await asked(this.#broker.offsetFetch({ groupId: group, topics: [{ topic, partitions }] }))
    const found = new Map<number, number>()
    for (const { partition, offset } of responses[0]?.partitions ?? []) {
      if (Number(offset) >= 0) found.set(partition, Number(offset))
    }
    return found
  }

  async removeGroup(group: string) {
    await asked(this.#broker.deleteGroups([group]))
  }

  async deleteBefore(topic: string, partition: number, offset: number) {
    const topics = [{ topic, partitions: [{ partition, offset: String(offset) }] }]
    await asked(this.#broker.deleteRecords({ topics, timeout: this.#requestMs }))
  }

  async createTopics(wanted: readonly NewTopic[]) {
    const topics = wanted.map(({ topic, partitions, replicas, config }) => ({
      ...{ topic, numPartitions: partitions, replicationFactor: replicas },
      configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
    }))
    await asked(this.#broker.createTopics({ topics, timeout: this.#requestMs }))
  }

  async deleteTopics(names: readonly string[]) {
    await asked(this.#broker.deleteTopics({ topics: names, timeout: this.#requestMs }))
  }
}

/** What the client rejects with: `type` is Kafka's name of the error, what is wrapped is the cause, and a few may come at once. */
interface Rejection {
  readonly name?: string
  readonly type?: string
  readonly message?: string
  readonly cause?: Rejection
  readonly errors?: readonly Rejection[]
}

const DEPTH = 5
/** The client has names of Kafka's beginnings. */
const NAMES: Readonly<Record<string, string>> = { GROUP_LOAD_IN_PROGRESS: 'COORDINATOR_LOAD_IN_PROGRESS' }

async function asked<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking
  } catch (error) {
    const rejection = error as Rejection
    const types = [...typesOf(rejection)]
    const text = rejection.message ?? String(error)
    if (types.length > 0) throw new RequestError(text, types, error)
    if (rejection.name === 'KafkaJSRequestTimeoutError') throw new UnansweredError(text, error)
    throw rejection.name === 'KafkaJSNotImplemented' ? new UnreadableError(text, error) : error
  }
}

function* typesOf(rejection: Rejection): Generator<string> {
  let each: Rejection | undefined = rejection
  for (let depth = 0; each !== undefined && each !== null && depth < DEPTH; depth++) {
    if (each.type !== undefined) yield NAMES[each.type] ?? each.type
    for (const one of each.errors ?? []) yield* typesOf(one)
    each = each.cause
  }
}
