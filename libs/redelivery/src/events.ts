import type { Parked } from '@sluice/channel'
import { failureOf } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'
import type { JobFacts, JobKind, JobState, Tally } from './jobs.ts'

/** What operators had done, each logged and counted in one place. */
export type RedeliveryEvents = ReturnType<typeof redeliveryEvents>

type OfBroker = Pick<JobFacts, 'id' | 'kind' | 'namespace' | 'broker'>

export function redeliveryEvents(telemetry: Telemetry) {
  const events = telemetry.counter('redelivery_events_total', {
    description: 'Events redriven, purged or replayed, intended: an operator asked for it',
  })
  const count = ({ kind, namespace, broker }: OfBroker, done: number) =>
    events.add(done, { kind: kind satisfies JobKind, namespace, broker })
  return {
    started(facts: JobFacts) {
      telemetry.log.info(facts, 'job started')
    },
    ended(facts: JobFacts, state: JobState, tally: Tally, error: unknown) {
      const { examined, matched, done, failed, left, at } = tally
      const fields = { ...facts, state, examined, matched, done, failed, left, at }
      if (error === undefined) telemetry.log.info(fields, 'job ended')
      else telemetry.log.error({ ...fields, code: failureOf(error).code, error }, 'job ended')
    },
    redriven(job: OfBroker, done: number) {
      count(job, done)
    },
    replayed(job: OfBroker, done: number) {
      count(job, done)
    },
    /** Each that ends for good is named. */
    purged(job: OfBroker, entries: readonly Parked[], done: number) {
      count(job, done)
      const { id: jobId, namespace, broker } = job
      const named = entries.map(({ event, position, reason }) => {
        const [id, source] = [event.attributes.get('id'), event.attributes.get('source')]
        return { id, source, position, reason }
      })
      telemetry.log.warn({ job: jobId, namespace, broker, events: done, named }, 'parked events purged')
    },
    notStored({ id: jobId, namespace, broker }: OfBroker, position: string, error: unknown) {
      telemetry.log.error(
        { job: jobId, namespace, broker, position, error },
        'event not replayed, the channel refuses it',
      )
    },
  }
}
