import { type Connection, createAPI, produceV8, Writer } from '@platformatic/kafka'
import type { ProduceRequest } from '../client.ts'
import { compressedBatch, plainBatch } from './batch.ts'

const ALL_COPIES = -1

interface Written {
  readonly partition: number
  readonly batch: Buffer
}

const NOT_COMPACT = [false, false] as const

/** As the client's own, but that batches come as they are to lie. */
const api = createAPI<[timeoutMs: number, topics: ReadonlyMap<string, readonly Written[]>], produceV8.ProduceResponse>(
  produceV8.api.key,
  produceV8.api.version,
  (timeoutMs, topics) =>
    Writer.create()
      .appendString(null, false)
      .appendInt16(ALL_COPIES)
      .appendInt32(timeoutMs)
      .appendArray(
        [...topics],
        (topic, [name, parts]) =>
          topic
            .appendString(name, false)
            .appendArray(
              parts as Written[],
              (part, { partition, batch }) => part.appendInt32(partition).appendInt32(batch.length).append(batch),
              ...NOT_COMPACT,
            ),
        ...NOT_COMPACT,
      ),
  produceV8.parseResponse,
  ...NOT_COMPACT,
)

/** By part, where its first lies; below 0: not told. */
export async function produce(
  connection: Connection,
  { producer, parts }: ProduceRequest,
  { requestMs, compression }: { readonly requestMs: number; readonly compression: 'none' | 'gzip' },
): Promise<readonly number[]> {
  const topics = new Map<string, Written[]>()
  for (const { topic, partition, sequence, records } of parts) {
    const batch = { producer, sequence, records }
    const written = { partition, batch: compression === 'gzip' ? await compressedBatch(batch) : plainBatch(batch) }
    const others = topics.get(topic)
    if (others === undefined) topics.set(topic, [written])
    else others.push(written)
  }
  const { responses } = await api.async(connection, requestMs, topics)
  const bases = new Map<string, number>()
  for (const { name, partitionResponses } of responses) {
    for (const { index, baseOffset } of partitionResponses) bases.set(`${index} ${name}`, Number(baseOffset))
  }
  return parts.map(({ topic, partition }) => bases.get(`${partition} ${topic}`) ?? -1)
}
