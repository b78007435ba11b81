import type { Asked } from '@sluice/contract'
import type { OpenJournal } from './open-journal.ts'
import { byTime, type JournalRecord } from './record.ts'
import type { Wanted } from './scan.ts'

export const TOPIC = 'journal'
const OFF = { off: true }

/** What was found, and which replicas could not be asked or said nothing: their part is missing. */
export interface Found {
  readonly records: readonly JournalRecord[]
  readonly unanswered?: readonly {
    readonly replica: string
    readonly roles: readonly string[]
    readonly reason: string
  }[]
}

/** A replica's answer to the controller. Rejects for a question that is of another version. */
export async function answerWanted(journal: Pick<OpenJournal, 'find'> | undefined, about: unknown): Promise<object> {
  if (journal === undefined) return OFF
  return { records: await journal.find(wantedOf(about)) }
}

/** The journals of all replicas as one. Rejects with CONTRACT_QUESTIONS_FULL. */
export function findAtReplicas(
  ask: (topic: string, about: unknown) => Promise<Asked>,
): (wanted: Wanted) => Promise<Found> {
  return async (wanted) => {
    const { answers, unanswered: silent } = await ask(TOPIC, wanted)
    const kept: JournalRecord[] = []
    const unanswered = [...silent]
    for (const { replica, answer } of answers) {
      const { records, off } = (answer ?? {}) as { records?: readonly JournalRecord[]; off?: boolean }
      if (Array.isArray(records)) kept.push(...records)
      else unanswered.push({ replica, reason: off === true ? 'it keeps none: JOURNAL=off' : 'its answer is none' })
    }
    const records = kept.toSorted(byTime).slice(-wanted.limit)
    const named = unanswered.map(({ replica: { replica, roles }, reason }) => ({ replica, roles, reason }))
    return named.length > 0 ? { records, unanswered: named } : { records }
  }
}

function wantedOf(about: unknown): Wanted {
  const { id, queues, source, limit } = (about ?? {}) as Partial<Record<keyof Wanted, unknown>>
  const isOfThisVersion =
    typeof id === 'string' &&
    typeof queues === 'string' &&
    typeof limit === 'number' &&
    (source === undefined || typeof source === 'string')
  if (!isOfThisVersion) throw new TypeError('the question about the journal is of another version')
  return { id, queues, source, limit }
}
