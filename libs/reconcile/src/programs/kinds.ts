import type { ApiTable, ServedVersion } from '@sluice/resources/api'

export const BROKER = 'Broker'
/** The kinds that are channels themselves: each object is a log, on this driver. Absent: the default one. */
export const LOG_CHANNELS: Readonly<Record<string, { readonly driver?: string }>> = {
  InMemoryChannel: {},
  KafkaChannel: { driver: 'kafka' },
  NatsJetStreamChannel: { driver: 'nats' },
}

/** Classes of Brokers that are ours, and the driver each means. */
export const BROKER_CLASSES: Readonly<Record<string, { readonly driver?: string }>> = {
  Sluice: {},
  MTChannelBasedBroker: {},
  Kafka: { driver: 'kafka' },
  NatsJetStreamBroker: { driver: 'nats' },
}

/** Kinds by name, at the version they are stored in. */
export type Kinds = (kind: string) => ServedVersion

export function kindsOf(table: ApiTable): { of: Kinds; all: readonly ServedVersion[] } {
  const all = table.served.filter(({ version }) => version.storage)
  const byName = new Map(all.map((served) => [served.kind.kind, served]))
  return { all, of: (kind) => byName.get(kind) as ServedVersion }
}

/** What can be referred to: every kind of ours, and Services. */
export function canBeReferredTo({ kind }: ServedVersion): boolean {
  return (kind.owner === 'sluice' && kind.scope === 'Namespaced') || (kind.group === '' && kind.kind === 'Service')
}

export function pathOf(kind: string, { namespace, name }: { namespace: string; name: string }): string {
  return kind === BROKER ? `/${namespace}/${name}` : `/channels/${namespace}/${kind.toLowerCase()}/${name}`
}
