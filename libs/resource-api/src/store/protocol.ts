import type { StoreFault } from './faults.ts'

/** A state of an object, kept until the history has passed it and it is not the newest. `object` null: it is gone. */
export interface Row {
  readonly rv: number
  /** Milliseconds since the epoch. */
  readonly at: number
  /** `brokers.eventing.knative.dev`. */
  readonly resource: string
  /** `namespace/name`, or the name. */
  readonly key: string
  readonly object: string | null
}

/** What the history has passed: rows nobody can ask for any more. */
export interface Compaction {
  readonly upTo: number
  readonly rows: readonly number[]
}

export type Request =
  | { readonly op: 'open'; readonly path: string }
  | { readonly op: 'load'; readonly after: number }
  | { readonly op: 'commit'; readonly rows: readonly Row[]; readonly compaction: Compaction | undefined }
  | { readonly op: 'close' }

export interface Opened {
  /** Changes up to this one are not told any more. */
  readonly compacted: number
}

export type Reply = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly fault: StoreFault }
