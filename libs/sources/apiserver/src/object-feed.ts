import type { WatchLine } from '@sluice/kubernetes'
import type { ApiObject } from '@sluice/resources/api'

/** The objects of one resource, in one namespace or in all, as an API server has them. Everything throws as `Requests`. */
export interface ObjectFeed {
  /** A page of what there is now; `continue` of the page before for the next. */
  list(next: string | undefined, signal: AbortSignal): Promise<ObjectPage>
  /** What happened after `version`: first nothing, once it is open, then what came at a time. Read as it is taken. */
  watch(version: string, signal: AbortSignal): AsyncIterable<readonly WatchLine[]>
}

export interface ObjectPage {
  readonly items: readonly ApiObject[]
  /** Holds for all pages. */
  readonly version: string
  readonly next?: string | undefined
}

/** The server ends a watch then; it is taken up where it ended. */
export const WATCH_MS = 60_000
