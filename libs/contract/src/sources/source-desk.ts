import type { SourceRow } from './source-row.ts'

/** What a source service has of the contract's server beside its rows. */
export interface SourceDesk<R extends SourceRow = SourceRow> {
  /**
   * Rows of the service's kind, each held by one replica at a time. `start` is called for each row that this replica is
   * given, anew with each change of it; what it answers is disposed of when the row goes, changes or is given to another.
   * With the server away who holds a row goes on: two may then run it, with the same ids.
   */
  hold(start: (held: HeldSource<R>) => Promise<AsyncDisposable>): AsyncDisposable
  /** Every row, in every replica: for what anyone may do, such as receive. */
  follow(start: (row: FollowedSource<R>) => Promise<AsyncDisposable>): AsyncDisposable
}

export interface FollowedSource<R extends SourceRow = SourceRow> {
  readonly row: R
  /** Aborted when the row goes or changes. */
  readonly signal: AbortSignal
  /** The value behind `row.secrets[name]`; in memory only. Rejects with SOURCE_SECRET_MISSING, retryable. */
  secret(name: string): Promise<string>
  /**
   * Keeps `value`, 4 KiB at most, under `key` for `ttlMs`, 7 days at most, where nothing is kept yet, for all replicas;
   * answers what is there now.
   * Rejects, retryable, while the server is away.
   */
  remember(key: string, value: string, ttlMs: number): Promise<string>
  /** What a holder has put under that key, as `SourceState`. Rejects, retryable, while the server is away. */
  read(key: string): Promise<string | undefined>
  /** Of this replica among those of its service, as the server said last; undefined before it said anything. */
  place(): ReplicaPlace | undefined
}

/** `rank` counts from 0 to `of` - 1. Two replicas may believe to have one rank for a moment. */
export interface ReplicaPlace {
  readonly rank: number
  readonly of: number
}

export interface HeldSource<R extends SourceRow = SourceRow> extends FollowedSource<R> {
  /** Rises with every hand-over of the row: what a former holder writes under an older one is refused. */
  readonly term: number
  readonly state: SourceState
  /** What the object's status says of it; replaces what was said before. */
  report(report: SourceReport): Promise<void>
}

/**
 * Survives hand-overs and restarts, with the object's uid; forgotten a day after the object. Rejects with SOURCE_NOT_HELD when
 * another has the row; with SOURCE_STATE_TOO_LARGE beyond 64 MiB, or SOURCE_STATE_MAX_BYTES; retryable with
 * SOURCE_STATE_UNAVAILABLE where the disk is full, CONTRACT_UNREACHABLE and CONTRACT_LEASE_UNKNOWN while the server is away.
 */
export interface SourceState {
  get(key: string): Promise<string | undefined>
  /** Keys with that prefix in ascending order, behind `after`, at most `limit`. */
  list(prefix: string, limit: number, after?: string): Promise<readonly (readonly [key: string, value: string])[]>
  /** All or nothing; undefined removes. Resolves once on disk. A value has 64 KiB at most, a put 1 MiB and 1,000 keys. */
  put(changes: Readonly<Record<string, string | undefined>>): Promise<void>
}

export interface SourceReport {
  /** Conditions of the kind that its service knows of, by type; absent ones are Unknown. */
  readonly conditions: Readonly<Record<string, SourceCondition>>
  /** Facts for the status, by the kind's own names: small, no secrets. */
  readonly facts?: Readonly<Record<string, string>>
}

export interface SourceCondition {
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason?: string
  readonly message?: string
}
