/** What the two clients are compared in, each used as its documentation has it. */
export interface KafkaClient extends AsyncDisposable {
  /** Of 8 partitions, empty. */
  createTopic(topic: string): Promise<void>
  /** Resolves once all are stored: idempotent, acks=all. */
  produce(topic: string, records: readonly PerfRecord[]): Promise<void>
  /** From the beginning of the topic, as a member of the group; offsets are committed every second. */
  consume(topic: string, group: string, onId: (id: string) => void): Promise<AsyncDisposable>
}

export interface Patience {
  readonly requestMs: number
  /** Of the client's own; undefined: as it comes. */
  readonly retries?: number
}

export interface PerfRecord {
  readonly partition: number
  readonly headers: Readonly<Record<string, Buffer>>
  readonly value: Buffer
}

export const PARTITIONS = 8
export const ID_HEADER = 'ce_id'
/** Of every member, whoever's client it is. */
export const GROUP = {
  sessionMs: 10_000,
  rebalanceMs: 15_000,
  heartbeatMs: 1_000,
  commitMs: 1_000,
  waitMs: 500,
} as const

export const CLIENTS = ['kafkajs', 'platformatic'] as const
export type ClientName = (typeof CLIENTS)[number]
export const PATIENCE: Patience = { requestMs: 6_000 }
