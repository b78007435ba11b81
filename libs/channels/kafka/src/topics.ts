import type { Admin, Kafka } from 'kafkajs'
import { MAX_BATCH_BYTES } from './config.ts'
import { conflict, failureOf, isOfType, unavailable } from './errors.ts'

export interface TopicOptions {
  /** One partition each. */
  readonly lanes: number
  readonly replicas: number
  /** True: it is somebody else's, never made, and may have more partitions than lanes. */
  readonly isExternal?: boolean
  /** Of each key the newest stays. */
  readonly isCompacted?: boolean
}

/**
 * Makes a topic or finds it. Kafka never cuts it by itself: retention asks the subscriptions first. Rejects with CHANNEL_CONFLICT
 * for one whose partitions are not the lanes, with CHANNEL_UNKNOWN for an external one that is not there,
 * and with CHANNEL_UNAVAILABLE for what may pass.
 */
export async function createTopic(admin: Admin, topic: string, options: TopicOptions): Promise<void> {
  const { lanes, isExternal = false } = options
  try {
    if (!isExternal) await make(admin, topic, options)
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const partitions = topics[0]?.partitions.length ?? 0
    if (partitions < lanes) {
      throw conflict(
        topic,
        `it has ${partitions} partitions, fewer than the ${lanes} lanes: add partitions or ask for fewer lanes`,
      )
    }
    if (partitions > lanes && !isExternal) throw conflict(topic, `it has ${partitions} partitions and not ${lanes}`)
  } catch (error) {
    if (!isExternal && isOfType(error, 'UNKNOWN_TOPIC_OR_PARTITION')) {
      throw unavailable('the topic is made, and the broker that was asked does not know it yet', error)
    }
    throw failureOf(error, topic)
  }
}

/** Small segments, soon cleaned: who takes a lane over reads all that is left. */
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(16 * 1024 * 1024),
  'segment.ms': '600000',
  'min.cleanable.dirty.ratio': '0.1',
  // What an owner that did not know yet wrote in place of a newer one's is seen before it counts
  'min.compaction.lag.ms': '60000',
}

async function make(admin: Admin, topic: string, options: TopicOptions): Promise<void> {
  const { lanes, replicas, isCompacted = false } = options
  const config = {
    'retention.ms': '-1',
    'retention.bytes': '-1',
    'max.message.bytes': String(MAX_BATCH_BYTES),
    // The publisher's clock says when: what is younger than the broker's is no mistake
    'message.timestamp.type': 'CreateTime',
    ...(isCompacted ? COMPACTED : { 'cleanup.policy': 'delete' }),
  }
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  const made = { topic, numPartitions: lanes, replicationFactor: replicas, configEntries }
  try {
    await admin.createTopics({ topics: [made], waitForLeaders: true })
  } catch (error) {
    const { errors = [] } = error as { errors?: readonly unknown[] }
    const replication = [error, ...errors].some((each) => isOfType(each, 'INVALID_REPLICATION_FACTOR'))
    if (!replication) throw error
    // A broker that comes back is not counted until its earlier session has ended
    if (replicas === 1) throw unavailable('no broker is ready', error)
    throw conflict(topic, `${replicas} replicas are more than there are brokers`)
  }
}

/** Unknown is no error. */
export async function removeTopic(admin: Admin, topic: string): Promise<void> {
  try {
    await admin.deleteTopics({ topics: [topic] })
  } catch (error) {
    const { errors = [] } = error as { errors?: readonly unknown[] }
    if ([error, ...errors].some((each) => isOfType(each, 'UNKNOWN_TOPIC_OR_PARTITION'))) return
    throw failureOf(error, topic)
  }
}

/** Topics that are there, and groups if they are. */
export async function removeTopics(kafka: Kafka, topics: readonly string[], groups: readonly string[]): Promise<void> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    for (const topic of topics) await removeTopic(admin, topic)
    // Nobody committed, or nobody may: what is left of a group expires
    if (groups.length > 0) await admin.deleteGroups([...groups]).catch(() => undefined)
  } catch (error) {
    throw failureOf(error, topics[0] ?? '')
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}
