import type { ChannelDriver } from '@sluice/channel'
import type { ContractSource, DeliveryRow, Delta, IngressRow, LogRow, Row } from '@sluice/contract'
import { createChannels } from '@sluice/contract'
import type { BacklogGate } from './backlog-gate.ts'
import type { BrokerEvents, IngressEvents } from './events.ts'

/** An address that takes events, a broker's or a channel's, and the log they go to. */
export interface Broker {
  readonly row: IngressRow
  readonly log: LogRow
  readonly gate: BacklogGate
  readonly events: BrokerEvents
}

export interface BrokersDeps {
  readonly driver: ChannelDriver
  readonly contract: ContractSource
  readonly replica: string
  readonly events: IngressEvents
  readonly openGate: (rows: { log: () => LogRow; deliveries: () => Iterable<DeliveryRow> }) => BacklogGate
}

/** What the contract programmed: addresses, logs, bounds, and the revision that events are stamped with. */
export interface Brokers extends Disposable {
  /** By path without a trailing slash. 'unprogrammed': its log, or the contract itself, is not there yet. */
  at(path: string): Broker | 'unprogrammed' | undefined
  /** By name, as `IngressRow.host` has it. */
  atHost(host: string): Broker | 'unprogrammed' | undefined
  /** False: nothing is addressed by its Host. */
  hasHosts(): boolean
  revision(): number
  /** False until a first revision is complete. */
  programmed(): boolean
}

/** Channels made at once while programming. */
const CREATE_BATCH = 32

/**
 * Follows the contract. A revision is acknowledged once the channels of all its logs exist; when one can't be made the
 * others are programmed all the same, and the contract tries the revision again.
 */
export function followBrokers({ driver, contract, replica, events, openGate }: BrokersDeps): Brokers {
  const ingresses = new Map<string, IngressRow>()
  const logs = new Map<string, LogRow>()
  const deliveries = new Map<string, Map<string, DeliveryRow>>() // by channel, by uid
  const channelOf = new Map<string, string>() // of a delivery
  const gates = new Map<string, BacklogGate>()
  let paths = new Map<string, Broker | 'unprogrammed'>()
  let hosts = new Map<string, Broker | 'unprogrammed'>()
  let revision = 0
  let programmed = false

  const forgetDelivery = (uid: string) => {
    deliveries.get(channelOf.get(uid) ?? '')?.delete(uid)
    channelOf.delete(uid)
  }
  const putDelivery = (row: DeliveryRow) => {
    forgetDelivery(row.uid)
    channelOf.set(row.uid, row.channel)
    const rows = deliveries.get(row.channel) ?? new Map<string, DeliveryRow>()
    deliveries.set(row.channel, rows.set(row.uid, row))
  }
  const gateOf = (uid: string, first: LogRow): BacklogGate => {
    let gate = gates.get(uid)
    if (!gate) {
      const log = () => logs.get(uid) ?? first
      gate = openGate({ log, deliveries: () => deliveries.get(log().queues)?.values() ?? [] })
      gates.set(uid, gate)
    }
    return gate
  }
  const route = (row: IngressRow): Broker | 'unprogrammed' => {
    const log = logs.get(row.log)
    if (!log) return 'unprogrammed'
    const known = paths.get(row.path)
    if (typeof known === 'object' && known.row === row && known.log === log) return known
    return { row, log, gate: gateOf(log.uid, log), events: events.forLog(log) }
  }

  const apply = async (delta: Delta) => {
    const { put, removed } = delta
    const failures = await putLogs(put.logs)
    for (const uid of removed.logs) {
      logs.delete(uid)
      gates.get(uid)?.[Symbol.dispose]()
      gates.delete(uid)
    }
    for (const uid of removed.ingresses) ingresses.delete(uid)
    for (const uid of removed.deliveries) forgetDelivery(uid)
    for (const row of put.ingresses) ingresses.set(row.uid, row)
    for (const row of put.deliveries) putDelivery(row)
    if (touches(put.logs, removed.logs) || touches(put.ingresses, removed.ingresses)) {
      paths = new Map([...ingresses.values()].map((row) => [row.path, route(row)]))
      const hosted = [...ingresses.values()].flatMap(({ host, path }) => (host === undefined ? [] : [{ host, path }]))
      hosts = new Map(hosted.map(({ host, path }) => [host, paths.get(path) ?? 'unprogrammed']))
    }
    if (failures.length > 0) throw failures[0]
    revision = delta.revision
    programmed = true
  }
  const putLogs = async (rows: readonly LogRow[]): Promise<unknown[]> => {
    const failures: unknown[] = []
    for (let i = 0; i < rows.length; i += CREATE_BATCH) {
      const making = rows.slice(i, i + CREATE_BATCH).map(async (row) => {
        try {
          await createChannels(driver, row)
          logs.set(row.uid, row)
        } catch (error) {
          events.channelFailed(row, error)
          failures.push(error)
        }
      })
      await Promise.all(making)
    }
    return failures
  }

  const watching = contract.watch(replica, apply)
  return {
    // Before a first revision nobody can tell an unknown broker from one that is about to be known.
    at: (path) => paths.get(path) ?? (programmed ? undefined : 'unprogrammed'),
    atHost: (host) => hosts.get(host),
    hasHosts: () => hosts.size > 0,
    revision: () => revision,
    programmed: () => programmed,
    [Symbol.dispose]() {
      watching[Symbol.dispose]()
      for (const gate of gates.values()) gate[Symbol.dispose]()
    },
  }
}

function touches(put: readonly Row[], removed: readonly string[]): boolean {
  return put.length > 0 || removed.length > 0
}
