import type { ChannelDriver } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import type { Telemetry } from '@sluice/telemetry'

/** What every driver is opened with besides its own variables. */
export interface DriverDeps {
  /** Of the service, for whoever looks at the backend. */
  readonly name: string
  /** Where a driver that stores locally does so; absent for services that need one that is shared. */
  readonly dataDir?: string
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** Where a service says what its channels are. */
export interface Declared {
  ready(name: string, check: () => string | undefined): unknown
  durable(level: Level | Readonly<Record<string, Level>>): void
}

type Level = ChannelDriver['capabilities']['durable']

/** All drivers that the configuration names, as one. Disposing closes them. */
export interface OpenedDrivers extends OpenedDriver {
  /** A check for each and the level of each, by name; of a single one under `channel` and as it is. */
  declare(to: Declared): void
}

/** Disposing closes the driver. */
export interface OpenedDriver extends AsyncDisposable {
  readonly driver: ChannelDriver
  /** Why the backend can't be used now; undefined when it can. */
  ready(): string | undefined
}
