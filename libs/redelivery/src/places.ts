import type { Parked, Position } from '@sluice/channel'
import { type Contract, type DeliveryRow, type LogRow, logOf, type RouteRow } from '@sluice/contract'
import { EventingError } from '@sluice/errors'

export type Rows = Pick<Contract, 'logs' | 'routes' | 'deliveries'> & Partial<Pick<Contract, 'ingresses'>>

/** Where parked events of a broker lie: in a queue of a trigger, or in its log, where filtering failed. */
export interface Place {
  readonly where: 'queue' | 'log'
  readonly channel: string
  /** Absent: all queues of the channel. */
  readonly queue?: string
}

/** A trigger by its queue. */
export interface Owner {
  readonly name: string
  /** Undefined: it is gone. */
  readonly delivery: DeliveryRow | undefined
}

/** All places of a broker, or those of a trigger, in force or gone, under its name. Throws TRIGGER_UNKNOWN. */
export function placesOf(rows: Rows, log: LogRow, trigger: string | undefined): readonly Place[] {
  if (trigger === undefined)
    return [
      { where: 'queue', channel: log.queues },
      { where: 'log', channel: log.channel },
    ]
  const queues = [...ownersOf(rows, log)].filter(([, { name }]) => name === trigger).map(([queue]) => queue)
  if (queues.length === 0) throw triggerUnknown(log.namespace, trigger, 'this broker has, and lately had, no trigger')
  return queues.map((queue) => ({ where: 'queue', channel: log.queues, queue }))
}

/** Every queue of a broker that has a name, those of triggers that are gone first. */
export function ownersOf({ deliveries }: Rows, log: LogRow): ReadonlyMap<string, Owner> {
  const gone = (log.formerTriggers ?? []).map(({ queue, name }) => [queue, { name, delivery: undefined }] as const)
  const inForce = deliveries
    .filter(({ channel }) => channel === log.queues)
    .map((delivery) => [delivery.uid, { name: delivery.name, delivery }] as const)
  return new Map<string, Owner>([...gone, ...inForce])
}

/** The queue to which events of a trigger of that name go now; undefined where none is in force. */
export function namesakeOf(owners: ReadonlyMap<string, Owner>, name: string): DeliveryRow | undefined {
  for (const { name: each, delivery } of owners.values()) if (each === name && delivery !== undefined) return delivery
  return undefined
}

/** A trigger in force. Throws BROKER_UNKNOWN, TRIGGER_UNKNOWN. */
export function triggerOf(
  rows: Rows,
  { namespace, broker, trigger }: { readonly namespace: string; readonly broker: string; readonly trigger: string },
): { readonly log: LogRow; readonly route: RouteRow; readonly delivery: DeliveryRow } {
  const log = logOf(rows, namespace, broker)
  const route = rows.routes.find((row) => row.log === log.uid && row.name === trigger)
  const delivery = rows.deliveries.find(({ uid }) => uid === route?.delivery)
  if (route !== undefined && delivery !== undefined) return { log, route, delivery }
  throw triggerUnknown(namespace, trigger, 'this broker has in force no trigger')
}

export function triggerUnknown(namespace: string, trigger: string, problem: string): EventingError {
  const name = `${namespace}/${trigger}`
  return new EventingError({ code: 'TRIGGER_UNKNOWN', trigger: name }, `${problem} ${name}`)
}

/** How a parked event is known outside: positions of a log and of its queues may be the same. */
export function keyOf({ where }: Place, { position }: Pick<Parked, 'position'>): string {
  return `${where === 'queue' ? 'q' : 'l'}${position}`
}

/** Undefined where it is no key. */
export function readKey(key: string): { readonly where: Place['where']; readonly position: Position } | undefined {
  const [, where, position = ''] = /^([ql])([\w-]{1,100})$/.exec(key) ?? []
  if (where === undefined) return undefined
  return { where: where === 'q' ? 'queue' : 'log', position }
}
