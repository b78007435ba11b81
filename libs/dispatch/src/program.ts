import type { Clock } from '@sluice/clock'
import type { DeliveryRow, Delta, LogRow } from '@sluice/contract'
import { type Endpoint, endpointOf } from '@sluice/sender'
import { DeliveryEvents, type DispatchTelemetry } from './events.ts'
import { Gate } from './gate/gate.ts'
import { WaitingRoom } from './gate/line.ts'

/** A delivery row, prepared for sending. A request under way keeps the one it started with. */
export interface Destination {
  readonly row: DeliveryRow
  readonly subscriber: Endpoint
  readonly deadLetterSink: Endpoint | undefined
  /** Where a reply is sent; undefined: to `row.replyLog`, or nowhere. */
  readonly reply: Endpoint | undefined
  readonly events: DeliveryEvents
  /** The same one for all rows of a uid. */
  readonly gate: Gate
}

export interface ReplyLog {
  readonly row: LogRow
  /** Where one would post to it. */
  readonly address: string
}

export interface ProgramDeps {
  readonly telemetry: DispatchTelemetry
  /** Where the ingress is reached, without a slash at the end; '' if unknown. */
  readonly ingressUrl: string
  readonly adopt: (endpoint: Endpoint) => void
  readonly forget: (endpoint: Endpoint) => void
  readonly clock: Clock
  /** The window of a queue may have grown. */
  readonly wake: (channel: string, queue: string) => void
}

/** What ordered triggers of a broker may have waiting in hand: half of what the dispatcher takes at once by default. */
const WAITING_ROOM = { events: 2_048, bytes: 2 ** 25 }

/** What the contract says about deliveries, in force. */
export class Program {
  readonly #deps: ProgramDeps
  readonly #destinations = new Map<string, Destination>()
  readonly #rooms = new Map<string, WaitingRoom>()
  readonly #logs = new Map<string, LogRow>()
  /** By queue channel. */
  readonly #kinds = new Map<string, LogRow['kind']>()
  readonly #paths = new Map<string, { readonly log: string; readonly path: string }>()
  /** By log: uids of its addresses. */
  readonly #addresses = new Map<string, Set<string>>()
  #revision = -1

  constructor(deps: ProgramDeps) {
    this.#deps = deps
  }

  /** -1 before the first contract. */
  get revision(): number {
    return this.#revision
  }

  destination(queue: string): Destination | undefined {
    return this.#destinations.get(queue)
  }

  replyLog(uid: string): ReplyLog | undefined {
    const row = this.#logs.get(uid)
    if (row === undefined) return undefined
    const [ingress = ''] = this.#addresses.get(uid) ?? []
    const path = this.#paths.get(ingress)?.path ?? `/${row.namespace}/${row.name}`
    return { row, address: this.#deps.ingressUrl + path }
  }

  /** All rows at once. Answers the queues whose answers may have changed, by their channel. */
  apply({ revision, put, removed }: Delta): readonly { readonly channel: string; readonly queue: string }[] {
    const changed: { channel: string; queue: string }[] = []
    for (const row of put.logs) {
      this.#logs.set(row.uid, row)
      this.#kinds.set(row.queues, row.kind)
    }
    for (const uid of removed.logs) {
      const queues = this.#logs.get(uid)?.queues ?? ''
      this.#rooms.delete(queues)
      this.#kinds.delete(queues)
      this.#logs.delete(uid)
    }
    for (const uid of removed.ingresses) this.#forgetAddress(uid)
    for (const { uid, log, path } of put.ingresses) {
      this.#forgetAddress(uid)
      this.#paths.set(uid, { log, path })
      this.#addresses.set(log, (this.#addresses.get(log) ?? new Set()).add(uid))
    }
    for (const row of put.deliveries) {
      const old = this.#destinations.get(row.uid)
      if (old?.row.hash === row.hash) continue
      this.#put(row, old)
      changed.push({ channel: row.channel, queue: row.uid })
    }
    for (const uid of removed.deliveries) {
      const old = this.#destinations.get(uid)
      if (old === undefined) continue
      this.#destinations.delete(uid)
      this.#forget(old)
      old.gate.close()
      changed.push({ channel: old.row.channel, queue: uid })
    }
    this.#revision = revision
    return changed
  }

  /** Triggers to which nothing is sent for now, by why. */
  waiting(): { readonly suspended: number; readonly unreachable: number } {
    let [suspended, unreachable] = [0, 0]
    for (const { row, gate } of this.#destinations.values()) {
      if (row.suspend === true) suspended += 1
      else if (gate.isHeld) unreachable += 1
    }
    return { suspended, unreachable }
  }

  /** Nothing waits in hand any more. */
  close(): void {
    for (const { gate } of this.#destinations.values()) gate.close()
  }

  #forgetAddress(uid: string): void {
    const log = this.#paths.get(uid)?.log ?? ''
    const addresses = this.#addresses.get(log)
    addresses?.delete(uid)
    if (addresses?.size === 0) this.#addresses.delete(log)
    this.#paths.delete(uid)
  }

  /** The new endpoints are adopted before the old are forgotten, so that kept connections stay. */
  #put(row: DeliveryRow, old: Destination | undefined): void {
    const { telemetry, adopt } = this.#deps
    const subscriber = endpointOf(row.subscriber, row, 'subscriber')
    const sink = row.deadLetterSink
    const deadLetterSink = sink && endpointOf(sink, row, 'dead-letter-sink')
    const reply = row.reply && endpointOf(row.reply, row, 'reply')
    const events = new DeliveryEvents(telemetry, row, this.#kinds.get(row.channel) ?? 'broker')
    const gate = old?.gate ?? this.#gate(row, events)
    if (old !== undefined) gate.change(row, events)
    this.#destinations.set(row.uid, { row, subscriber, deadLetterSink, reply, events, gate })
    adopt(subscriber)
    if (deadLetterSink !== undefined) adopt(deadLetterSink)
    if (reply !== undefined) adopt(reply)
    if (old !== undefined) this.#forget(old)
  }

  #gate(row: DeliveryRow, events: DeliveryEvents): Gate {
    const { clock, wake } = this.#deps
    let room = this.#rooms.get(row.channel)
    if (room === undefined) {
      room = new WaitingRoom(WAITING_ROOM)
      this.#rooms.set(row.channel, room)
    }
    return new Gate(row, events, { clock, room, wake: () => wake(row.channel, row.uid) })
  }

  #forget({ subscriber, deadLetterSink, reply }: Destination): void {
    this.#deps.forget(subscriber)
    if (deadLetterSink !== undefined) this.#deps.forget(deadLetterSink)
    if (reply !== undefined) this.#deps.forget(reply)
  }
}
