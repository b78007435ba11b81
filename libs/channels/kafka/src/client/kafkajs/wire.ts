import type { Kafka } from 'kafkajs'
import type { Lying, Page } from '../client.ts'
import { Transactions } from '../transactions.ts'

/** What the patched client lends of itself; places are decimal texts, as Kafka's are 64 bits. */
export interface Wire {
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  findBroker(query: { readonly nodeId: number }): Promise<WireBroker>
  findControllerBroker(): Promise<WireBroker>
  readonly targetTopics: Set<string>
  readonly brokerPool: {
    /** By node, those that metadata named last. */
    readonly brokers: Readonly<Record<string, unknown>>
    findConnectedBroker(): Promise<WireBroker>
  }
}

export interface WireBroker {
  readonly nodeId: number | null
  metadataOfEach(topics: readonly string[]): Promise<WireMetadata>
  fetch(request: WireFetch): Promise<{ readonly errorCode: number; readonly responses: readonly WireTopic[] }>
  listOffsets(request: {
    readonly replicaId: number
    readonly isolationLevel: number
    readonly topics: readonly WireTimes[]
  }): Promise<{
    readonly responses: readonly {
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
    }[]
  }>
  produce(request: object): Promise<{
    readonly topics: readonly {
      readonly topicName: string
      readonly partitions: readonly { readonly partition: number; readonly baseOffset: string }[]
    }[]
  }>
  initProducerId(request: { readonly transactionTimeout: number }): Promise<{
    readonly producerId: string
    readonly producerEpoch: number
  }>
  findGroupCoordinator(request: { readonly groupId: string; readonly coordinatorType: number }): Promise<{
    readonly coordinator: { readonly nodeId: number }
  }>
  offsetCommit(request: object): Promise<unknown>
  offsetFetch(request: object): Promise<{
    readonly responses: readonly {
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
    }[]
  }>
  deleteRecords(request: object): Promise<unknown>
  createTopics(request: object): Promise<unknown>
  deleteTopics(request: object): Promise<unknown>
  deleteGroups(groups: readonly string[]): Promise<unknown>
}

interface WireTimes {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number; readonly timestamp: string }[]
}

export interface WireMetadata {
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number
    readonly topic: string
    readonly partitionMetadata: readonly {
      readonly partitionErrorCode: number
      readonly partitionId: number
      readonly leader: number
    }[]
  }[]
}

export interface WireFetch {
  readonly isolationLevel: number
  readonly maxWaitTime: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly isOfEach: true
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      readonly fetchOffset: string
      readonly maxBytes: number
    }[]
  }[]
}

export interface WireTopic {
  readonly topicName: string
  readonly partitions: readonly WirePartition[]
}

export interface WirePartition {
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: string
  readonly lastStableOffset: string
  readonly abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[] | null
  readonly messages: readonly WireRecord[] & { readonly nextOffset?: bigint }
}

export interface WireRecord {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | Buffer[]>>
  readonly isControlRecord?: boolean
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean }
}

export const READ_COMMITTED = 1

export function wireOf(kafka: Kafka): Wire {
  return (kafka as unknown as { cluster(options: { isolationLevel: number }): Wire }).cluster({
    isolationLevel: READ_COMMITTED,
  })
}

/** Without what lies before `from`, what belongs to transactions that were aborted, and their markers. */
export function pageOf(from: number, part: WirePartition): Page {
  const { messages, abortedTransactions } = part
  const aborted = (abortedTransactions ?? []).map(({ producerId, firstOffset }) => ({
    ...{ producer: producerId, from: Number(firstOffset) },
  }))
  const transactions = new Transactions(aborted)
  const records: Lying[] = []
  let last = from - 1
  for (const { offset: text, timestamp, key, value, headers, isControlRecord = false, batchContext } of messages) {
    const offset = Number(text)
    last = Math.max(last, offset)
    const { producerId: producer = '', inTransaction: isTransactional = false } = batchContext ?? {}
    const isValid = transactions.isValid(offset, key, { producer, isTransactional, isControl: isControlRecord })
    if (isValid && offset >= from) records.push({ offset, storedAt: Number(timestamp), key, value, headers })
  }
  return {
    records,
    next: Math.max(from, last + 1, Number(messages.nextOffset ?? 0)),
    end: Number(part.lastStableOffset ?? part.highWatermark),
  }
}
