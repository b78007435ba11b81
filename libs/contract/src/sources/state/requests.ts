/** What is asked of the file. `term`: refused unless it is the newest of that source. */
export type StateRequest =
  | { readonly op: 'grant'; readonly terms: readonly (readonly [uid: string, term: number])[] }
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
  | { readonly op: 'report'; readonly uid: string; readonly term: number; readonly report: string }
  | {
      readonly op: 'remember'
      readonly uid: string
      readonly key: string
      readonly value: string
      /** Milliseconds since the epoch. */
      readonly now: number
      readonly until: number
    }
  /** The rows of these are gone since then; null: they are there. */
  | { readonly op: 'mark'; readonly uids: readonly string[]; readonly goneAt: number | null }
  | { readonly op: 'forget'; readonly uids: readonly string[] }

/** What the file has of a source when it is opened. */
export interface KeptSource {
  readonly uid: string
  readonly term: number
  readonly bytes: number
  readonly report: string | null
  readonly goneAt: number | null
}

export type StateReply =
  | { readonly ok: true; readonly value?: unknown }
  | { readonly ok: false; readonly refused: 'term' }
  | { readonly ok: false; readonly refused: 'size'; readonly bytes: number; readonly maxBytes: number }

/** What SQLite says of a failed operation: its extended code and its words. */
export interface StateFault {
  readonly errcode: number
  readonly message: string
}

export type Handled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: StateFault }
