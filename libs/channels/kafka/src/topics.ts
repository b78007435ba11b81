import { sleep } from '@sluice/clock'
import { MAX_BATCH_BYTES, minInsyncOf } from './config.ts'
import { conflict, isOfType, isOnly, isUnavailable, unavailable, unknownTopic } from './errors.ts'
import type { Link } from './link.ts'

export interface TopicOptions {
  /** One partition each. */
  readonly lanes: number
  readonly replicas: number
  /** Copies that are written before a write is answered; as `minInsyncOf` says unless given. */
  readonly minInsync?: number
  /** True: it is somebody else's, and never made. */
  readonly isExternal?: boolean
  /** Of each key the newest stays. */
  readonly isCompacted?: boolean
}

/** For what the cluster does a moment after it said so: 10 ms more each time, up to 3 s in all. */
const MOST_TRIES = 35
const SOON_MS = 10
const MOST_WAIT_MS = 100

/** Small segments, soon cleaned: who takes a lane over reads all that is left. */
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(16 * 1024 * 1024),
  'segment.ms': '600000',
  'min.cleanable.dirty.ratio': '0.1',
  // What an owner that did not know yet wrote in place of a newer one's is seen before it counts
  'min.compaction.lag.ms': '60000',
}

const ALL = {
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'max.message.bytes': String(MAX_BATCH_BYTES),
  // When something was published is said by who published it
  'message.timestamp.type': 'CreateTime',
}

/**
 * Makes topics or finds them. Kafka never cuts them by itself: retention asks the subscriptions first. Rejects with CHANNEL_CONFLICT
 * for one whose partitions are not the lanes, with CHANNEL_UNKNOWN for an external one that is not there,
 * and with CHANNEL_UNAVAILABLE for what may pass.
 */
export async function createTopics(link: Link, wanted: ReadonlyMap<string, TopicOptions>): Promise<void> {
  let found = await link.partitionsOf([...wanted.keys()])
  const made = [...wanted].filter(([topic]) => !found.has(topic))
  for (const [topic, options] of wanted) checkPartitions(topic, found.get(topic), options)
  for (let tries = 1; ; tries++) {
    const missing = [...wanted].filter(([topic]) => !found.has(topic))
    if (missing.length === 0) return ready(link, made)
    if (tries > MOST_TRIES) throw unavailable(`topic ${missing[0]?.[0]} is made, and not known to its broker yet`)
    if (tries > 1) await sleep(link.clock, waitOf(tries))
    // One of the same name may be on its way out: then it is not made until that is gone
    if (tries % 5 === 1) await make(link, missing)
    found = await link.partitionsOf([...wanted.keys()])
    for (const [topic, options] of wanted) if (found.has(topic)) checkPartitions(topic, found.get(topic), options)
  }
}

/** A broker is told that it leads a little after everybody else is. */
async function ready(link: Link, made: readonly (readonly [string, TopicOptions])[]): Promise<void> {
  for (const [topic, { lanes }] of made) {
    for (let tries = 1; ; tries++) {
      try {
        await Promise.all(Array.from({ length: lanes }, (_, partition) => link.end(topic, partition)))
        break
      } catch (error) {
        if (tries >= MOST_TRIES || !isUnavailable(error)) throw error
        await sleep(link.clock, waitOf(tries))
      }
    }
  }
}

function waitOf(tries: number): number {
  return Math.min(MOST_WAIT_MS, SOON_MS * tries)
}

export function createTopic(link: Link, topic: string, options: TopicOptions): Promise<void> {
  return createTopics(link, new Map([[topic, options]]))
}

function checkPartitions(topic: string, partitions: number | undefined, options: TopicOptions): void {
  const { lanes, isExternal = false } = options
  if (partitions === undefined) {
    if (isExternal) throw unknownTopic(topic)
    return
  }
  if (partitions < lanes) {
    throw conflict(
      topic,
      `it has ${partitions} partitions, fewer than the ${lanes} lanes: add partitions or ask for fewer lanes`,
    )
  }
  if (partitions > lanes) throw conflict(topic, `it has ${partitions} partitions and not ${lanes}`)
}

async function make(link: Link, missing: readonly (readonly [string, TopicOptions])[]): Promise<void> {
  const topics = missing.map(([topic, { lanes, replicas, minInsync, isCompacted = false }]) => {
    const insync = minInsyncOf({ replicas, ...(minInsync !== undefined && { minInsync }) })
    const cleaned = isCompacted ? COMPACTED : { 'cleanup.policy': 'delete' }
    const config = { ...ALL, 'min.insync.replicas': String(insync), ...cleaned }
    return { topic, partitions: lanes, replicas, config }
  })
  const [first, { replicas }] = missing[0] as readonly [string, TopicOptions]
  try {
    await link.createTopics(topics)
  } catch (error) {
    if (isOfType(error, 'INVALID_REPLICATION_FACTOR')) {
      // A broker that comes back is not counted until its earlier session has ended
      if (replicas === 1) throw unavailable('no broker is ready', error)
      throw conflict(first, `${replicas} replicas are more than there are brokers now`)
    }
    if (!isOnly(error, 'TOPIC_ALREADY_EXISTS')) throw error
  }
}

/** Unknown is no error. Resolves once they are gone for whoever asks. */
export async function removeTopics(
  link: Link,
  topics: readonly string[],
  groups: readonly string[] = [],
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const found = [...(await link.partitionsOf(topics)).keys()]
    if (found.length === 0) break
    if (tries > MOST_TRIES) throw unavailable(`topic ${found[0]} is removed, and its broker knows it still`)
    if (tries > 1) await sleep(link.clock, waitOf(tries))
    if (tries % 5 !== 1) continue
    try {
      await link.deleteTopics(found)
    } catch (error) {
      if (!isOnly(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error
    }
  }
  for (const topic of topics) link.forgetLeaders(topic)
  // Nobody committed, or nobody may: what is left of a group expires
  await Promise.all(groups.map((group) => link.removeGroup(group).catch(() => undefined)))
}
