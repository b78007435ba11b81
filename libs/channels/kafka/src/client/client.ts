/**
 * What the driver asks of a client of Kafka: single requests to single brokers, and nothing that a client decides by itself.
 * Whatever is asked rejects with `RequestError` if it was refused, with `UnansweredError`, or with another error if it did not get through.
 */
export interface KafkaClient {
  /** Connections of their own: what waits on others holds up nothing here. None is made yet. */
  open(): Connections
  /** Of all that were opened, also those that are being made. */
  [Symbol.dispose](): void
}

/** To the brokers of one cluster, each made once it is needed. */
export interface Connections {
  /** Nodes of the brokers that are known: none before the first `refresh`. */
  readonly nodes: readonly number[]
  /** To some broker, if there is no connection yet. */
  connect(): Promise<void>
  /** Learns which brokers there are now. */
  refresh(): Promise<void>
  /** The one of that number. */
  broker(node: number): Promise<Broker>
  controller(): Promise<Broker>
  /** Whichever is connected. */
  any(): Promise<Broker>
  /** A topic that is there: kafkajs asks about every topic of the cluster while it has none. */
  target(topic: string): void
  close(): Promise<void>
}

/** Requests to one broker. Places are offsets, below 2^53. */
export interface Broker {
  /** One that is not there has its error and no partitions. */
  topics(names: readonly string[]): Promise<readonly FoundTopic[]>
  newProducer(transactionTimeoutMs: number): Promise<ProducerId>
  /** With all copies' acknowledgement. By partition, in the order asked, where the first of its records lies; below 0: not told. */
  produce(request: ProduceRequest): Promise<readonly number[]>
  fetch(request: FetchRequest): Promise<readonly Fetched[]>
  /** `EARLIEST`, `LATEST`, or of the first that was stored at that time or later, ms since the epoch; below 0: there is none. */
  offsetAt(topic: string, partition: number, time: number): Promise<number>
  /** Node of the coordinator. */
  coordinatorOf(group: string): Promise<number>
  /** Without being a member of the group. */
  commit(group: string, topic: string, partition: number, offset: number): Promise<void>
  /** By partition; without those that nobody committed. */
  committed(group: string, topic: string, partitions: number): Promise<ReadonlyMap<number, number>>
  removeGroup(group: string): Promise<void>
  deleteBefore(topic: string, partition: number, offset: number): Promise<void>
  createTopics(topics: readonly NewTopic[]): Promise<void>
  deleteTopics(names: readonly string[]): Promise<void>
}

export const EARLIEST = -2
export const LATEST = -1
/** Node of a partition that nobody leads now. */
export const NO_LEADER = -1

export interface FoundTopic {
  readonly topic: string
  /** As Kafka numbers them; 0: none. */
  readonly error: number
  /** Node of each partition's leader. */
  readonly leaders: readonly number[]
}

export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  readonly replicas: number
  readonly config: Readonly<Record<string, string>>
}

export interface ProducerId {
  readonly id: string
  readonly epoch: number
}

export interface ProduceRequest {
  readonly producer: ProducerId
  readonly parts: readonly ProducedPart[]
}

export interface ProducedPart {
  readonly topic: string
  readonly partition: number
  /** What the producer numbers the first by. */
  readonly sequence: number
  readonly records: readonly ProducedRecord[]
}

export interface ProducedRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** A text is stored as UTF-8. */
  readonly headers: Readonly<Record<string, string | Buffer>>
  /** ms since the epoch. */
  readonly time: number
}

export interface FetchRequest {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly parts: readonly FetchedFrom[]
}

export interface FetchedFrom {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly maxBytes: number
}

/** One partition's answer: what was read, or Kafka's number of what is wrong with it. */
export type Fetched = { readonly topic: string; readonly partition: number } & (
  | { readonly error: 0; readonly page: Page }
  | { readonly error: number; readonly page?: undefined }
)

/** What a fetch brought of one partition, without transactions that were aborted. */
export interface Page {
  readonly records: readonly Lying[]
  /** Where reading goes on. */
  readonly next: number
  /** Behind the newest that may be read. */
  readonly end: number
}

/** A record that was stored. */
export interface Lying {
  readonly offset: number
  /** ms since the epoch. */
  readonly storedAt: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | Buffer[]>>
}
