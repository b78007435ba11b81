import type { ChannelDriver, Entry } from '@sluice/channel'
import { laneKeyOf } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { decodeHttp } from '@sluice/cloudevents'
import { EventingError, failureOf } from '@sluice/errors'
import type { Journal } from '@sluice/journal'
import { brokerUnknown } from './address.ts'
import type { Admission } from './admission.ts'
import type { Broker, Brokers } from './brokers.ts'
import type { Exchange } from './in-flight.ts'
import type { MemoryBudget } from './memory-budget.ts'
import { transportHeaders } from './transport-headers.ts'

/** What an event costs in memory beside its data: attributes, headers, entry. Part of the memory bound. */
const EVENT_OVERHEAD_BYTES = 2048

export interface KeepDeps {
  readonly brokers: Brokers
  readonly driver: ChannelDriver
  readonly clock: Clock
  readonly memory: MemoryBudget
  readonly admit: Admission
  readonly maxHeaderBytes: number
  /** Told of each event that is stored, by this ingress. */
  readonly journal?: Journal | undefined
  readonly replica: string
}

/** Where the events of a request go; `broker` is undefined when its address names none. */
export interface Destination {
  readonly broker: Broker | 'unprogrammed' | undefined
  readonly traceparent: string | undefined
}

/**
 * Resolves once every event of a complete request is stored. All are checked before the first is stored; an empty
 * batch stores nothing. Takes over the body's share of the memory budget, and gives it back when the channel is done.
 * Rejects with CHANNEL_UNAVAILABLE when trying again may help; some of a batch may be stored then.
 */
export async function keep(exchange: Exchange, destination: Destination, deps: KeepDeps): Promise<void> {
  const { memory, clock, driver } = deps
  let held = bodyBytes(exchange)
  try {
    const { broker, entries } = admitAll(exchange, destination, deps)
    const overhead = entries.length * EVENT_OVERHEAD_BYTES
    memory.take(overhead)
    held += overhead
    if (entries.length === 0) return
    const since = clock.monotonic()
    exchange.storingSince = since
    const sinceMs = deps.journal && clock.now()
    const positions = await driver.publish(broker.log.channel, entries)
    if (deps.journal !== undefined) tell(deps.journal, broker, entries, positions, { ingress: deps.replica, sinceMs })
    if (!exchange.isAnswered) broker.events.stored(entries.length, clock.monotonic() - since)
  } catch (error) {
    if (exchange.storingSince === undefined || !driver.isRetryable(error)) throw error
    throw unavailable(driver.name, reasonOf(error), error)
  } finally {
    memory.give(held)
  }
}

function admitAll(exchange: Exchange, { broker, traceparent }: Destination, deps: KeepDeps) {
  const { request, body } = exchange
  const { events } = decodeHttp(request.rawHeaders, body)
  if (broker === undefined) throw brokerUnknown(request.url ?? '')
  if (broker === 'unprogrammed') throw notProgrammed()
  broker.gate.check()
  const bytesAtMost = deps.maxHeaderBytes + bodyBytes(exchange)
  const headers = transportHeaders(request.rawHeaders, traceparent)
  const stamp = deps.brokers.revision()
  const entries = events.map((event): Entry => {
    const admitted = deps.admit(event, broker.log.kind, bytesAtMost)
    return { event: admitted, headers, stamp, laneKey: laneKeyOf(admitted, broker.log.orderKey) }
  })
  return { broker, entries }
}

/** As of when storing began: the filter may have judged an event before its ingress knows that it is stored. */
function tell(
  journal: Journal,
  { log }: Broker,
  entries: readonly Entry[],
  positions: readonly string[],
  { ingress, sinceMs }: { readonly ingress: string; readonly sinceMs: number | undefined },
): void {
  for (const [index, { event, stamp = 0 }] of entries.entries()) {
    const position = positions[index] ?? ''
    journal.record('accepted', log.queues, event, { ingress, revision: stamp, position }, sinceMs)
  }
}

function bodyBytes({ body }: Exchange): number {
  return body === undefined ? 0 : body.length
}

function notProgrammed(): EventingError {
  return new EventingError(
    { code: 'CHANNEL_UNAVAILABLE', driver: '', reason: 'not programmed' },
    'what is behind this address is not there yet; try again',
  )
}

/** In the driver's words where it has some, as `disk full`. */
function reasonOf(error: unknown): string {
  const failure = failureOf(error)
  return failure.code === 'CHANNEL_UNAVAILABLE' ? failure.reason : failure.code
}

/** Told to the sender: try again. */
export function unavailable(driver: string, reason: string, cause?: unknown): EventingError {
  return new EventingError(
    { code: 'CHANNEL_UNAVAILABLE', driver, reason },
    `the channel can't take events now (${reason}); try again`,
    { cause },
  )
}
