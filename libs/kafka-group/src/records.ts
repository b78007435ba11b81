import type { Batch as ClientBatch } from 'kafkajs'

/** A record as it lies in a topic; its bytes are views of what was fetched. */
export interface TopicRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** ms since the epoch; negative: it has none. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** In their order; a name may be there more than once. */
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
}

export function recordsOf({ topic, partition, messages }: ClientBatch): readonly TopicRecord[] {
  return messages.map(({ offset, timestamp, key, value, headers = {} }) => ({
    ...{ topic, partition, offset: Number(offset), timestamp: Number(timestamp), key, value },
    headers: Object.entries(headers).flatMap(([name, given]) =>
      (Array.isArray(given) ? given : [given]).map((each) => [name, bytesOf(each)] as const),
    ),
  }))
}

/** The client's types say text or nothing; what it hands out is bytes or null. */
function bytesOf(value: Buffer | string | null | undefined): Buffer | null {
  return typeof value === 'string' ? Buffer.from(value) : (value ?? null)
}
