import type { AnySourceRow } from './sources/any-source-row.ts'

/**
 * The rows of the contract: flat, resolved, with defaults filled in. Nothing in the data plane reads a manifest.
 * A row is keyed by `uid`; `hash` is that of its content, so that equal rows are told apart from changed ones cheaply.
 */
export interface Row {
  readonly uid: string
  readonly hash: string
}

/** A Trigger that is gone; its queue may still hold events, parked or to be parked. */
export interface FormerTrigger {
  /** As its DeliveryRow's uid was. */
  readonly queue: string
  readonly name: string
  /** ms since the epoch. */
  readonly goneAt: number
}

/**
 * A log: what an ingress appends to. A broker's is read by the filter, a channel's by the dispatcher, once for all its
 * Subscriptions. Names are the port's channel names.
 */
export interface LogRow extends Row {
  readonly kind: 'broker' | 'channel'
  /** Which of the drivers side by side stores it; absent: the default one. */
  readonly driver?: string
  readonly namespace: string
  readonly name: string
  /** Channel of kind `log`. */
  readonly channel: string
  /** Channel of kind `queue` that holds the matches of all its routes, one logical queue each. */
  readonly queues: string
  readonly lanes: number
  /** The event attribute whose value keys the order; source+id where an event lacks it. */
  readonly orderKey: string
  readonly retention: { readonly maxAgeMs: number; readonly maxBytes: number }
  /** What it asks of the driver's backend: the name that others know the log by there, whose it is, how many copies. */
  readonly backend?: { readonly name?: string; readonly isExternal?: boolean; readonly replicas?: number }
  /** Oldest first, at most 1,000. */
  readonly formerTriggers?: readonly FormerTrigger[]
  /** Its source is gone, since then in ms since the epoch; it stays until it holds nothing. */
  readonly goneAt?: number
}

/**
 * Where events come in: `POST <path>` is stored into `log`. Paths are `/<namespace>/<name>` for a broker and
 * `/channels/<namespace>/<kind in lower case>/<name>` for a channel.
 */
export interface IngressRow extends Row {
  readonly namespace: string
  readonly name: string
  readonly path: string
  /** `<name>-kn-channel.<namespace>`, in lower case: requests for `/` with that Host, or below `.svc`, come in as well. */
  readonly host?: string
  readonly log: string
}

/** Legacy `filter.attributes`, or the list of `filters`, all of which must agree; both absent accepts everything. */
export interface FilterSpec {
  readonly attributes?: Readonly<Record<string, string>>
  readonly filters?: readonly FilterClause[]
}

/**
 * One clause, of one dialect. Only a clause of `filters` itself may have none, and accepts everything; `all`, `any` and
 * `not` hold others, `MAX_FILTER_DEPTH` levels in all.
 */
export interface FilterClause {
  readonly exact?: Readonly<Record<string, string>>
  readonly prefix?: Readonly<Record<string, string>>
  readonly suffix?: Readonly<Record<string, string>>
  readonly all?: readonly FilterClause[]
  readonly any?: readonly FilterClause[]
  readonly not?: FilterClause
  /** An expression in CESQL v1. */
  readonly cesql?: string
}

/** Which events of a log go to which delivery; that of a Subscription has the empty filter. `since`: events stamped with an older revision are not for this route. */
export interface RouteRow extends Row {
  readonly namespace: string
  readonly name: string
  readonly log: string
  readonly filter: FilterSpec
  readonly delivery: string
  readonly since: number
}

/** A delivery spec with every default applied; durations in milliseconds. */
export interface DeliverySpec {
  readonly retry: number
  readonly backoffPolicy: 'linear' | 'exponential'
  readonly backoffDelayMs: number
  readonly timeoutMs: number
  /** Longest `Retry-After` that is kept; absent or 0: the header is not looked at. */
  readonly retryAfterMaxMs?: number
  /** Longest back-off; absent: 24 hours. */
  readonly backoffMaxMs?: number
  /** Content mode of requests; absent: binary. */
  readonly format?: 'json' | 'binary'
}

/** An HTTP address, resolved. `internal`: one of this installation's own, so the event keeps its TTL. */
export interface Target {
  readonly url: string
  readonly internal: boolean
  /** PEM certificates trusted besides the system's, for this target alone. */
  readonly caCerts?: string
}

/** A logical queue and where it goes. `uid` is also the queue's name in `channel`. */
export interface DeliveryRow extends Row {
  readonly namespace: string
  readonly name: string
  /** The queue channel (LogRow.queues). */
  readonly channel: string
  readonly subscriber: Target
  /** Where a reply goes: appended to that log (`uid` of a LogRow), of a broker or a channel. */
  readonly replyLog?: string
  /** Or sent to that address; with neither, a reply is dropped. */
  readonly reply?: Target
  readonly deadLetterSink?: Target
  readonly spec: DeliverySpec
  /** Requests at once, of one dispatcher. */
  readonly maxInFlight: number
  /** What waits while an event fails: what has its order key, or its lane. Absent: nothing. */
  readonly order?: 'key' | 'lane'
  /** Requests per second, of one dispatcher. Absent: no bound. */
  readonly ratePerSecond?: number
  /** Nothing is sent. */
  readonly suspend?: true
  /** An event of the same source and id within this time is left out. Absent: none is. */
  readonly dedupWindowMs?: number
  /** Bytes that may wait; the ingress answers 429 beyond. */
  readonly backlogMaxBytes: number
  readonly strictReplies: boolean
}

export interface Rows {
  readonly logs: readonly LogRow[]
  readonly ingresses: readonly IngressRow[]
  readonly routes: readonly RouteRow[]
  readonly deliveries: readonly DeliveryRow[]
  /** Each is for the service of its kind alone; ingress, filter and dispatcher get none. */
  readonly sources: readonly AnySourceRow[]
}

/** The whole document. `epoch` and `revision` only rise, across restarts and leaders. */
export interface Contract extends Rows {
  readonly epoch: number
  readonly revision: number
  /**
   * The newest revision that changed more than sources, and the one that ingress, filter and dispatcher are told of;
   * absent: `revision`.
   */
  readonly routingRevision?: number
}

export type RowKind = keyof Rows

/** What changed between two revisions: whole rows in, uids out. */
export interface Delta {
  readonly epoch: number
  readonly revision: number
  readonly put: Rows
  readonly removed: Readonly<Record<RowKind, readonly string[]>>
}

/** Rows to put, by uid in place of those that are there, and uids to remove; a uid that is in both is put. */
export interface RowsEdit {
  readonly put: Partial<Rows>
  readonly removed: Partial<Record<RowKind, readonly string[]>>
}

/**
 * What a data plane role reads. `watch` calls back at once with everything as one delta, then once per change, in
 * order, never concurrently: the next delta waits for the returned promise, whose fulfilment acknowledges the
 * revision for this `replica`. A rejection is logged, not acknowledged, and tried again.
 */
export interface ContractSource {
  watch(replica: string, apply: (delta: Delta) => Promise<void> | void): Disposable
}
