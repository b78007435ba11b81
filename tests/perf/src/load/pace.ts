import { monotonicMs } from './monotonic.ts'

/**
 * When the generator may send: `answers` as soon as a connection is free; `window` while fewer than `size` events are
 * on their way to the sink; `rate` at equal distances whether or not anything came back; `watch` never (the process
 * under test makes the load itself).
 */
export type Pacing =
  | { readonly kind: 'answers' }
  | { readonly kind: 'window'; readonly size: number }
  | { readonly kind: 'rate'; readonly perSecond: number }
  | { readonly kind: 'watch' }

export interface Pace {
  /** The scheduled time of the next send if it may happen now. */
  next(): number | undefined
  /** An event ended: it reached the sink, or was refused. */
  ended(): void
}

export function makePace(pacing: Pacing): Pace {
  if (pacing.kind === 'answers') return { next: monotonicMs, ended() {} }
  if (pacing.kind === 'watch') return { next: () => undefined, ended() {} }
  if (pacing.kind === 'window') {
    let outstanding = 0
    return {
      next() {
        if (outstanding >= pacing.size) return undefined
        outstanding += 1
        return monotonicMs()
      },
      ended() {
        // An event delivered twice must not widen the window.
        outstanding = Math.max(0, outstanding - 1)
      },
    }
  }
  const start = monotonicMs()
  let sent = 0
  return {
    next() {
      const due = start + (sent * 1e3) / pacing.perSecond
      if (due > monotonicMs()) return undefined
      sent += 1
      return due
    },
    ended() {},
  }
}
