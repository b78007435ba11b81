import { type Clock, sleep } from '@sluice/clock'
import type { KafkaEvents } from './events.ts'
import type { MemberDeps, RecordGroup } from './record-group.ts'

export interface KeptMembersDeps extends Pick<MemberDeps, 'take' | 'startOf'> {
  readonly group: Pick<RecordGroup, 'join'>
  readonly count: number
  readonly clock: Clock
  /** Aborted: all leave. */
  readonly signal: AbortSignal
  readonly events: Pick<KafkaEvents, 'joined' | 'left'>
  /** For jitter, in [0, 1). */
  readonly random: () => number
  /** How many are members now; `error`: why one of the others is not. */
  changed(joined: number, error?: Error): void
}

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 60_000
const JITTER = 0.2

/** Keeps as many members in the group as it is to have: one that falls out joins again, ever more seldom. */
export function keepMembers(deps: KeptMembersDeps): { readonly ended: Promise<unknown> } {
  const { group, count, clock, signal, events, random, take, startOf, changed } = deps
  const joined = new Set<number>()
  const fallen = new Map<number, Error>()
  const tell = () => changed(joined.size, [...fallen.values()][0])
  const left = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })

  const keep = async (number: number): Promise<void> => {
    let failures = 0
    while (!signal.aborted) {
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
      if (signal.aborted) return
      const delayMs = Math.min(FIRST_RETRY_MS * 2 ** failures++, LONGEST_RETRY_MS) * (1 + JITTER * random())
      if (error !== undefined) {
        fallen.set(number, error)
        events.left(number, delayMs, error)
      }
      tell()
      await sleep(clock, delayMs, signal)
    }
  }
  tell()
  return { ended: Promise.all(Array.from({ length: count }, (_, number) => keep(number))) }
}
