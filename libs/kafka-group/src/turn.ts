import type { EachBatchPayload } from 'kafkajs'
import { isRebalance } from './failure.ts'
import type { Turn } from './member.ts'

export interface TurnOptions {
  /** Each ends it. */
  readonly closed: readonly AbortSignal[]
  readonly beatMs: number
  readonly drainMs: number
}

export interface RunningTurn extends Turn {
  /** Resolves when the group does not know this member any more, or does not answer. */
  readonly failed: Promise<void>
  /** Commits what was passed once `taking` is over; rejects with what the client has to know. */
  end(taking: Promise<void>): Promise<void>
}

/** A batch is left after that, and fetched again from where it was left: other partitions of the broker wait for it. */
const TURN_MS = 1_000
const COMMIT_MS = 250
const MOST_COMMITS = 3
const COMMIT_RETRY_MS = 200

/** Heartbeats and commits while a batch is worked on. */
export function beginTurn(payload: EachBatchPayload, { closed, beatMs, drainMs }: TurnOptions): RunningTurn {
  const { batch, heartbeat, resolveOffset, commitOffsetsIfNecessary } = payload
  const { topic, partition } = batch
  const { promise: failed, resolve: tellFailed } = Promise.withResolvers<void>()
  const [over, aborted] = [new AbortController(), new AbortController()]
  let failure: unknown
  let passed: number | undefined
  let committed: number | undefined
  let committing: Promise<void> | undefined
  let draining: NodeJS.Timeout | undefined

  const fail = (error: unknown) => {
    failure ??= error
    over.abort()
    tellFailed()
  }
  const commit = async (): Promise<void> => {
    await committing
    const offset = passed
    if (offset === undefined || offset === committed) return
    committing = commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset: String(offset) }] }] })
      .then(() => {
        committed = offset
      })
      .finally(() => {
        committing = undefined
      })
    await committing
  }
  const commitAtLast = async (): Promise<void> => {
    for (let tries = 1; ; tries++) {
      try {
        return await commit()
      } catch (error) {
        if (isRebalance(error) || tries === MOST_COMMITS) return fail(error)
        await new Promise((resolve) => setTimeout(resolve, COMMIT_RETRY_MS))
      }
    }
  }

  const close = () => {
    over.abort()
    draining ??= setTimeout(() => aborted.abort(), drainMs)
  }
  for (const signal of closed) {
    if (signal.aborted) close()
    signal.addEventListener('abort', close, { once: true })
  }
  over.signal.addEventListener('abort', () => failure !== undefined && close(), { once: true })
  const turn = setTimeout(() => over.abort(), TURN_MS)
  const beats = setInterval(() => void heartbeat().catch(fail), beatMs)
  const commits = setInterval(() => void commit().catch((error) => isRebalance(error) && fail(error)), COMMIT_MS)

  return {
    closing: over.signal,
    aborted: aborted.signal,
    failed,
    passed(offset) {
      passed = offset
    },
    async end(taking) {
      try {
        await taking
      } finally {
        clearTimeout(turn)
        clearInterval(commits)
        await commitAtLast()
        if (passed !== undefined) resolveOffset(String(passed - 1))
        clearInterval(beats)
        clearTimeout(draining)
        for (const signal of closed) signal.removeEventListener('abort', close)
      }
      if (failure !== undefined) throw failure
    },
  }
}
