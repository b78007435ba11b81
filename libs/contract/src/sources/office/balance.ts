export interface Balance {
  /** For each free row in turn, which member gets it. */
  readonly give: readonly number[]
  /** For each member, how many rows it is to give back. */
  readonly takeBack: readonly number[]
}

/**
 * Spreads rows over members so that no two differ by more than one, moving only what must move. `loads`: rows of each
 * member that it keeps; `coming`: rows that will be free once their former holder lets go.
 */
export function balance(loads: readonly number[], free: number, coming: number): Balance {
  const total = loads.reduce((sum, load) => sum + load, 0) + free + coming
  const base = Math.floor(total / loads.length)
  const ranked = loads.map((load, i) => ({ load, i })).toSorted((a, b) => b.load - a.load || a.i - b.i)
  const quota: number[] = []
  // who has most keeps the odd ones
  ranked.forEach(({ i }, rank) => {
    quota[i] = rank < total % loads.length ? base + 1 : base
  })
  const takeBack = loads.map((load, i) => Math.max(0, load - (quota[i] ?? 0)))
  const room = loads.map((load, i) => Math.max(0, (quota[i] ?? 0) - load))
  const give: number[] = []
  for (let to = room.indexOf(Math.max(...room)); give.length < free && (room[to] ?? 0) > 0; ) {
    give.push(to)
    room[to] = (room[to] ?? 0) - 1
    to = room.indexOf(Math.max(...room))
  }
  return { give, takeBack }
}
