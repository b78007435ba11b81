import type { Labels } from './telemetry.ts'

/** More label sets than this in one instrument are a mistake of ours: the rest is summed under one label. */
export const MAX_LABEL_SETS = 2000
const NO_LABELS: Labels = Object.freeze({})
const OVERFLOW: Labels = Object.freeze({ otel_metric_overflow: 'true' })

export interface Cells<C> {
  of(labels: Labels | undefined): C
  all(): Iterable<C>
}

/** One cell per set of labels, whatever the order they are written in; at most MAX_LABEL_SETS and one for the rest. */
export function createCells<C>(create: (labels: Labels) => C): Cells<C> {
  const bySpelling = new Map<string, C>()
  const bySet = new Map<string, C>()
  const resolve = (labels: Labels): C => {
    const sorted = Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
    const isFull = bySet.size >= MAX_LABEL_SETS && !bySet.has(spelling(sorted))
    const kept = isFull ? OVERFLOW : sorted
    const cell = bySet.get(spelling(kept)) ?? create(Object.freeze({ ...kept }))
    bySet.set(spelling(kept), cell)
    return cell
  }
  return {
    of(labels = NO_LABELS) {
      const key = spelling(labels)
      const known = bySpelling.get(key)
      if (known !== undefined) return known
      const cell = resolve(labels)
      if (bySpelling.size < 4 * MAX_LABEL_SETS) bySpelling.set(key, cell)
      return cell
    },
    all: () => bySet.values(),
  }
}

function spelling(labels: Labels): string {
  let key = ''
  for (const name in labels) key += `${name}\u0000${labels[name]}\u0000`
  return key
}
