import type { Clock } from '@sluice/clock'
import type { LogRow } from '@sluice/contract'
import type { ApiTable } from '@sluice/resources/api'
import type { KafkaSecret } from '@sluice/resources/settings'
import type { ResourceClient } from '../api/resource-client.ts'
import type { Ledger } from '../ledger/index.ts'
import type { Secrets } from '../secrets.ts'
import type { SourceStandings } from './sources/standings.ts'

/** Where this installation's ingress is. */
export interface IngressAddresses {
  /** As its own services reach it. */
  internal(): string
  /** As others reach it; what statuses say. */
  external(): string
  changed(listener: () => void): Disposable
}

/** The drivers that this installation runs. */
export interface Drivers {
  /** Of a channel that names none. */
  readonly default: string
  has(name: string): boolean
  /** What to do so that it runs: names the setting. */
  fix(name: string): string
  /** Of a log that says nothing of them; absent: 8. */
  lanes?(name: string | undefined): number
  /** How this installation reaches Kafka; absent: it does not. */
  readonly kafka?: KafkaConnection
}

export interface KafkaConnection {
  /** `host:port` each, in lower case. */
  readonly brokers: readonly string[]
  /** What of the Secret is not as this installation has it, each by the names of both and without a value. */
  differences(secret: KafkaSecret): readonly string[]
}

/** A log that is to be programmed. */
export type WantedLog = Pick<LogRow, 'channel' | 'driver' | 'lanes' | 'retention' | 'backend'>

export interface ProgramsDeps {
  readonly client: ResourceClient
  readonly table: ApiTable
  readonly ledger: Ledger
  readonly clock: Clock
  readonly addresses: IngressAddresses
  readonly drivers: Drivers
  /** URLs by `namespace/name`, for Services that nobody made. */
  readonly services: Readonly<Record<string, string>>
  /** Present in a cluster, where every Service has a host name: its domain, such as `cluster.local`. */
  readonly clusterDomain?: string
  /** Where ConfigMaps with defaults are. Absent: knative-eventing. */
  readonly systemNamespace?: string
  /** What the services of sources say; absent: this installation has none. */
  readonly standings?: SourceStandings
  /** Where the world reaches the receivers of sources, such as those of webhooks; absent: nobody said. */
  readonly receiversUrl?: string
  /** Rejects where the backend could not give the log what it asks for. Absent: nobody looks. */
  readonly checkLog?: (log: WantedLog) => Promise<void>
  /** Where the Secrets are that ConfigMaps refer to. */
  readonly secrets?: Pick<Secrets, 'read'>
  readonly backlogMaxBytes: number
  readonly retention: LogRow['retention']
}
