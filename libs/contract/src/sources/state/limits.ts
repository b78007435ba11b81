const KIB = 1024
const MIB = 1024 * KIB
const DAY_MS = 86_400_000

/** Bytes are those of keys and values in UTF-8. */
export interface StateLimits {
  readonly keyBytes: number
  readonly valueBytes: number
  /** Of one `put`. */
  readonly putBytes: number
  readonly putKeys: number
  /** Of all that a source keeps. */
  readonly sourceBytes: number
  /** Of all sources together, on disk. */
  readonly fileBytes: number
  /** Of one page of a list; its last entry may exceed it. */
  readonly pageBytes: number
  readonly pageKeys: number
  /** Of one value that is remembered. */
  readonly rememberedBytes: number
  /** That a source has remembered at once; beyond it the one that would expire first goes. */
  readonly remembered: number
  readonly longestTtlMs: number
  /** Of a report, as JSON. */
  readonly reportBytes: number
}

export const STATE_LIMITS: StateLimits = {
  ...{ keyBytes: 512, valueBytes: 64 * KIB, putBytes: MIB, putKeys: 1_000, sourceBytes: 64 * MIB },
  fileBytes: 4_096 * MIB,
  ...{ pageBytes: MIB, pageKeys: 1_000, rememberedBytes: 4 * KIB, remembered: 100_000, longestTtlMs: 7 * DAY_MS },
  reportBytes: 16 * KIB,
}
