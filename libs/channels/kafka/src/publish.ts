import { type Entry, laneOf } from '@sluice/channel'
import { eventBytes } from '@sluice/cloudevents'
import { CompressionTypes, type Kafka, type Producer } from 'kafkajs'
import { type KafkaOptions, MAX_NOTE_BYTES, MAX_RECORD_BYTES } from './config.ts'
import { RETRY } from './connection.ts'
import { closed, failureOf, tooLarge, unavailable } from './errors.ts'
import { encodeRecord, type KafkaRecord, recordBytes } from './record.ts'

/** Where a record lies. */
export interface Place {
  readonly partition: number
  readonly offset: string
}

interface Waiting {
  readonly topic: string
  readonly partition: number
  readonly record: KafkaRecord
  readonly bytes: number
  readonly resolve: (place: Place) => void
  readonly reject: (error: unknown) => void
}

/** Of one partition in one request. */
const BATCH_BYTES = 512 * 1024

/**
 * Stores entries in the order they are given, one request at a time with all that has come meanwhile.
 *
 *   publish ─► waiting ─► one batch ── stored ─► positions ─► next batch
 *                             └─ failed ─► all that wait are refused, and the next has a producer of its own
 *
 * The client counts a batch only once it was answered. One that was stored without an answer has its numbers given to the
 * next, which Kafka takes for a repeat and drops, saying that it is stored. So a producer that failed is never used again.
 */
export class Publisher implements AsyncDisposable {
  readonly #kafka: Kafka
  readonly #compression: CompressionTypes
  #producer: Promise<Producer> | undefined
  #waiting: Waiting[] = []
  #sending: Promise<void> | undefined
  #isClosed = false

  constructor(kafka: Kafka, { compression = 'none' }: Pick<KafkaOptions, 'compression'>) {
    this.#kafka = kafka
    this.#compression = compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
  }

  /** Resolves once all are stored, or rejects, possibly with some. What is too large is refused before anything is sent. */
  async publish(topic: string, lanes: number, entries: readonly Entry[]): Promise<readonly Place[]> {
    if (this.#isClosed) throw closed()
    const records = entries.map((entry) => ({ record: checked(entry), partition: laneOf(entry.laneKey, lanes) }))
    const stored = records.map(
      ({ record, partition }) =>
        new Promise<Place>((resolve, reject) => {
          this.#waiting.push({ topic, partition, record, bytes: recordBytes(record), resolve, reject })
        }),
    )
    this.#sending ??= this.#send()
    return Promise.all(stored)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await this.#sending
    await this.#drop()
  }

  async #send(): Promise<void> {
    // What is published in one turn of the event loop goes together
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const batch = this.#next()
      try {
        const places = await this.#store(batch)
        for (const [i, { resolve }] of batch.entries()) resolve(places[i] as Place)
      } catch (error) {
        // Of the same lanes: stored now, they would be ahead of what failed
        for (const { topic, reject } of [...batch, ...this.#waiting.splice(0)]) reject(failureOf(error, topic))
        await this.#drop()
      }
    }
    this.#sending = undefined
  }

  /** The oldest, up to the first that finds its partition full. */
  #next(): Waiting[] {
    const filled = new Map<string, number>()
    let count = 0
    for (const { topic, partition, bytes } of this.#waiting) {
      const key = `${partition} ${topic}`
      const before = filled.get(key) ?? 0
      if (before > 0 && before + bytes > BATCH_BYTES) break
      filled.set(key, before + bytes)
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #store(batch: readonly Waiting[]): Promise<Place[]> {
    const producer = await this.#connected()
    const byTopic = Map.groupBy(batch, ({ topic }) => topic)
    const topicMessages = [...byTopic].map(([topic, each]) => ({
      topic,
      messages: each.map(({ partition, record }) => ({ partition, ...record, headers: { ...record.headers } })),
    }))
    const answers = await producer.sendBatch({ acks: -1, compression: this.#compression, topicMessages })
    const next = new Map<string, bigint>()
    for (const { topicName, partition, baseOffset } of answers) {
      if (baseOffset !== undefined) next.set(`${partition} ${topicName}`, BigInt(baseOffset))
    }
    return batch.map(({ topic, partition }) => {
      const key = `${partition} ${topic}`
      const offset = next.get(key)
      // A repeat that the broker knew already has no place: stored, but who asks must know where
      if (offset === undefined || offset < 0n) throw unavailable('it does not say where the events lie')
      next.set(key, offset + 1n)
      return { partition, offset: String(offset) }
    })
  }

  #connected(): Promise<Producer> {
    this.#producer ??= this.#connect()
    return this.#producer
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({
      idempotent: true,
      // Else it tries for ever
      retry: RETRY,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition as number,
    })
    await producer.connect()
    return producer
  }

  async #drop(): Promise<void> {
    const producer = this.#producer
    this.#producer = undefined
    await producer?.then((each) => each.disconnect()).catch(() => undefined)
  }
}

function checked(entry: Entry): KafkaRecord {
  const record = encodeRecord(entry)
  const noteBytes = entry.note === undefined ? 0 : Buffer.byteLength(entry.note)
  const bytes = Math.max(eventBytes(entry.event), recordBytes(record)) + noteBytes
  if (bytes > MAX_RECORD_BYTES || noteBytes > MAX_NOTE_BYTES) throw tooLarge(bytes, MAX_RECORD_BYTES)
  return record
}
