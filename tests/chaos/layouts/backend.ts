import type { ChannelDriver } from '@sluice/channel'
import type { Part } from './layout.ts'

/** What services apart meet in. */
export interface Backend extends AsyncDisposable {
  /** Of the layout. */
  readonly name: string
  /** Of every service. */
  readonly env: Readonly<Record<string, string>>
  /** Undefined for one that others use, or that would lose what it must not: it is left alone. */
  readonly server: Pick<Part, 'name' | 'kill' | 'start' | 'startDoomed' | 'signal'> | undefined
  /** With every service stopped: what they left. */
  open(): Promise<ChannelDriver>
}

/** The default: a busy machine may stop a process for seconds, and who is silent for a lease loses its lanes. */
export const LEASE_MS = 10_000
