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
  /** Receipts beyond those it takes, by id. */
  readonly duplicates: ReadonlyMap<string, number>
  /** Sum of `duplicates`. */
  readonly repeats: number
  /** Of `duplicates`, what is beyond the repeats allowed, by id. */
  readonly unexplained: ReadonlyMap<string, number>
  readonly disorder: readonly Disorder[]
}

/**
 * Compares the ids received with those sent. With `keyOf`, the first receipts of the ids of one key must keep the order
 * in which they were sent; repeats don't count for order, a late retry is not a disorder of its own. An id is to be
 * received `timesOf(id)` times (default 1; more where its receiver fails at first), and may be `allowedOf(id)` times more
 * (default 0).
 */
export function judge({
  sent,
  received,
  keyOf,
  timesOf = () => 1,
  allowedOf = () => 0,
}: {
  sent: Iterable<string>
  received: Iterable<string>
  keyOf?: (id: string) => string
  timesOf?: (id: string) => number
  allowedOf?: (id: string) => number
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
  const beyond = (extra: (id: string, n: number) => number) =>
    new Map([...receipts].flatMap(([id, n]) => (rank.has(id) && extra(id, n) > 0 ? [[id, extra(id, n)] as const] : [])))
  const duplicates = beyond((id, n) => n - timesOf(id))
  return {
    missing: [...rank.keys()].filter((id) => !receipts.has(id)),
    surplus,
    duplicates,
    repeats: [...duplicates.values()].reduce((sum, n) => sum + n, 0),
    unexplained: beyond((id, n) => n - timesOf(id) - allowedOf(id)),
    disorder,
  }
}
