import type { Admin } from 'kafkajs'
import { MAX_BATCH_BYTES } from './config.ts'
import { conflict, failureOf, isOfType, unavailable } from './errors.ts'

export interface TopicOptions {
  /** One partition each. */
  readonly lanes: number
  readonly replicas: number
  /** True: it is somebody else's, never made, and may have more partitions than lanes. */
  readonly isExternal?: boolean
}

/**
 * Makes a topic or finds it. Kafka never cuts it by itself: retention asks the subscriptions first. Rejects with CHANNEL_CONFLICT
 * for one whose partitions are not the lanes, with CHANNEL_UNKNOWN for an external one that is not there,
 * and with CHANNEL_UNAVAILABLE for what may pass.
 */
export async function createTopic(admin: Admin, topic: string, options: TopicOptions): Promise<void> {
  const { lanes, replicas, isExternal = false } = options
  try {
    if (!isExternal) await make(admin, topic, lanes, replicas)
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

async function make(admin: Admin, topic: string, lanes: number, replicas: number): Promise<void> {
  const configEntries = [
    { name: 'cleanup.policy', value: 'delete' },
    { name: 'retention.ms', value: '-1' },
    { name: 'retention.bytes', value: '-1' },
    { name: 'max.message.bytes', value: String(MAX_BATCH_BYTES) },
  ]
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
