import type { Figures } from '../../bench.ts'

/** What was done to a group, and when; it lasts until the next. */
export interface Phase {
  readonly name: string
  readonly from: number
}

/** Of members' notes, a line per event: its number, when it was sent, when it came. */
export function rebalanceFigures(notes: readonly string[], phases: readonly Phase[], sent: number): Figures {
  const slowest = new Map(phases.map(({ name }) => [name, 0]))
  const repeats = new Map(phases.map(({ name }) => [name, 0]))
  const seen = new Set<number>()
  const arrivals = notes
    .flatMap((text) => text.split('\n').filter((line) => line !== ''))
    .map((line) => line.split(' ').map(Number) as [n: number, sentAt: number, at: number])
    .sort(([, , a], [, , b]) => a - b)
  for (const [n, sentAt, at] of arrivals) {
    const isRepeat = seen.has(n)
    seen.add(n)
    const phase = phases.findLast(({ from }) => (isRepeat ? at : sentAt) >= from)?.name
    if (phase === undefined) continue
    if (isRepeat) repeats.set(phase, (repeats.get(phase) ?? 0) + 1)
    else slowest.set(phase, Math.max(slowest.get(phase) ?? 0, at - sentAt))
  }
  return {
    lost: sent - seen.size,
    ...Object.fromEntries(
      phases.flatMap(({ name }) => [
        [`${name}Ms`, slowest.get(name) ?? 0],
        [`${name}Repeats`, repeats.get(name) ?? 0],
      ]),
    ),
  }
}
