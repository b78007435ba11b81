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

/** One that is told what became of it: no promise of its own, since many go at once. */
export interface Sent extends Outgoing {
  readonly bytes: number
  stored(place: Place): void
  refused(error: unknown): void
}

/** Of one partition, in one request. */
interface Part {
  readonly topic: string
  readonly partition: number
  readonly records: Sent[]
  bytes: number
  node: number
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
  #waiting: Sent[] = []
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
        return { topic, partition: laneOf(entry.laneKey, lanes), record: recordOf(entry, order).record, order }
      }),
    )
  }

  async store(records: readonly Outgoing[]): Promise<readonly Place[]> {
    return Promise.all(
      records.map(
        (each) =>
          new Promise<Place>((stored, refused) => {
            this.send({ ...each, bytes: recordBytes({ headers: {}, ...each.record }), stored, refused })
          }),
      ),
    )
  }

  /** Throws once it is closed. */
  send(each: Sent): void {
    if (this.#isClosed) throw closed()
    this.#waiting.push(each)
    this.#sending ??= this.#send()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await this.#sending
  }

  async #send(): Promise<void> {
    // What is published in one turn of the event loop goes together
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const parts = await this.#led(this.#next())
      if (parts.length === 0) continue
      try {
        const bases = await this.#store(parts)
        for (const part of parts) tell(part, bases.get(part) as number)
      } catch (error) {
        this.#producer = undefined
        // Of the same lanes: stored now, they would be ahead of what failed
        this.#refuse([...parts.flatMap(({ records }) => records), ...this.#waiting.splice(0)], error)
      }
    }
    this.#sending = undefined
  }

  /** The oldest, up to the first that finds its partition or the request full. */
  #next(): Part[] {
    const topics = new Map<string, Part[]>()
    const parts: Part[] = []
    let count = 0
    let sum = 0
    for (const each of this.#waiting) {
      const { topic, partition, bytes } = each
      const ofTopic = topics.get(topic) ?? []
      let part = ofTopic[partition]
      const before = part?.bytes ?? 0
      if ((before > 0 && before + bytes > BATCH_BYTES) || (sum > 0 && sum + bytes > REQUEST_BYTES)) break
      if (part === undefined) {
        part = { topic, partition, records: [], bytes: 0, node: 0 }
        ofTopic[partition] = part
        topics.set(topic, ofTopic)
        parts.push(part)
      }
      part.records.push(each)
      part.bytes += bytes
      sum += bytes
      count++
    }
    this.#waiting = this.#waiting.slice(count)
    return parts
  }

  #refuse(refused: readonly Sent[], error: unknown): void {
    for (const each of refused) {
      const { topic } = each
      this.#link.forgetLeaders(topic)
      const failure = failureOf(error, topic)
      const { detail } = failure
      // What is wrong with another's topic is not wrong with this one
      const isOther = detail.code !== 'CHANNEL_UNAVAILABLE' && 'channel' in detail && detail.channel !== topic
      each.refused(isOther ? unavailable('a request with more failed', error) : failure)
    }
  }

  /** A topic that nobody leads, or that is gone, holds up no other. */
  async #led(parts: readonly Part[]): Promise<readonly Part[]> {
    const failed = new Set<string>()
    for (const part of parts) {
      const { topic, partition } = part
      if (failed.has(topic)) continue
      try {
        part.node = await this.#link.leaderOf(topic, partition)
      } catch (error) {
        failed.add(topic)
        const isOfIt = (one: { readonly topic: string }) => one.topic === topic
        this.#refuse(
          [...parts.filter(isOfIt).flatMap(({ records }) => records), ...this.#waiting.filter(isOfIt)],
          error,
        )
        this.#waiting = this.#waiting.filter((one) => !isOfIt(one))
      }
    }
    return failed.size === 0 ? parts : parts.filter(({ topic }) => !failed.has(topic))
  }

  /** By part, where its first lies. */
  async #store(parts: readonly Part[]): Promise<ReadonlyMap<Part, number>> {
    this.#producer ??= this.#begin()
    const producer = await this.#producer
    const bases = new Map<Part, number>()
    const byNode = Map.groupBy(parts, ({ node }) => node)
    const answers = await Promise.allSettled(
      [...byNode].map(([node, each]) => this.#request(node, each, producer, bases)),
    )
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
    for (const part of parts) {
      // A repeat that the broker knew already has no place: stored, but who asks must know where
      if ((bases.get(part) ?? -1) < 0) throw unavailable('it does not say where the events lie')
      const key = keyOf(part)
      producer.next.set(key, (producer.next.get(key) ?? 0) + part.records.length)
    }
    return bases
  }

  async #request(node: number, parts: readonly Part[], producer: Producer, bases: Map<Part, number>): Promise<void> {
    const answers = await this.#link.produce(
      node,
      producer,
      parts.map((part) => ({
        topic: part.topic,
        partition: part.partition,
        sequence: producer.next.get(keyOf(part)) ?? 0,
        records: part.records.map(({ record: { key, value, headers = NO_HEADERS }, order }) => ({
          ...{ key, value, headers, time: timeOf(order) },
        })),
      })),
    )
    for (const [i, part] of parts.entries()) bases.set(part, answers[i] ?? -1)
  }

  async #begin(): Promise<Producer> {
    return { ...(await this.#link.newProducer()), next: new Map() }
  }
}

const NO_HEADERS = {}

function keyOf({ topic, partition }: Part): string {
  return `${partition} ${topic}`
}

function tell({ partition, records }: Part, base: number): void {
  let offset = base
  for (const each of records) each.stored({ partition, offset: offset++, order: each.order })
}

/** As it is published, with the bytes it has. Throws CHANNEL_EVENT_TOO_LARGE. */
export function recordOf(entry: Entry, order: number): { readonly record: KafkaRecord; readonly bytes: number } {
  const record = encodeRecord(entry, { order })
  const bytes = recordBytes(record)
  const noteBytes = entry.note === undefined ? 0 : Buffer.byteLength(entry.note)
  const ofEvent = eventBytes(entry.event)
  const isFitting = ofEvent <= MAX_EVENT_BYTES && bytes <= MAX_EVENT_BYTES + ADDED_BYTES
  if (!isFitting || noteBytes > MAX_NOTE_BYTES) throw tooLarge(ofEvent + noteBytes, MAX_EVENT_BYTES)
  return { record, bytes }
}
