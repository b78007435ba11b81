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
  const bySet = new Map<string, C>()
  const root: Step<C> = { cell: undefined, next: new Map() }
  let remembered = 0

  const resolve = (labels: Labels): C => {
    const sorted = Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
    const isFull = bySet.size >= MAX_LABEL_SETS && !bySet.has(JSON.stringify(sorted))
    const kept = isFull ? OVERFLOW : sorted
    const key = JSON.stringify(kept)
    const cell = bySet.get(key) ?? create(Object.freeze({ ...kept }))
    bySet.set(key, cell)
    return cell
  }
  const remember = (labels: Labels, cell: C): void => {
    if (remembered++ >= 4 * MAX_LABEL_SETS) return
    let step = root
    for (const name in labels) step = stepTo(stepTo(step, name), labels[name] as string | number)
    step.cell = cell
  }
  return {
    of(labels = NO_LABELS) {
      let step: Step<C> | undefined = root
      for (const name in labels) step = step?.next.get(name)?.next.get(labels[name] as string | number)
      if (step?.cell !== undefined) return step.cell
      const cell = resolve(labels)
      remember(labels, cell)
      return cell
    },
    all: () => bySet.values(),
  }
}

/** A path of names and values in turn, as they are written: walking it hashes no new text. */
interface Step<C> {
  cell: C | undefined
  readonly next: Map<string | number, Step<C>>
}

function stepTo<C>(from: Step<C>, key: string | number): Step<C> {
  const step = from.next.get(key) ?? { cell: undefined, next: new Map() }
  from.next.set(key, step)
  return step
}
