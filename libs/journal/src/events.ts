import type { Clock } from '@sluice/clock'
import type { Telemetry } from '@sluice/telemetry'

const LOGGED_EVERY_MS = 60_000

export type JournalEvents = ReturnType<typeof journalEvents>

/** What can happen to records; drops are logged at most once a minute, with how many there were since. */
export function journalEvents({ telemetry, clock }: { readonly telemetry: Telemetry; readonly clock: Clock }) {
  const written = telemetry
    .counter('journal_records_written_total', { description: 'Records handed to the disk' })
    .bind({})
  const dropped = telemetry.counter('journal_records_dropped_total', {
    description: 'Records not kept: the buffer was full, or the disk refused; the events are not affected',
  })
  let loggedAt = Number.NEGATIVE_INFINITY
  let unsaid = 0
  return {
    written: (records: number) => written.add(records),
    dropped(records: number, reason: 'buffer-full' | 'write-failed', error?: unknown) {
      dropped.add(records, { reason })
      unsaid += records
      if (clock.monotonic() - loggedAt < LOGGED_EVERY_MS) return
      loggedAt = clock.monotonic()
      telemetry.log.warn({ reason, records: unsaid, error }, 'journal records dropped')
      unsaid = 0
    },
  }
}
