import { type Entry, laneOf } from '@sluice/channel'
import { eventBytes } from '@sluice/cloudevents'
import type { ProducerId } from './client/client.ts'
import { ADDED_BYTES, MAX_EVENT_BYTES, MAX_NOTE_BYTES } from './config.ts'
import { closed, failureOf, tooLarge, unavailable } from './errors.ts'
import type { Link } from './link.ts'
import { timeOf } from './names.ts'
import { encodeRecord, type KafkaRecord, recordBytes } from './record.ts'

/** Where a record lies. */
export interface Place {
  readonly partition: number
  readonly offset: number
  readonly order: number
}

/** A record on its way to a partition. */
export interface Outgoing {
  readonly topic: string
  readonly partition: number
  readonly record: Omit<KafkaRecord, 'headers'> & Partial<Pick<KafkaRecord, 'headers'>>
  readonly order: number
}

interface Waiting extends Outgoing {
  readonly bytes: number
  readonly resolve: (place: Place) => void
  readonly reject: (error: unknown) => void
}

interface Led extends Waiting {
  readonly node: number
}

interface Producer extends ProducerId {
  readonly next: Map<string, number>
}

/** Of one partition in one request. */
const BATCH_BYTES = 512 * 1024
/** Of all partitions. */
const REQUEST_BYTES = 8 * 1024 * 1024

/**
 * Stores records in the order they are given, one request at a time with all that has come meanwhile.
 *
 *   store ─► waiting ─► one batch ── stored ─► places ─► next batch
 *                             └─ failed ─► all that wait are refused, and the next has a producer of its own
 *
 * A batch that was stored without an answer must not give its numbers to the next, which Kafka would take for a repeat and
 * drop, saying that it is stored. So a producer that failed is never used again.
 */
export class Publisher implements AsyncDisposable {
  readonly #link: Link
  #producer: Promise<Producer> | undefined
  #waiting: Waiting[] = []
  #sending: Promise<void> | undefined
  #isClosed = false

  constructor(link: Link) {
    this.#link = link
  }

  /** Resolves once all are stored, or rejects, possibly with some. What is too large is refused before anything is sent. */
  async publish(topic: string, lanes: number, entries: readonly Entry[]): Promise<readonly Place[]> {
    return this.store(
      entries.map((entry) => {
        const order = this.#link.order()
        return { topic, partition: laneOf(entry.laneKey, lanes), record: recordOf(entry, order), order }
      }),
    )
  }

  async store(records: readonly Outgoing[]): Promise<readonly Place[]> {
    if (this.#isClosed) throw closed()
    const stored = records.map(
      (each) =>
        new Promise<Place>((resolve, reject) => {
          const bytes = recordBytes({ headers: {}, ...each.record })
          this.#waiting.push({ ...each, bytes, resolve, reject })
        }),
    )
    this.#sending ??= this.#send()
    return Promise.all(stored)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await this.#sending
  }

  async #send(): Promise<void> {
    // What is published in one turn of the event loop goes together
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const batch = await this.#led(this.#next())
      if (batch.length === 0) continue
      try {
        const places = await this.#store(batch)
        for (const [i, { resolve }] of batch.entries()) resolve(places[i] as Place)
      } catch (error) {
        this.#producer = undefined
        // Of the same lanes: stored now, they would be ahead of what failed
        this.#refuse([...batch, ...this.#waiting.splice(0)], error)
      }
    }
    this.#sending = undefined
  }

  /** The oldest, up to the first that finds its partition or the request full. */
  #next(): Waiting[] {
    const filled = new Map<string, number>()
    let count = 0
    let sum = 0
    for (const { topic, partition, bytes } of this.#waiting) {
      const key = `${partition} ${topic}`
      const before = filled.get(key) ?? 0
      if ((before > 0 && before + bytes > BATCH_BYTES) || (sum > 0 && sum + bytes > REQUEST_BYTES)) break
      filled.set(key, before + bytes)
      sum += bytes
      count++
    }
    return this.#waiting.splice(0, count)
  }

  #refuse(refused: readonly Waiting[], error: unknown): void {
    for (const { topic, reject } of refused) {
      this.#link.forgetLeaders(topic)
      const failure = failureOf(error, topic)
      const { detail } = failure
      // What is wrong with another's topic is not wrong with this one
      const isOther = detail.code !== 'CHANNEL_UNAVAILABLE' && 'channel' in detail && detail.channel !== topic
      reject(isOther ? unavailable('a request with more failed', error) : failure)
    }
  }

  /** A topic that nobody leads, or that is gone, holds up no other. */
  async #led(batch: readonly Waiting[]): Promise<readonly Led[]> {
    const led: Led[] = []
    const failed = new Set<string>()
    for (const each of batch) {
      const { topic, partition } = each
      try {
        if (failed.has(topic)) continue
        led.push({ ...each, node: await this.#link.leaderOf(topic, partition) })
      } catch (error) {
        failed.add(topic)
        const isOfIt = (one: Waiting) => one.topic === topic
        this.#refuse([...batch.filter(isOfIt), ...this.#waiting.filter(isOfIt)], error)
        this.#waiting = this.#waiting.filter((one) => !isOfIt(one))
      }
    }
    return led.filter(({ topic }) => !failed.has(topic))
  }

  async #store(batch: readonly Led[]): Promise<Place[]> {
    this.#producer ??= this.#begin()
    const producer = await this.#producer
    const byPart = Map.groupBy(batch, ({ topic, partition }) => `${partition} ${topic}`)
    const byNode = Map.groupBy(byPart.values(), (each) => (each[0] as Led).node)
    const next = new Map<string, number>()
    const answers = await Promise.allSettled(
      [...byNode].map(([node, parts]) => this.#request(node, parts, producer, next)),
    )
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
    for (const [key, each] of byPart) producer.next.set(key, (producer.next.get(key) ?? 0) + each.length)
    return batch.map(({ topic, partition, order }) => {
      const key = `${partition} ${topic}`
      const offset = next.get(key)
      // A repeat that the broker knew already has no place: stored, but who asks must know where
      if (offset === undefined || offset < 0) throw unavailable('it does not say where the events lie')
      next.set(key, offset + 1)
      return { partition, offset, order }
    })
  }

  async #request(
    node: number,
    parts: readonly Waiting[][],
    producer: Producer,
    next: Map<string, number>,
  ): Promise<void> {
    const bases = await this.#link.produce(
      node,
      producer,
      parts.map((waiting) => {
        const { topic, partition } = waiting[0] as Waiting
        const records = waiting.map(({ record, order }) => ({ headers: {}, ...record, time: timeOf(order) }))
        return { topic, partition, sequence: producer.next.get(`${partition} ${topic}`) ?? 0, records }
      }),
    )
    for (const [i, [first]] of parts.entries()) {
      const { topic, partition } = first as Waiting
      next.set(`${partition} ${topic}`, bases[i] ?? -1)
    }
  }

  async #begin(): Promise<Producer> {
    return { ...(await this.#link.newProducer()), next: new Map() }
  }
}

/** As it is published. Throws CHANNEL_EVENT_TOO_LARGE. */
export function recordOf(entry: Entry, order: number): KafkaRecord {
  const record = encodeRecord(entry, { order })
  const noteBytes = entry.note === undefined ? 0 : Buffer.byteLength(entry.note)
  const bytes = eventBytes(entry.event)
  const isFitting = bytes <= MAX_EVENT_BYTES && recordBytes(record) <= MAX_EVENT_BYTES + ADDED_BYTES
  if (!isFitting || noteBytes > MAX_NOTE_BYTES) throw tooLarge(bytes + noteBytes, MAX_EVENT_BYTES)
  return record
}
