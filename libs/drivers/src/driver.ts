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

/** Disposing closes the driver. */
export interface OpenedDriver extends AsyncDisposable {
  readonly driver: ChannelDriver
  /** Why the backend can't be used now; undefined when it can. */
  ready(): string | undefined
}
