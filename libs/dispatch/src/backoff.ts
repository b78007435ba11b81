import type { DeliverySpec } from '@sluice/contract'

/** No wait is longer, whatever the delivery spec multiplies to. */
const LONGEST_MS = 24 * 60 * 60 * 1_000
const JITTER = 0.1

/**
 * Milliseconds before retry `n`, counted from 0. Linear waits the same each time, exponential `delay × 2^n`; up to
 * 10 % comes on top, never less. `random` answers in [0, 1). Source: knative/specs eventing control-plane.md; Knative's
 * code makes the first linear wait 0. `backoffMaxMs` is the longest, with what came on top.
 */
export function backoffMs(spec: DeliverySpec, n: number, random: () => number): number {
  const factor = spec.backoffPolicy === 'linear' ? 1 : 2 ** n
  const longestMs = Math.min(spec.backoffMaxMs ?? LONGEST_MS, LONGEST_MS)
  const delayMs = Math.min(spec.backoffDelayMs * factor, longestMs)
  return Math.min(Math.ceil(delayMs * (1 + JITTER * random())), longestMs)
}
