import { type Clock, sleep } from '@sluice/clock'
import { isFailure } from '@sluice/errors'

const RETRY_MS = 500
const TRIES = 5

/**
 * Says it until it is heard: then true. False once a new connection has to say everything anyway: the lease is lost, or
 * the server was silent five times.
 */
export async function untilHeard(
  say: () => Promise<void>,
  { clock, signal, failed }: { readonly clock: Clock; readonly signal: AbortSignal; failed(error: unknown): void },
): Promise<boolean> {
  for (let tries = 0; tries < TRIES && !signal.aborted; tries++) {
    try {
      await say()
      return true
    } catch (error) {
      failed(error)
      if (isFailure(error, 'CONTRACT_LEASE_UNKNOWN')) return false
      await sleep(clock, RETRY_MS * 2 ** tries, signal)
    }
  }
  return false
}
