import {
  type Connection,
  createTopicsV4,
  deleteGroupsV1,
  deleteRecordsV1,
  deleteTopicsV3,
  fetchV11,
  findCoordinatorV2,
  initProducerIdV1,
  listOffsetsV5,
  metadataV8,
  offsetCommitV7,
  offsetFetchV5,
  ResponseError,
} from '@platformatic/kafka'
import { DEFAULT_REQUEST_MS, type KafkaOptions } from '../../config.ts'
import type { Broker, Fetched, FetchRequest, NewTopic, ProduceRequest } from '../client.ts'
import { UnreadableError } from '../request-error.ts'
import { asked, isOfConnection } from './asked.ts'
import { pageOf } from './page.ts'
import { produce } from './produce.ts'

const NO_GENERATION = -1
const NO_EPOCH = -1
const GROUP = 0
const NO_SESSION = 0
const READ_COMMITTED = 1

/** Versions that every Kafka from 2.4 to 4 speaks: nothing has to be agreed upon first. */
export class PlatformaticBroker implements Broker {
  readonly #connection: Connection
  readonly #requestMs: number
  readonly #compression: 'none' | 'gzip'

  constructor(connection: Connection, { requestMs = DEFAULT_REQUEST_MS, compression = 'none' }: KafkaOptions) {
    this.#connection = connection
    this.#requestMs = requestMs
    this.#compression = compression
  }

  async topics(names: readonly string[]) {
    const { topics } = await asked(
      ofEach<metadataV8.MetadataResponse>(metadataV8.api.async(this.#connection, [...names], false)),
    )
    return topics.map(({ name: topic, errorCode: error, partitions }) => {
      const leaders: number[] = []
      for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId
      return { topic, error, leaders }
    })
  }

  async newProducer(transactionTimeoutMs: number) {
    const { producerId, producerEpoch } = await asked(
      initProducerIdV1.api.async(this.#connection, null, transactionTimeoutMs),
    )
    return { id: String(producerId), epoch: producerEpoch }
  }

  async produce(request: ProduceRequest) {
    const how = { requestMs: this.#requestMs, compression: this.#compression }
    return asked(produce(this.#connection, request, how))
  }

  async fetch({ maxWaitMs, minBytes, maxBytes, parts }: FetchRequest): Promise<readonly Fetched[]> {
    const from = new Map(parts.map((part) => [`${part.partition} ${part.topic}`, part.from]))
    const topics = [...Map.groupBy(parts, ({ topic }) => topic)].map(([topicId, each]) => ({
      topicId,
      partitions: each.map((part) => ({
        ...{ partition: part.partition, fetchOffset: BigInt(part.from), partitionMaxBytes: part.maxBytes },
        ...{ currentLeaderEpoch: NO_EPOCH, lastFetchedEpoch: NO_EPOCH },
      })),
    }))
    const fetching = fetchV11.api.async(
      this.#connection,
      maxWaitMs,
      minBytes,
      maxBytes,
      READ_COMMITTED,
      NO_SESSION,
      NO_EPOCH,
      topics,
      [],
      '',
    )
    const { responses } = await asked(ofEach<fetchV11.FetchResponse>(fetching).catch(orUnreadable))
    return responses.flatMap(({ topicId: topic, partitions }) =>
      partitions.map((part): Fetched => {
        const { partitionIndex: partition, errorCode: error } = part
        if (error !== 0) return { topic, partition, error }
        return { topic, partition, error, page: pageOf(from.get(`${partition} ${topic}`) ?? 0, part) }
      }),
    )
  }

  async offsetAt(topic: string, partition: number, time: number) {
    const partitions = [{ partitionIndex: partition, currentLeaderEpoch: NO_EPOCH, timestamp: BigInt(time) }]
    const { topics } = await asked(
      listOffsetsV5.api.async(this.#connection, -1, READ_COMMITTED, [{ name: topic, partitions }]),
    )
    return Number(topics[0]?.partitions[0]?.offset)
  }

  async coordinatorOf(group: string) {
    const { coordinators } = await asked(findCoordinatorV2.api.async(this.#connection, GROUP, [group]))
    return coordinators[0]?.nodeId ?? -1
  }

  async commit(group: string, topic: string, partition: number, offset: number) {
    const partitions = [
      {
        partitionIndex: partition,
        committedOffset: BigInt(offset),
        committedLeaderEpoch: NO_EPOCH,
        committedMetadata: null,
      },
    ]
    await asked(
      offsetCommitV7.api.async(this.#connection, group, NO_GENERATION, '', null, [{ name: topic, partitions }]),
    )
  }

  async committed(group: string, topic: string, count: number) {
    const partitionIndexes = Array.from({ length: count }, (_, partition) => partition)
    const groups = [{ groupId: group, topics: [{ name: topic, partitionIndexes }] }]
    const { topics } = await asked(offsetFetchV5.api.async(this.#connection, groups, false))
    const found = new Map<number, number>()
    for (const { partitionIndex, committedOffset } of topics[0]?.partitions ?? []) {
      if (committedOffset >= 0n) found.set(partitionIndex, Number(committedOffset))
    }
    return found
  }

  async removeGroup(group: string) {
    await asked(deleteGroupsV1.api.async(this.#connection, [group]))
  }

  async deleteBefore(topic: string, partition: number, offset: number) {
    const partitions = [{ partitionIndex: partition, offset: BigInt(offset) }]
    await asked(deleteRecordsV1.api.async(this.#connection, [{ name: topic, partitions }], this.#requestMs))
  }

  async createTopics(wanted: readonly NewTopic[]) {
    const topics = wanted.map(({ topic, partitions, replicas, config }) => ({
      ...{ name: topic, numPartitions: partitions, replicationFactor: replicas, assignments: [] },
      configs: Object.entries(config).map(([name, value]) => ({ name, value })),
    }))
    await asked(createTopicsV4.api.async(this.#connection, topics, this.#requestMs, false))
  }

  async deleteTopics(names: readonly string[]) {
    const topics = names.map((name) => ({ name }))
    await asked(deleteTopicsV3.api.async(this.#connection, topics, this.#requestMs))
  }
}

/** The answer also where something of it has an error: each topic and partition tells its own. */
async function ofEach<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking
  } catch (error) {
    const { response } = error as { readonly response?: T }
    if (error instanceof ResponseError && response !== undefined) return response
    throw error
  }
}

function orUnreadable(error: unknown): never {
  if (isOfConnection(error) || error instanceof ResponseError) throw error
  throw new UnreadableError(error instanceof Error ? error.message : String(error), error)
}
