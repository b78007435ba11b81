import type { CloudEvent } from '@sluice/cloudevents'
import type { SourceOutlet } from '@sluice/source-runtime'
import type { Change } from './change.ts'

export interface OutflowDeps {
  readonly outlet: Pick<SourceOutlet, 'publish'>
  readonly gate: Gate
  readonly signal: AbortSignal
  /** Undefined: nobody wants it. */
  readonly eventOf: (change: Change) => CloudEvent | undefined
}

/** Tells the changes: of one object one after the other, of others beside them. False when it was given up. */
export function outflow({
  outlet,
  gate,
  signal,
  eventOf,
}: OutflowDeps): (changes: readonly Change[]) => Promise<boolean> {
  return async (changes) => {
    const byObject = Map.groupBy(changes, ({ place: { namespace, name } }) => `${namespace}/${name}`)
    const told = [...byObject.values()].map((ofOne) =>
      gate(async () => {
        for (const change of ofOne) {
          const event = eventOf(change)
          if (event === undefined) continue
          if (signal.aborted || (await outlet.publish(event, signal)).outcome === 'aborted') return false
        }
        return true
      }),
    )
    return (await Promise.all(told)).every(Boolean)
  }
}

/** Runs what it is given, in the order given, so many at a time. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>

export function createGate(max: number): Gate {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= max) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
