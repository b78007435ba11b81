import type { Delivery } from '@sluice/channel'
import type { DeliveryRow, LogRow } from '@sluice/contract'
import { failureOf } from '@sluice/errors'
import type { Counter, Histogram, Labels, Logger, Telemetry } from '@sluice/telemetry'
import type { Failure } from './verdict.ts'

type Handed = Pick<Delivery, 'event' | 'position' | 'attempt'>
type Bound = ReturnType<Counter['bind']>

/** The instruments and log lines that all deliveries of a dispatcher share. */
export interface DispatchTelemetry {
  readonly log: Logger
  readonly outcomes: Counter
  readonly replies: Counter
  readonly duration: Histogram
  readonly orphans: Counter
  readonly unsettled: Counter
  readonly slowdowns: Counter
  readonly circuits: Counter
  readonly ordersFull: Counter
}

export function dispatchTelemetry(telemetry: Telemetry): DispatchTelemetry {
  const counter = (name: string, description: string) => telemetry.counter(name, { description })
  return {
    log: telemetry.log,
    outcomes: counter('dispatch_outcomes_total', 'Hand-outs ended, by trigger and outcome'),
    replies: counter('dispatch_replies_total', 'Answers with a body, by trigger and what became of it'),
    duration: telemetry.histogram('kn.eventing.dispatch.duration', {
      description: 'Time from sending an event to its complete answer',
      unit: 's',
    }),
    orphans: counter('dispatch_orphans_total', 'Events parked because their trigger is gone'),
    unsettled: counter(
      'dispatch_unsettled_total',
      'Ends of deliveries that the channel did not store; the event is handed out again',
    ),
    slowdowns: counter('dispatch_slowdowns_total', 'Times a congested subscriber was given half as many requests'),
    circuits: counter(
      'dispatch_circuits_opened_total',
      'Times nothing was heard of a subscriber and its events waited',
    ),
    ordersFull: counter('dispatch_order_full_total', 'Times as many events of an ordered trigger waited as may'),
  }
}

/** How many triggers wait, read at each scrape. */
export function watchWaiting(
  telemetry: Telemetry,
  read: () => { readonly suspended: number; readonly unreachable: number },
): Disposable {
  const description = 'Triggers to which nothing is sent for now, by why'
  return telemetry.gauge('dispatch_triggers_waiting', { description }, () =>
    Object.entries(read()).map(([why, value]) => ({ value, labels: { why } })),
  )
}

/**
 * Everything that can happen to a delivery of one Trigger or Subscription, logged and counted. Counters are bound at first use: of ten
 * thousand triggers few are busy.
 */
export class DeliveryEvents {
  readonly #shared: DispatchTelemetry
  /** Its name, as labels and fields. */
  readonly #trigger: Readonly<Record<string, string>>
  readonly #durationLabels: Labels
  readonly #bound = new Map<string, Bound>()

  constructor(shared: DispatchTelemetry, { namespace, name }: DeliveryRow, of: LogRow['kind']) {
    const kind = of === 'broker' ? 'trigger' : 'subscription'
    this.#shared = shared
    this.#trigger = { namespace, [kind]: name }
    this.#durationLabels = { [`kn.${kind}.namespace`]: namespace, [`kn.${kind}.name`]: name }
  }

  answered(durationMs: number): void {
    this.#shared.duration.record(durationMs / 1_000, this.#durationLabels)
  }

  delivered(): void {
    this.#outcome('delivered')
  }

  released(): void {
    this.#outcome('released')
  }

  repeated(delivery: Handed): void {
    this.#outcome('repeated')
    this.#shared.log.debug(this.#facts(delivery), 'repeated event left out')
  }

  slowed(requests: number): void {
    this.#shared.slowdowns.add(1, this.#trigger)
    this.#shared.log.debug({ ...this.#trigger, requests }, 'subscriber is congested, fewer requests at once')
  }

  circuitOpened(): void {
    this.#shared.circuits.add(1, this.#trigger)
    this.#shared.log.warn(this.#trigger, 'nothing is heard of the subscriber, its events wait')
  }

  circuitClosed(): void {
    this.#shared.log.info(this.#trigger, 'the subscriber answers again')
  }

  suspended(isSuspended: boolean): void {
    this.#shared.log.info({ ...this.#trigger, isSuspended }, 'suspension of a trigger changed')
  }

  orderFull(waiting: number): void {
    this.#shared.ordersFull.add(1, this.#trigger)
    this.#shared.log.warn({ ...this.#trigger, waiting }, 'too many events wait for their turn, the others wait too')
  }

  deadLettered(delivery: Handed): void {
    this.#outcome('dead-lettered')
    this.#shared.log.info(this.#facts(delivery), 'event delivered to the dead letter sink')
  }

  retried(delivery: Handed, delayMs: number, failure: Failure): void {
    this.#outcome('retried')
    this.#shared.log.debug({ ...this.#facts(delivery, failure), delayMs }, 'delivery failed, will be tried again')
  }

  handedOn(delivery: Handed, failure: Failure): void {
    this.#outcome('handed-on')
    this.#shared.log.warn(this.#facts(delivery, failure), 'delivery failed for good, dead letter sink is next')
  }

  parked(delivery: Handed, reason: string, failure: Failure | undefined): void {
    this.#outcome('parked')
    this.#shared.log.warn({ ...this.#facts(delivery, failure), reason }, 'event parked')
  }

  /** A fault of ours, not of the subscriber. */
  brokeDown(delivery: Handed, error: unknown): void {
    this.#shared.log.error({ ...this.#facts(delivery), error }, 'delivering an event failed inside')
  }

  replyStored(): void {
    this.#reply('stored')
  }

  replySent(): void {
    this.#reply('sent')
  }

  replyNotSent(delivery: Handed, failure: Failure): void {
    this.#reply('not-sent')
    this.#shared.log.warn(this.#facts(delivery, failure), 'reply not sent')
  }

  replyRefused(delivery: Handed, error: unknown): void {
    this.#reply('refused')
    this.#shared.log.warn({ ...this.#facts(delivery), code: failureOf(error).code, error }, 'reply refused')
  }

  replyNotStored(delivery: Handed, error: unknown): void {
    this.#reply('not-stored')
    this.#shared.log.warn({ ...this.#facts(delivery), code: failureOf(error).code, error }, 'reply not stored')
  }

  replyNotAnEvent(delivery: Handed, status: number, bytes: number): void {
    this.#reply('not-an-event')
    this.#shared.log.info({ ...this.#facts(delivery), status, bytes }, 'response body is not a CloudEvent')
  }

  #facts({ event, position, attempt }: Handed, failure?: Failure): object {
    const [id, source] = [event.attributes?.get('id'), event.attributes?.get('source')]
    const facts = { ...this.#trigger, id, source, position, attempt }
    return failure === undefined ? facts : { ...facts, dest: failure.dest, status: failure.status }
  }

  #outcome(outcome: string): void {
    this.#count(outcome, this.#shared.outcomes, outcome)
  }

  #reply(outcome: string): void {
    this.#count(`reply ${outcome}`, this.#shared.replies, outcome)
  }

  #count(key: string, counter: Counter, outcome: string): void {
    let bound = this.#bound.get(key)
    if (bound === undefined) {
      bound = counter.bind({ ...this.#trigger, outcome })
      this.#bound.set(key, bound)
    }
    bound.add(1)
  }
}

/** What can happen beside the deliveries of a known trigger. */
export type DispatcherEvents = ReturnType<typeof dispatcherEvents>

export function dispatcherEvents({ log, orphans, unsettled }: DispatchTelemetry) {
  return {
    orphaned(queue: string, position: string) {
      orphans.add(1)
      log.info({ queue, position }, 'event parked, its trigger is gone')
    },
    unsettled({ queue, position }: Delivery, error: unknown) {
      unsettled.add(1)
      log.error({ queue, position, code: failureOf(error).code, error }, 'end of a delivery not stored')
    },
    interrupted(channel: string, delayMs: number, error: unknown) {
      log.warn({ channel, delayMs, error }, 'reading the queues was interrupted')
    },
  }
}
