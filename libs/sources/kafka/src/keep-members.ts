import { type Clock, sleep } from '@sluice/clock'
import type { KafkaEvents } from './events.ts'
import type { MemberDeps, RecordGroup } from './record-group.ts'

export interface KeptMembersDeps extends Pick<MemberDeps, 'take' | 'startOf'> {
  readonly group: Pick<RecordGroup, 'join'>
  readonly clock: Clock
  /** Aborted: all leave. */
  readonly signal: AbortSignal
  readonly events: Pick<KafkaEvents, 'joined' | 'left'>
  /** For jitter, in [0, 1). */
  readonly random: () => number
  /** How many are members now; `error`: why one of the others is not. */
  changed(joined: number, error?: Error): void
}

export interface KeptMembers {
  /** From now on so many; those that are too many leave. */
  resize(count: number): void
  /** Resolves once all have left; not before `signal` is aborted. */
  ended(): Promise<void>
}

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 60_000
const JITTER = 0.2

/** Keeps as many members in the group as it is to have: one that falls out joins again, ever more seldom. */
export function keepMembers(deps: KeptMembersDeps): KeptMembers {
  const { group, clock, signal, events, random, take, startOf, changed } = deps
  const joined = new Set<number>()
  const fallen = new Map<number, Error>()
  const seats: { readonly leave: AbortController; readonly left: Promise<void> }[] = []
  const leaving = new Set<Promise<void>>()
  const tell = () => changed(joined.size, [...fallen.values()][0])

  const keep = async (number: number, over: AbortSignal): Promise<void> => {
    const left = new Promise<undefined>((resolve) => {
      if (over.aborted) resolve(undefined)
      over.addEventListener('abort', () => resolve(undefined), { once: true })
    })
    let failures = 0
    while (!over.aborted) {
      const member = group.join({
        ...{ take, startOf },
        joined(partitions) {
          failures = 0
          fallen.delete(number)
          joined.add(number)
          events.joined(number, partitions)
          tell()
        },
      })
      const error = await Promise.race([member.ended, left])
      await member[Symbol.asyncDispose]()
      joined.delete(number)
      if (over.aborted) break
      const delayMs = Math.min(FIRST_RETRY_MS * 2 ** failures++, LONGEST_RETRY_MS) * (1 + JITTER * random())
      if (error !== undefined) {
        fallen.set(number, error)
        events.left(number, delayMs, error)
      }
      tell()
      await sleep(clock, delayMs, over)
    }
    fallen.delete(number)
    if (!signal.aborted) tell()
  }
  tell()
  return {
    resize(count) {
      while (seats.length < count && !signal.aborted) {
        const leave = new AbortController()
        const left = keep(seats.length, AbortSignal.any([signal, leave.signal]))
        leaving.add(left)
        void left.then(() => leaving.delete(left))
        seats.push({ leave, left })
      }
      for (const { leave } of seats.splice(count)) leave.abort()
    },
    async ended() {
      await Promise.all(leaving)
    },
  }
}
