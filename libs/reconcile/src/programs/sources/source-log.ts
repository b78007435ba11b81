import type { AnySourceRow, DeliverySpec, LogRow, Target } from '@sluice/contract'
import { triggerSettings } from '@sluice/resources/settings'
import type { GivenRows, OwnedRows } from '../../ledger/index.ts'

const LANES = 8

/** Where the events of a source come in whose sink has no log of this installation. */
export function sourceLogPath(kind: string, { namespace, name }: Place): string {
  return `/source-logs/${namespace}/${kind.toLowerCase()}/${name}`
}

interface Place {
  readonly namespace: string
  readonly name: string
}

export interface SourceLog extends Place {
  readonly uid: string
  readonly kind: AnySourceRow['kind']
  readonly retention: LogRow['retention']
  readonly backlogMaxBytes: number
  readonly sink: Target
  readonly deadLetterSink?: Target | undefined
  readonly spec: DeliverySpec
  readonly order: { readonly orderKey: string; readonly order: 'key' } | undefined
  /** As it was, if it was: lanes and the key of order stay. */
  readonly former: OwnedRows
}

/** A log of the source's own with one delivery: stored first, then sent on with retries, parked if all fail. */
export function sourceLogRows(given: SourceLog): Omit<GivenRows, 'source'> {
  const { uid, namespace, name, kind, retention, backlogMaxBytes, sink, deadLetterSink, spec, order, former } = given
  const place = { uid, namespace, name }
  const where = `${namespace}/${name}/${uid}`
  const settings = triggerSettings({})
  const [channel, queues] = [`log/${where}`, `queues/${where}`]
  return {
    log: {
      ...{ ...place, kind: 'channel', channel, queues, lanes: former.log?.lanes ?? LANES, retention },
      orderKey: former.log?.orderKey ?? order?.orderKey ?? 'partitionkey',
      ...(former.log?.driver !== undefined && { driver: former.log.driver }),
    },
    ingress: { ...place, path: sourceLogPath(kind, given), log: uid },
    route: { ...place, log: uid, filter: {}, delivery: uid },
    delivery: {
      ...{ ...place, channel: queues, subscriber: sink, spec, backlogMaxBytes },
      ...(deadLetterSink && { deadLetterSink }),
      ...('value' in settings ? settings.value : { maxInFlight: 1, strictReplies: false }),
      ...(order && { order: order.order }),
    },
  }
}
