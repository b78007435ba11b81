import type { TopicRecord } from './record.ts'

/** What the source needs of a Kafka client: a consumer group, whose members share the partitions of its topics. */
export interface RecordGroup extends AsyncDisposable {
  /** Of every partition. */
  places(): Promise<readonly Place[]>
  /** How many members it has, over all replicas. */
  members(): Promise<number>
  /** Adds a member, which reads until it is disposed of or ends. */
  join(deps: MemberDeps): Member
}

/** Rejects with SOURCE_ORIGIN_UNAVAILABLE. */
export type OpenGroup = (settings: GroupSettings) => Promise<RecordGroup>

export interface GroupSettings {
  /** As host:port. */
  readonly brokers: readonly string[]
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
    readonly user: string
    readonly password: string
  }
  /** PEM texts. Present, even empty: TLS is required. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}

/** Where a partition stands. */
export interface Place {
  readonly topic: string
  readonly partition: number
  /** Of the oldest record that is there, and behind the newest. */
  readonly low: number
  readonly high: number
  /** Of the group: the next record. Undefined: there is none, or it was forgotten. */
  readonly committed: number | undefined
}

export interface MemberDeps {
  /** Works on records of one partition, in ascending order. What it does not pass is handed out again, to this or another member. */
  take(batch: { readonly records: readonly TopicRecord[] }, turn: Turn): Promise<void>
  /** Where a partition is read from whose group has committed nothing; undefined: from its oldest record. */
  startOf(topic: string, partition: number): number | undefined
  /** It has partitions, again or for the first time. */
  joined(partitions: number): void
}

export interface Turn {
  /** Aborted: no further record is taken up. */
  readonly closing: AbortSignal
  /** Aborted: nobody waits for what is under way any more. */
  readonly aborted: AbortSignal
  /** Everything before `offset` has ended for good. */
  passed(offset: number): void
}

export interface Member extends AsyncDisposable {
  /** Why it is no member any more; undefined once it was disposed of. */
  readonly ended: Promise<Error | undefined>
}
