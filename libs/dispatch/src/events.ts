import type { DeliveryRow } from '@sluice/contract'
import { failureOf } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'
import type { Failure } from './verdict.ts'

/** Everything that can happen to a delivery of one trigger: counters bound to its name, and the log line. */
export type DeliveryEvents = ReturnType<typeof deliveryEvents>

export function deliveryEvents(telemetry: Telemetry, row: DeliveryRow) {
  const trigger = { namespace: row.namespace, trigger: row.name }
  const { log } = telemetry
  const outcome = (name: string) =>
    lazily(() => telemetry.counter(OUTCOMES.name, OUTCOMES).bind({ ...trigger, outcome: name }))
  const reply = (name: string) =>
    lazily(() => telemetry.counter(REPLIES.name, REPLIES).bind({ ...trigger, outcome: name }))
  const [delivered, retried, handedOn] = [outcome('delivered'), outcome('retried'), outcome('handed-on')]
  const [deadLettered, parked, released] = [outcome('dead-lettered'), outcome('parked'), outcome('released')]
  const [stored, refused, discarded] = [reply('stored'), reply('refused'), reply('not-an-event')]
  const duration = telemetry.histogram(DURATION.name, DURATION)
  const labels = { 'kn.trigger.namespace': row.namespace, 'kn.trigger.name': row.name }
  const facts = (failure: Failure) => ({ ...trigger, dest: failure.dest, status: failure.status })
  return {
    answered: (durationMs: number) => duration.record(durationMs / 1000, labels),
    delivered: () => delivered().add(1),
    deadLettered(position: string) {
      deadLettered().add(1)
      log.info({ ...trigger, position }, 'event delivered to the dead letter sink')
    },
    retried(position: string, delayMs: number, failure: Failure) {
      retried().add(1)
      log.debug({ ...facts(failure), position, delayMs }, 'delivery failed, will be tried again')
    },
    handedOn(position: string, failure: Failure) {
      handedOn().add(1)
      log.warn({ ...facts(failure), position }, 'delivery failed for good, dead letter sink is next')
    },
    parked(position: string, reason: string, failure: Failure | undefined) {
      parked().add(1)
      log.warn({ ...(failure ? facts(failure) : trigger), position, reason }, 'event parked')
    },
    released: () => released().add(1),
    replyStored: () => stored().add(1),
    replyRefused(error: unknown) {
      refused().add(1)
      log.warn({ ...trigger, code: failureOf(error).code, problem: String(error) }, 'reply refused')
    },
    replyNotStored(error: unknown) {
      log.warn({ ...trigger, code: failureOf(error).code, problem: String(error) }, 'reply not stored')
    },
    /** A fault of ours, not of the subscriber. */
    brokeDown(position: string, error: unknown) {
      log.error({ ...trigger, position, error: String(error) }, 'delivering an event failed inside')
    },
    replyNotAnEvent(status: number, bytes: number) {
      discarded().add(1)
      log.debug({ ...trigger, status, bytes }, 'response body is not a CloudEvent')
    },
  }
}

/** What can happen beside the deliveries of a known trigger. */
export function dispatcherEvents({ log, counter }: Telemetry) {
  const orphaned = counter('dispatch_orphans_total', {
    description: 'Events parked because their trigger is gone',
  })
  const unsettled = counter('dispatch_unsettled_total', {
    description: 'Ends of deliveries that the channel did not store; the event is handed out again',
  })
  return {
    orphaned(queue: string, position: string) {
      orphaned.add(1)
      log.info({ queue, position }, 'event parked, its trigger is gone')
    },
    unsettled(queue: string, position: string, error: unknown) {
      unsettled.add(1)
      log.error({ queue, position, code: failureOf(error).code, error: String(error) }, 'end of a delivery not stored')
    },
    interrupted(channel: string, delayMs: number, error: unknown) {
      log.warn({ channel, delayMs, error: String(error) }, 'reading the queues was interrupted')
    },
  }
}

const OUTCOMES = { name: 'dispatch_outcomes_total', description: 'Hand-outs ended, by trigger and outcome' }
const REPLIES = { name: 'dispatch_replies_total', description: 'Answers with a body, by trigger and what became of it' }
const DURATION = {
  name: 'kn.eventing.dispatch.duration',
  description: 'Time from sending an event to its complete answer',
  unit: 's',
}

/** Ten thousand triggers of which few are in use must not cost ten thousand cells of each kind. */
function lazily<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
