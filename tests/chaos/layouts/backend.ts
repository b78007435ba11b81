import type { ChannelDriver } from '@sluice/channel'
import type { Part } from './layout.ts'

/** What services apart meet in. */
export interface Backend extends AsyncDisposable {
  /** Of the layout. */
  readonly name: string
  /** Of every service. */
  readonly env: Readonly<Record<string, string>>
  /** Each that can be hit. None of those that others use, or that would lose what they must not: they are left alone. */
  readonly servers: readonly Pick<Part, 'name' | 'kill' | 'start' | 'startDoomed' | 'signal'>[]
  /** With every service stopped: what they left. */
  open(): Promise<ChannelDriver>
}

/** The default: a busy machine may stop a process for seconds, and who is silent for a lease loses its lanes. */
export const LEASE_MS = 10_000
