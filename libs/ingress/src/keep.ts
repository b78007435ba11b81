import type { IncomingMessage } from 'node:http'
import type { Entry } from '@sluice/channel'
import type { CloudEvent } from '@sluice/cloudevents'
import { decodeHttp } from '@sluice/cloudevents'
import { EventingError } from '@sluice/errors'
import { brokerUnknown } from './address.ts'
import type { Broker, Brokers } from './brokers.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { Store } from './store.ts'
import { transportHeaders } from './transport-headers.ts'

/** What an event costs in memory beside its data: attributes, headers, entry. Part of the memory bound. */
const EVENT_OVERHEAD_BYTES = 2048

export interface KeepDeps {
  readonly brokers: Brokers
  readonly store: Store
  readonly memory: MemoryBudget
  readonly admit: (event: CloudEvent) => CloudEvent
}

/** A request whose body is complete; `broker` is undefined when its path names none. */
export interface Received {
  readonly request: IncomingMessage
  readonly body: Buffer | undefined
  readonly broker: Broker | 'unprogrammed' | undefined
  readonly traceparent: string | undefined
}

/**
 * Resolves once every event of the request is stored. All are checked before the first is stored; an empty batch
 * stores nothing. Takes over the body's share of the memory budget, and gives it back when the channel is done.
 */
export async function keep(received: Received, deps: KeepDeps): Promise<void> {
  const { memory, store } = deps
  let held = received.body?.length ?? 0
  let admitted: { broker: Broker; entries: readonly Entry[] }
  try {
    admitted = admitAll(received, deps)
    const overhead = admitted.entries.length * EVENT_OVERHEAD_BYTES
    memory.take(overhead)
    held += overhead
  } catch (error) {
    memory.give(held)
    throw error
  }
  const { broker, entries } = admitted
  if (entries.length === 0) {
    memory.give(held)
    return
  }
  await store(broker.log.channel, entries, (durationMs) => {
    memory.give(held)
    broker.events.stored(durationMs)
  })
  broker.events.accepted(entries.length)
}

function admitAll({ request, body, broker, traceparent }: Received, deps: KeepDeps) {
  const { events } = decodeHttp(request.rawHeaders, body)
  if (broker === undefined) throw brokerUnknown(request.url ?? '')
  if (broker === 'unprogrammed') throw notProgrammed()
  broker.gate.check()
  const headers = transportHeaders(request.headers, traceparent)
  const stamp = deps.brokers.revision()
  const entries = events.map((event): Entry => {
    const admitted = deps.admit(event)
    return { event: admitted, headers, stamp, laneKey: laneKeyOf(admitted, broker.log.orderKey) }
  })
  return { broker, entries }
}

/** Events of one key keep their order; those without one are spread by what makes them unique. */
function laneKeyOf({ attributes }: CloudEvent, orderKey: string): string {
  const key = attributes.get(orderKey)
  return key === undefined ? `${attributes.get('source')} ${attributes.get('id')}` : String(key)
}

function notProgrammed(): EventingError {
  return new EventingError(
    { code: 'CHANNEL_UNAVAILABLE', driver: '', reason: 'not programmed' },
    'the channel of this broker is not there yet; try again',
  )
}
