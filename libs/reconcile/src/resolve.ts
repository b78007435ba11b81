import type { Contract, DeliveryRow, IngressRow, LogRow, RouteRow, Rows } from '@sluice/contract'
import type { Broker, Resource, Trigger } from '@sluice/resources'
import { effectiveDelivery } from '@sluice/resources'
import { type Condition, isFalse, isTrue, type ObjectStatus } from './conditions.ts'
import { withFormerTriggers } from './former-triggers.ts'
import { type AddressBook, addressBook } from './target.ts'
import type { Uids } from './uids.ts'

export interface ResolveInput {
  readonly resources: readonly Resource[]
  readonly uids: Uids
  /** The contract as it stands: where last good rows and `since` come from. */
  readonly former: Contract
  readonly services: Readonly<Record<string, string>>
  readonly ingressBase: string
  /** As others reach the ingress, where that differs. */
  readonly ingressUrl?: string | undefined
  readonly backlogMaxBytes: number
  readonly retention: LogRow['retention']
  /** ms since the epoch. */
  readonly now: number
  readonly parkedRetentionMs: number
}

export interface Resolved {
  readonly rows: Rows
  readonly statuses: readonly ObjectStatus[]
}

interface ProgrammedBroker {
  readonly broker: Broker
  readonly status: ObjectStatus
  readonly log: LogRow | undefined
}

/** Manifests to rows. Pure. What cannot be resolved keeps its last good rows if it has any, and says so. */
export function resolve(input: ResolveInput): Resolved {
  const book = addressBook(input)
  const of = <K extends Resource['kind']>(kind: K) =>
    input.resources
      .filter((resource): resource is Extract<Resource, { kind: K }> => resource.kind === kind)
      .sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1))
  const brokers = of('Broker').map((broker) => programBroker(broker, input, book))
  const byName = new Map(
    brokers.map((programmed) => [`${programmed.broker.namespace}/${programmed.broker.name}`, programmed]),
  )
  const former = {
    routes: new Map(input.former.routes.map((row) => [row.uid, row])),
    deliveries: new Map(input.former.deliveries.map((row) => [row.uid, row])),
    logs: new Set(input.former.logs.map((row) => row.uid)),
  }
  const triggers = of('Trigger').map((trigger) =>
    programTrigger(trigger, byName.get(`${trigger.namespace}/${trigger.broker}`), input, book, former),
  )
  const deliveries = triggers.flatMap(({ delivery }) => delivery ?? [])
  const logs = brokers.flatMap(({ log }) =>
    log === undefined ? [] : withFormerTriggers(log, { ...input, deliveries }),
  )
  return {
    rows: {
      logs,
      ingresses: logs.map(ingressOf),
      routes: triggers.flatMap(({ route }) => route ?? []),
      deliveries,
    },
    statuses: [...brokers, ...triggers].map(({ status }) => status),
  }
}

/**
 * A log is named by its Broker's uid: a Broker deleted and made again begins with an empty log. One whose dead letter
 * sink is missing from the start takes no events, as nobody could say where they may end.
 */
function programBroker(broker: Broker, input: ResolveInput, book: AddressBook): ProgrammedBroker {
  const { namespace, name, orderKey } = broker
  const uid = input.uids.of(broker)
  const former = input.former.logs.find((row) => row.uid === uid)
  const sink = deadLetterSink(broker.delivery?.deadLetterSink, namespace, book)
  const lanes = former?.lanes ?? broker.lanes
  const isProgrammed = sink.condition.status === 'True' || former !== undefined
  const place = `${namespace}/${name}/${uid}`
  const conditions = [
    isProgrammed ? isTrue('Addressable') : isFalse('Addressable', 'NoAddress', 'waits for its dead letter sink'),
    lanes === broker.lanes
      ? isTrue('TriggerChannelReady')
      : isFalse('TriggerChannelReady', 'LanesFixed', `sluice.dev/lanes stays ${lanes} for the life of the Broker`),
    sink.condition,
  ]
  return {
    broker,
    status: { kind: 'Broker', namespace, name, uid, isProgrammed, conditions },
    log: isProgrammed
      ? {
          ...{ uid, hash: '', kind: 'broker', namespace, name, channel: `log/${place}`, queues: `queues/${place}` },
          ...{ lanes, orderKey, retention: input.retention },
        }
      : undefined,
  }
}

function ingressOf({ uid, namespace, name }: LogRow): IngressRow {
  return { uid, hash: '', namespace, name, path: `/${namespace}/${name}`, log: uid }
}

interface FormerRows {
  readonly routes: ReadonlyMap<string, RouteRow>
  readonly deliveries: ReadonlyMap<string, DeliveryRow>
  readonly logs: ReadonlySet<string>
}

function programTrigger(
  trigger: Trigger,
  programmed: ProgrammedBroker | undefined,
  input: ResolveInput,
  book: AddressBook,
  former: FormerRows,
): { status: ObjectStatus; route: RouteRow | undefined; delivery: DeliveryRow | undefined } {
  const { namespace, name, filter, maxInFlight, strictReplies, order, suspend } = trigger
  const { ratePerSecond, dedupWindowMs } = trigger
  const uid = input.uids.of(trigger)
  const broker = programmed?.broker
  const log = programmed?.log
  const subscriber = book.resolve(trigger.subscriber, namespace)
  const sink = deadLetterSink(trigger.delivery?.deadLetterSink ?? broker?.delivery?.deadLetterSink, namespace, book)
  const conditions = [
    brokerReady(trigger, programmed),
    'problem' in subscriber
      ? isFalse('SubscriberResolved', 'SubscriberNotFound', subscriber.problem)
      : isTrue('SubscriberResolved'),
    sink.condition,
  ]
  const status = {
    kind: 'Trigger' as const,
    namespace,
    name,
    uid,
    broker: trigger.broker,
    isProgrammed: true,
    conditions,
  }
  const lastRoute = former.routes.get(uid)?.log === log?.uid ? former.routes.get(uid) : undefined
  if (log === undefined) return { status: { ...status, isProgrammed: false }, route: undefined, delivery: undefined }
  if ('problem' in subscriber || sink.condition.status !== 'True') {
    const delivery = lastRoute && former.deliveries.get(uid)
    return { status: { ...status, isProgrammed: delivery !== undefined }, route: lastRoute, delivery }
  }
  // a log that is new holds nothing older than its routes
  const since = lastRoute?.since ?? (former.logs.has(log.uid) ? input.former.revision + 1 : 0)
  return {
    status,
    route: { uid, hash: '', namespace, name, log: log.uid, filter, delivery: uid, since },
    delivery: {
      ...{ uid, hash: '', namespace, name, channel: log.queues, subscriber, replyLog: log.uid },
      ...(sink.target && { deadLetterSink: sink.target }),
      spec: effectiveDelivery(trigger.delivery, broker?.delivery),
      ...{ maxInFlight, strictReplies },
      ...(order !== 'none' && { order }),
      ...(suspend && { suspend }),
      ...(ratePerSecond !== undefined && { ratePerSecond }),
      ...(dedupWindowMs !== undefined && { dedupWindowMs }),
      backlogMaxBytes: trigger.backlogMaxBytes ?? broker?.backlogMaxBytes ?? input.backlogMaxBytes,
    },
  }
}

function brokerReady({ broker }: Trigger, programmed: ProgrammedBroker | undefined): Condition {
  if (programmed === undefined) return isFalse('BrokerReady', 'BrokerDoesNotExist', `Broker "${broker}" does not exist`)
  if (programmed.log !== undefined) return isTrue('BrokerReady')
  return isFalse('BrokerReady', 'BrokerNotReady', `Broker "${broker}" is not ready`)
}

function deadLetterSink(
  destination: Parameters<AddressBook['resolve']>[0] | undefined,
  namespace: string,
  book: AddressBook,
) {
  const type = 'DeadLetterSinkResolved'
  if (destination === undefined) return { condition: isTrue(type, 'DeadLetterSinkNotConfigured'), target: undefined }
  const target = book.resolve(destination, namespace)
  if ('problem' in target)
    return { condition: isFalse(type, 'DeadLetterSinkNotFound', target.problem), target: undefined }
  return { condition: isTrue(type), target }
}
