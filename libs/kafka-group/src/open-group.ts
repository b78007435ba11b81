import type { Admin } from 'kafkajs'
import { failureOf, originFailed } from './failure.ts'
import { type GroupMember, joinGroup, type MemberDeps } from './member.ts'
import { clientOf, type GroupOptions } from './options.ts'

/** Where a partition stands. */
export interface Place {
  readonly topic: string
  readonly partition: number
  /** Of the oldest record that is there, and behind the newest. */
  readonly low: number
  readonly high: number
  /** Of the group: the next record. Undefined: it never committed one, or it was forgotten. */
  readonly committed: number | undefined
}

/** A consumer group of a cluster. It is never deleted, nor is an offset of it: Kafka forgets those of a group that is gone. */
export interface KafkaGroup extends AsyncDisposable {
  /** Of every partition. Rejects with SOURCE_ORIGIN_UNAVAILABLE. */
  places(): Promise<readonly Place[]>
  /** How many members it has, whosever they are. Rejects with SOURCE_ORIGIN_UNAVAILABLE. */
  members(): Promise<number>
  /** Adds a member, which reads until it is disposed of or ends. */
  join(deps: MemberDeps): GroupMember
}

/** Resolves once the cluster has answered. Rejects with SOURCE_ORIGIN_UNAVAILABLE, also where a topic does not exist. */
export async function openGroup(options: GroupOptions): Promise<KafkaGroup> {
  const { groupId, topics } = options
  const kafka = clientOf(options)
  const admin = kafka.admin()
  try {
    await admin.connect()
    await checkTopics(admin, options)
  } catch (error) {
    await admin.disconnect().catch(() => undefined)
    throw failureOf(error, groupId)
  }
  return {
    async places() {
      try {
        const committed = await admin.fetchOffsets({ groupId, topics: [...topics] })
        const found = await Promise.all(topics.map((topic) => admin.fetchTopicOffsets(topic)))
        return topics.flatMap((topic, index) => {
          const group = committed.find((each) => each.topic === topic)?.partitions ?? []
          const offsets = new Map(group.map(({ partition, offset }) => [partition, Number(offset)]))
          return (found[index] ?? []).map(({ partition, low, high }) => {
            const offset = offsets.get(partition) ?? -1
            const place = { topic, partition, low: Number(low), high: Number(high) }
            return { ...place, committed: offset < 0 ? undefined : offset }
          })
        })
      } catch (error) {
        throw failureOf(error, groupId)
      }
    },
    async members() {
      try {
        const { groups } = await admin.describeGroups([groupId])
        return groups[0]?.members.length ?? 0
      } catch (error) {
        throw failureOf(error, groupId)
      }
    },
    join: (deps) => joinGroup(kafka, options, deps),
    async [Symbol.asyncDispose]() {
      await admin.disconnect().catch(() => undefined)
    },
  }
}

/** One by one: asked for all at once, the client says that one is missing, not which. */
async function checkTopics(admin: Admin, { groupId, topics }: GroupOptions): Promise<void> {
  const there = new Set(await admin.listTopics())
  const missing = topics.filter((topic) => !there.has(topic))
  if (missing.length === 0) return
  throw originFailed(groupId, 'TopicMissing', `Kafka has no topic ${missing.join(', ')}, or shows none to this user`)
}
