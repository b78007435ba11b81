import type { PingSourceRow } from '@sluice/contract'
import { failureOf } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'

/** Everything that can happen to the ticks of one source, beside what happens to their events. */
export type TickEvents = ReturnType<typeof tickEvents>

export function tickEvents(telemetry: Pick<Telemetry, 'log' | 'counter'>, { namespace, name }: PingSourceRow) {
  const { log } = telemetry
  const labels = { namespace, name }
  const skipped = telemetry.counter('source_ticks_skipped_total', {
    description: 'Ticks left out, intended: nobody ran the source then, or too many waited',
  })
  return {
    skipped(count: number, fields: { readonly from: string; readonly to: string; readonly missed: string }) {
      skipped.add(count, labels)
      log.warn({ ...labels, count, ...fields }, 'ticks of a source are left out')
    },
    madeUp(count: number, fields: { readonly from: string; readonly to: string }) {
      log.info({ ...labels, count, ...fields }, 'ticks of a source are late and run now')
    },
    neverDue(schedule: string) {
      log.warn({ ...labels, schedule }, 'the schedule of a source is never due')
    },
    setBack(done: string) {
      log.warn({ ...labels, done }, 'the clock was set back over an hour, the schedule begins anew')
    },
    notSaved(error: unknown) {
      log.debug({ ...labels, code: failureOf(error).code, error }, 'progress of a source is not saved yet')
    },
    handedOver() {
      log.info(labels, 'another replica has the source, it stops here')
    },
  }
}
