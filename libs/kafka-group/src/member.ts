import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import { failureOf } from './failure.ts'
import { DRAIN_MS, type GroupOptions, RETRY, SESSION_MS } from './options.ts'
import { recordsOf, type TopicRecord } from './records.ts'
import { beginTurn } from './turn.ts'

export interface Batch {
  readonly topic: string
  readonly partition: number
  /** In ascending order of offsets, at least one. */
  readonly records: readonly TopicRecord[]
}

/** How long a batch may be worked on. */
export interface Turn {
  /** Aborted: no further record is taken up. What is under way may end. */
  readonly closing: AbortSignal
  /** Aborted: nobody waits for what is under way any more. */
  readonly aborted: AbortSignal
  /** Everything before `offset` has ended for good. Rises. */
  passed(offset: number): void
}

export interface MemberDeps {
  /** Works on a batch, on one of a partition at a time. What it does not pass is handed out again, to this or another member. */
  take(batch: Batch, turn: Turn): Promise<void>
  /** Where a partition is to be read from that the group has committed nothing of; undefined: from its oldest record. */
  startOf(topic: string, partition: number): number | undefined
  /** It has partitions, again or for the first time. */
  joined(partitions: number): void
}

export interface GroupMember extends AsyncDisposable {
  /** Why it is no member any more; never before it is disposed of. Resolves at the latest then. */
  readonly ended: Promise<Error | undefined>
}

const REBALANCE_MS = 60_000
const MAX_WAIT_MS = 500
const MAX_BYTES_PER_PARTITION = 512 * 1024
const MOST_PARTITIONS_AT_ONCE = 1_000
const PER_SESSION = 3
const LONGEST_JOIN_MS = 3_000
const IDLE_MS = 50

/**
 * A member of the group. Its heartbeats go on while records wait to be taken, so that it keeps its partitions; when the
 * group is divided anew, or it is disposed of, what is under way ends and is committed before partitions go to others.
 */
export function joinGroup(kafka: Kafka, options: GroupOptions, deps: MemberDeps): GroupMember {
  const { groupId, topics, sessionMs = SESSION_MS, drainMs = DRAIN_MS } = options
  const beatMs = Math.floor(sessionMs / PER_SESSION)
  const consumer: Consumer = kafka.consumer({
    groupId,
    sessionTimeout: sessionMs,
    heartbeatInterval: beatMs,
    rebalanceTimeout: REBALANCE_MS,
    maxWaitTimeInMs: Math.min(MAX_WAIT_MS, beatMs),
    maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
    allowAutoTopicCreation: false,
    retry: RETRY,
  })
  const { promise: ended, resolve: end } = Promise.withResolvers<Error | undefined>()
  const stopping = new AbortController()
  const turns = new Set<Promise<void>>()
  const started = new Set<string>()
  /** Aborted once the group is to be divided anew. */
  let generation = new AbortController()

  consumer.on(consumer.events.CRASH, ({ payload: { error } }) => end(failureOf(error, groupId)))
  consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) => {
    generation = new AbortController()
    // The client asks anew what was committed, which may still be nothing
    started.clear()
    deps.joined(Object.values(memberAssignment).reduce((sum, { length }) => sum + length, 0))
  })

  /** A group that committed nothing begins where it is told, once; what it never saw is no loss. */
  const isBeforeStart = ({ batch: { topic, partition, messages } }: EachBatchPayload): boolean => {
    const key = `${topic} ${partition}`
    if (started.has(key)) return false
    started.add(key)
    const start = deps.startOf(topic, partition)
    if (start === undefined || Number(messages[0]?.offset) >= start) return false
    consumer.seek({ topic, partition, offset: String(start) })
    return true
  }

  const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
    // Fetched again at once otherwise, until the client has heard of it, too
    if (stopping.signal.aborted || generation.signal.aborted) return after(IDLE_MS)
    if (payload.isStale() || isBeforeStart(payload)) return
    const turn = beginTurn(payload, { closed: [stopping.signal, generation.signal], beatMs, drainMs })
    turn.failed.then(() => generation.abort()).catch(() => undefined)
    const { topic, partition } = payload.batch
    const taking = deps.take({ topic, partition, records: recordsOf(payload.batch) }, turn)
    const ending = turn.end(taking)
    const settled = ending.catch(() => undefined)
    turns.add(settled)
    try {
      await ending
    } finally {
      turns.delete(settled)
      // What failed may have been a connection only: then the group is as it was
      if (turns.size === 0 && generation.signal.aborted) generation = new AbortController()
    }
  }

  const running = (async () => {
    try {
      await consumer.connect()
      await consumer.subscribe({ topics: [...topics], fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: MOST_PARTITIONS_AT_ONCE,
        eachBatch,
      })
    } catch (error) {
      end(failureOf(error, groupId))
    }
  })()

  return {
    ended,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      // One that is about to join leaves once it has: else the group waits for it until its session is over
      await Promise.race([running, ended, after(LONGEST_JOIN_MS)])
      await Promise.all(turns)
      await consumer.disconnect().catch(() => undefined)
      end(undefined)
    },
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
