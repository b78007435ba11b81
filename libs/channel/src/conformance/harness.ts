import type { ChannelDriver } from '../port.ts'

/**
 * How a driver takes part in the suite. Every case uses channel names of its own, so cases may share a server; nothing
 * here assumes that driver and storage live in one process.
 */
export interface ConformanceHarness {
  /** A driver over the storage at hand. Called again within a case it finds what was stored, if storage `persists`. */
  open(): Promise<ChannelDriver>
  /** Before each case: storage of its own, for drivers that can make it cheaply. */
  readonly fresh?: () => Promise<void>
  /** After each case, when its drivers are closed. */
  readonly cleanUp?: () => Promise<void>
  /** What is stored outlives the driver that stored it. False skips what needs a restart. */
  readonly persists: boolean
  /** From now on storage is what kill -9 of the driver's process would leave; the next `open` gets that. */
  readonly crash?: (driver: ChannelDriver) => Promise<void>
  /** Restarts the server behind open drivers, which are expected to come back by themselves. */
  readonly restartServer?: () => Promise<void>
  /** Cuts a driver off from its server, as a network does; what it answers mends that. */
  readonly cut?: (driver: ChannelDriver) => Promise<() => Promise<void>>
  /** Lets `ms` pass on the driver's clock, firing what falls due. Absent: what needs minutes is skipped. */
  readonly elapse?: (ms: number) => Promise<void>
  /** The driver's wall clock, ms since the epoch. Default: this process'. */
  readonly now?: () => number
  /** How long the suite waits for what has to come, ms. Default 10,000. */
  readonly patienceMs?: number
  /** Entries of queues may be handed out before they are stored: while they are not, their position is ''. */
  readonly handsOutUnwritten?: boolean
  /** Events in the cases that speak of 10,000; a slow backend may take fewer. */
  readonly manyEvents?: number
  /** How cases begin that take too long over this backend to run each time: skipped, unless SLUICE_TESTS=all. */
  readonly onDemand?: readonly string[]
}

/** What a case can't do without. */
export type Need = 'persistent storage' | 'crash' | 'elapse' | 'server restart' | 'cut'

export function has(harness: ConformanceHarness, need: Need): boolean {
  if (need === 'persistent storage') return harness.persists
  if (need === 'crash') return harness.crash !== undefined
  if (need === 'cut') return harness.cut !== undefined
  if (need === 'elapse') return harness.elapse !== undefined
  return harness.restartServer !== undefined
}
