/** A record as it lies in a topic. */
export interface TopicRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** ms since the epoch; negative: it has none. */
  readonly timestamp: number
  readonly key: Buffer | null
  /** Null: a tombstone. */
  readonly value: Buffer | null
  /** In their order; a name may be there more than once. */
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
}
