/** One thing that came before another of the same key although it was sent after it. */
export interface Disorder {
  readonly key: string
  readonly id: string
  readonly after: string
}

/** What became of the ids sent. Lists keep the order of `sent`, or of arrival for `surplus` and `disorder`. */
export interface Verdict {
  /** Sent, never received. */
  readonly missing: readonly string[]
  /** Received, never sent. */
  readonly surplus: readonly string[]
  /** Receipts beyond the first, by id. */
  readonly duplicates: ReadonlyMap<string, number>
  /** Sum of `duplicates`. */
  readonly repeats: number
  readonly disorder: readonly Disorder[]
}

/**
 * Compares the ids received with those sent. With `keyOf`, the first receipts of the ids of one key must keep the order
 * in which they were sent; repeats don't count for order, a late retry is not a disorder of its own.
 */
export function judge({
  sent,
  received,
  keyOf,
}: {
  sent: Iterable<string>
  received: Iterable<string>
  keyOf?: (id: string) => string
}): Verdict {
  const rank = new Map<string, number>()
  for (const id of sent) if (!rank.has(id)) rank.set(id, rank.size)
  const receipts = new Map<string, number>()
  const surplus: string[] = []
  const disorder: Disorder[] = []
  const furthest = new Map<string, string>()
  for (const id of received) {
    const before = receipts.get(id) ?? 0
    receipts.set(id, before + 1)
    const own = rank.get(id)
    if (own === undefined) {
      surplus.push(id)
    } else if (before === 0 && keyOf !== undefined) {
      const key = keyOf(id)
      const last = furthest.get(key)
      if (last !== undefined && own < (rank.get(last) ?? 0)) disorder.push({ key, id, after: last })
      else furthest.set(key, id)
    }
  }
  const duplicates = new Map([...receipts].filter(([id, n]) => n > 1 && rank.has(id)).map(([id, n]) => [id, n - 1]))
  return {
    missing: [...rank.keys()].filter((id) => !receipts.has(id)),
    surplus,
    duplicates,
    repeats: [...duplicates.values()].reduce((sum, n) => sum + n, 0),
    disorder,
  }
}
