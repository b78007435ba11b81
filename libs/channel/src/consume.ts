import { type Clock, sleep } from '@sluice/clock'
import type { Delivery, Subscription } from './port.ts'

const RESUBSCRIBE_MS = 1_000

export interface ConsumeDeps {
  readonly clock: Clock
  readonly subscribe: () => Subscription
  /** One batch at a time. A rejection interrupts the reading: what it did not end comes again. */
  readonly take: (batch: readonly Delivery[]) => Promise<void> | void
  readonly interrupted: (error: unknown, delayMs: number) => void
  /** Aborted: what is handed out from then on is given back by `take`, and must not be taken again. */
  readonly draining: AbortSignal
}

/** Reads a channel until `signal` aborts, and again after a pause when that was interrupted. Never rejects. */
export async function consume(deps: ConsumeDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const batch of deps.subscribe()) {
        await deps.take(batch)
        if (deps.draining.aborted) await aborted(signal)
      }
    } catch (error) {
      if (signal.aborted) return
      deps.interrupted(error, RESUBSCRIBE_MS)
    }
    await sleep(deps.clock, RESUBSCRIBE_MS, signal)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
