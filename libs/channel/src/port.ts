import type { CloudEvent } from '@sluice/cloudevents'

/** Names one stored entry in its channel. Opaque: compare for equality only, order is the driver's business. */
export type Position = string

/** How well a stored entry survives: `process` kill -9, `disk` power loss, `replicas` the loss of a machine. */
export type Durability = 'process' | 'disk' | { readonly replicas: number }

/** What a driver can do. A demand beyond it is refused by whoever programs the channel, never ignored. */
export interface ChannelCapabilities {
  readonly durable: Durability
  /** A repeated `dedupKey` is recognised for at least this long. 0: not at all. */
  readonly dedupWindowMs: number
  /** Largest event, attributes and data as stored. */
  readonly maxEventBytes: number
  /** False: channels live and die with this process and no other process can reach them. */
  readonly shared: boolean
  /** `read` can start at a point in time. */
  readonly readFromTime: boolean
}

/**
 * A `log` keeps its entries until every subscription has passed them and retention lets them go. A `queue` holds
 * entries for one subscription under logical queue names and forgets each when it ends.
 */
export type ChannelKind = 'log' | 'queue'

export interface ChannelOptions {
  readonly kind: ChannelKind
  /** Fixed at creation. */
  readonly lanes: number
  /** Subscriptions whose unjudged entries retention must not cut. A queue has exactly one. */
  readonly subscriptions: readonly string[]
  /** Logs: applies only to what every subscription has passed. */
  readonly retention?: { readonly maxAgeMs: number; readonly maxBytes: number }
  /** Of several drivers side by side: which stores it, the default if absent. Read by `sideBySide`, no driver looks at it. */
  readonly driver?: string
  /** What it asks of the backend. A driver that can't give all of it rejects with CHANNEL_CONFLICT. */
  readonly backend?: BackendWishes
}

/** Of a log that other programs read or write at the backend itself, and of how its storage is made there. */
export interface BackendWishes {
  /** What the entries of a log lie under there. Absent: a name of the driver's own. */
  readonly name?: string
  /** It is there already and somebody else's: neither made nor cut nor removed, CHANNEL_UNKNOWN where it is missing. */
  readonly isExternal?: boolean
  /** Copies of what is made. Absent: as the driver was told. */
  readonly replicas?: number
}

/** An event and what travels with it, the same in a log, in a queue and parked. */
export interface Envelope {
  readonly event: CloudEvent
  /** Transport headers that go on to the subscriber (the pass-through list and trace context), names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Revision of the contract that the writer had programmed. */
  readonly stamp?: number | undefined
  /** The lane is its hash. Entries of one lane keep their order. */
  readonly laneKey: string
}

export interface Entry extends Envelope {
  /** Logical queue; required in a channel of kind `queue`. */
  readonly queue?: string
  /** Within the window a repeat stores nothing and answers the first one's position. */
  readonly dedupKey?: string
  /** Queues: not handed out before this wall-clock time, ms since the epoch. */
  readonly notBefore?: number
  /** Queues: the attempt it will be handed out as; 1 unless it was tried elsewhere. */
  readonly attempt?: number
  /** Queues: the consumer's own words about it, at most 4 KiB, handed out with it. */
  readonly note?: string
  /** Queues: stored as parked for this reason, handed out only after `redrive`. */
  readonly parked?: string
}

/** One hand-out. Exactly one of the four ends takes effect; a second end is swallowed. */
export interface Delivery extends Envelope {
  readonly position: Position
  /** Logical queue, '' in a log. */
  readonly queue: string
  readonly lane: number
  /** Requests made and failed so far, plus one. */
  readonly attempt: number
  /** Times handed out with no outcome, this one included. */
  readonly handOuts: number
  readonly note: string | undefined
  /** The key it was published with: the same on every hand-out, moved aside or not. */
  readonly dedupKey: string | undefined
  /** When it was stored, ms since the epoch. */
  readonly storedAt: number
  /** Done for good. May become durable a little later: a crash in between hands it out again. */
  ack(): Promise<void>
  /** The attempt failed: handed out again after `delayMs` with `attempt` + 1 and `note`. Resolves once stored. */
  nack(delayMs: number, note?: string): Promise<void>
  /** Given back uncounted: neither attempt nor hand-out. Without delay it keeps its place. Resolves once stored. */
  release(delayMs: number): Promise<void>
  /** Kept apart with the reason until an operator redrives or purges it, or parked retention ends. Resolves once stored. */
  park(reason: string, note?: string): Promise<void>
}

export interface SubscribeOptions {
  /** Entries handed out and not ended, over all queues. */
  readonly maxInFlight: number
  /** The same in bytes of event. */
  readonly maxInFlightBytes: number
  /**
   * Queues: how many entries of this logical queue may be out at once; 0 holds them where they are. Asked before each
   * hand-out; call `wake` when an answer grew. What waits counts no hand-outs. Absent: no limit per queue.
   */
  readonly window?: (queue: string) => number
}

/** Batches of hand-outs, each lane in order. Iterated by one consumer; ends when its signal aborts. */
export interface Subscription extends AsyncIterable<readonly Delivery[]> {
  wake(queue: string): void
}

export interface Stored extends Envelope {
  readonly position: Position
  readonly queue: string
  readonly storedAt: number
}

export interface Parked extends Stored {
  readonly reason: string
  readonly parkedAt: number
  readonly attempt: number
  readonly note: string | undefined
  /** A listing goes on behind it, also when it is gone meanwhile. Opaque. */
  readonly cursor: string
}

/** Oldest first, at most `limit`, behind the entry with that cursor; or those that are named and still there. */
export type ParkedQuery =
  | { readonly queue?: string; readonly after?: string; readonly limit: number }
  | { readonly positions: readonly Position[] }

/** Where a log begins now. Retention cuts nothing but beginnings: behind its oldest entry there are no gaps. */
export interface Beginning {
  readonly oldest: { readonly position: Position; readonly storedAt: number } | undefined
  /** Earlier entries were there and are gone. */
  readonly isCut: boolean
}

/** What waits for a subscription: not handed out, or handed out and not ended. Parked entries do not count. */
export interface Backlog {
  readonly events: number
  readonly bytes: number
}

/**
 * A backend of logs and queues. Retry policy, dead letters, filters and tracing live above it, once.
 * Every method may be called concurrently. Rejections are EventingError; `isRetryable` tells which may pass.
 */
export interface ChannelDriver extends AsyncDisposable {
  readonly name: string
  readonly capabilities: ChannelCapabilities
  /** Of one channel, where they differ from one to another; absent: `capabilities`. */
  readonly capabilitiesOf?: (channel: string) => ChannelCapabilities
  /** Makes the channel or finds it. A different kind or lane count is CHANNEL_CONFLICT; retention is updated. */
  create(channel: string, options: ChannelOptions): Promise<void>
  /** Rejects as `create` would now for what is, or is not, at the backend, and makes nothing. Absent: there is nothing to look at. */
  readonly check?: (channel: string, options: ChannelOptions) => Promise<void>
  /** Removes the channel and everything in it. Unknown is no error. */
  remove(channel: string): Promise<void>
  /**
   * Resolves once every entry is stored as `capabilities.durable` says, with a position each, in order. All or, on
   * rejection, possibly some. Does not retry. An aborted `signal` stops waiting, not storing.
   */
  publish(channel: string, entries: readonly Entry[], signal?: AbortSignal): Promise<readonly Position[]>
  /**
   * Consumes as `subscription`. A lane belongs to one consumer at a time; what is not ended when `signal` aborts goes
   * to the others, or is handed out at the next `subscribe`, uncounted.
   */
  subscribe(channel: string, subscription: string, options: SubscribeOptions, signal: AbortSignal): Subscription
  /**
   * Everything stored from a position (inclusive) or time on, oldest first; ends at the newest. Parked excluded. From a
   * position that is gone it begins with the next; from one that no entry can have there is nothing.
   */
  read(channel: string, from: Position | Date | 'oldest', signal: AbortSignal): AsyncIterable<Stored>
  /** Of a log. */
  beginning(channel: string): Promise<Beginning>
  /** Of one logical queue, or of all the subscription's. */
  backlog(channel: string, subscription: string, queue?: string): Promise<Backlog>
  parked(channel: string, query: ParkedQuery): Promise<readonly Parked[]>
  /** How many are parked: of one logical queue, or in all. Costs far less than listing them. */
  parkedCount(channel: string, queue?: string): Promise<number>
  /** Hands parked entries out again as attempt 1. Answers how many were there. */
  redrive(channel: string, positions: readonly Position[]): Promise<number>
  /** Deletes parked entries: those named, or those parked before a time. Answers how many. */
  purge(
    channel: string,
    which: { readonly positions: readonly Position[] } | { readonly queue?: string; readonly parkedBefore: Date },
  ): Promise<number>
  isRetryable(error: unknown): boolean
}
