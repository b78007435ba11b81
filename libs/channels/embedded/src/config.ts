import type { Clock } from '@sluice/clock'
import type { Logger } from '@sluice/telemetry'

export interface EmbeddedOptions {
  /** Folder that holds `channel.db`; made if missing. `:memory:` keeps everything in this thread, for tests. */
  readonly dataDir: string
  readonly clock: Clock
  readonly log: Logger
  /** Bytes of events handed from memory before a slow reader is sent to the file. */
  readonly tipBytes?: number
}

export const DRIVER_NAME = 'embedded'
export const DEFAULT_TIP_BYTES = 8 * 1024 * 1024
/** Largest event; the ingress' own bound is far below. */
export const MAX_EVENT_BYTES = 64 * 1024 * 1024
/** Keys live in two generations that swap this often, so each is known for one to two of them. */
export const DEDUP_WINDOW_MS = 10 * 60_000
/** Commits start at least this far apart while batches are small. */
export const COMMIT_WINDOW_MS = 1
export const SMALL_BATCH = 16
/** Acknowledgements wait this long for a commit to ride on. */
export const ACK_DELAY_MS = 5
export const RETENTION_INTERVAL_MS = 10_000
/** After a failed commit, publishes are refused for this long; acknowledgements try again. */
export const UNAVAILABLE_MS = 1_000
/** Kept free for acknowledgements and the checkpoint when the disk is full. */
export const RESERVE_BYTES = 8 * 1024 * 1024
