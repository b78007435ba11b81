import type { Assignment } from './office/assignments.ts'
import type { ReplicaPlace, SourceReport } from './source-desk.ts'

/** What a replica asks about one of its rows. `term`: that of who holds it. */
export type SourceQuestion =
  | { readonly op: 'get'; readonly uid: string; readonly term: number; readonly key: string }
  | {
      readonly op: 'list'
      readonly uid: string
      readonly term: number
      readonly prefix: string
      readonly limit: number
      readonly after?: string | undefined
    }
  | {
      readonly op: 'put'
      readonly uid: string
      readonly term: number
      /** null removes. */
      readonly changes: readonly (readonly [key: string, value: string | null])[]
    }
  | {
      readonly op: 'report'
      readonly uid: string
      readonly term: number
      readonly hash: string
      readonly report: SourceReport
    }
  | {
      readonly op: 'remember'
      readonly uid: string
      readonly key: string
      readonly value: string
      readonly ttlMs: number
    }
  | { readonly op: 'secret'; readonly uid: string; readonly name: string }
  /** As `get`, of whoever holds it. */
  | { readonly op: 'read'; readonly uid: string; readonly key: string }

/** What the server says of itself: who holds what, and which Secrets are others than before. */
export interface SourceNews extends Assignment {
  /** By uid: changes with every Secret of the row. */
  readonly secrets: readonly (readonly [uid: string, version: string])[]
  /** Of the replica among those of its service; absent: as before. */
  readonly place?: ReplicaPlace
}

export interface SourceListener {
  news(news: SourceNews): void
  /** The server is there (again), and knows nothing of what this replica does. */
  connected(): void
}

/**
 * How a replica reaches the server: by function calls in one process, over HTTP otherwise. Each rejects with what the
 * server refused, or CONTRACT_UNREACHABLE.
 */
export interface SourceLine {
  /** This replica holds these under these terms, and takes more. */
  enlist(held: ReadonlyMap<string, number>): Promise<void>
  /** It takes no more, and gives back what it has, one by one. */
  resign(): Promise<void>
  released(uid: string, term: number): Promise<void>
  ask(question: SourceQuestion): Promise<unknown>
  /** One at a time. Calls `connected` at once where the server is there. */
  listen(listener: SourceListener): Disposable
}
