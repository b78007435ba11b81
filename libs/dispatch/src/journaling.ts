import type { Delivery } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { destOf, type Facts, type Journal } from '@sluice/journal'
import { type Outcome, reasonOf } from './ends.ts'
import type { Stage } from './note.ts'
import type { Destination } from './program.ts'
import type { Verdict } from './verdict.ts'

type Told = Pick<Facts['attempt'], 'status' | 'dest' | 'replyId' | 'reason'>

/** Starts the time of a hand-out; what it returns writes down how it ended. Undefined where no journal is kept. */
export function journaling(
  delivery: Delivery,
  stage: Stage,
  { row, subscriber, deadLetterSink }: Destination,
  { journal, clock }: { readonly journal?: Journal | undefined; readonly clock: Clock },
): ((outcome: Outcome, told: Told) => void) | undefined {
  if (journal === undefined) return undefined
  const startedAt = clock.monotonic()
  return (outcome, told) => {
    const to = stage.at
    const durationMs = Math.round((clock.monotonic() - startedAt) * 10) / 10
    const dest = destOf(told.dest ?? (to === 'subscriber' ? subscriber.url : (deadLetterSink?.url ?? '')))
    const facts = { trigger: row.name, to, attempt: stage.retries + 1, outcome, durationMs, ...told, dest }
    journal.record('attempt', row.channel, delivery.event, facts)
  }
}

export function factsOf(outcome: Outcome, verdict: Verdict, stage: Stage): Told {
  if (verdict.outcome === 'aborted') return {}
  if (verdict.outcome === 'delivered') {
    const { status, replyId } = verdict
    return replyId === undefined ? { status } : { status, replyId }
  }
  const { status, dest } = verdict.failure
  return outcome === 'parked' ? { status, dest, reason: reasonOf(stage, verdict.isReply) } : { status, dest }
}
