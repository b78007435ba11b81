import type { ChannelDriver, Entry } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { EventingError, failureOf } from '@sluice/errors'

export interface StoreDeps {
  readonly driver: ChannelDriver
  readonly clock: Clock
  /** A channel that has not answered by then is given up; the sender is told to try again. */
  readonly timeoutMs: number
}

/**
 * Resolves once the entries are held as durably as the driver declares. Rejects with CHANNEL_UNAVAILABLE when trying
 * again may help or the time is up (then some entries may be stored), else with the driver's error. `settled` is
 * called once, when the driver itself is done with the entries, which may be after the rejection.
 */
export type Store = (channel: string, entries: readonly Entry[], settled: (durationMs: number) => void) => Promise<void>

interface Waiting {
  readonly since: number
  readonly giveUp: () => void
}

/** One timer for all that wait, instead of one each. */
export function openStore({ driver, clock, timeoutMs }: StoreDeps): Store {
  const waiting = new Set<Waiting>() // oldest first
  let armed = false

  const sweep = () => {
    const expired = clock.monotonic() - timeoutMs
    for (const wait of waiting) {
      if (wait.since > expired) break
      waiting.delete(wait)
      wait.giveUp()
    }
    armed = waiting.size > 0
    if (armed) clock.after(timeoutMs / 10, sweep)
  }

  return (channel, entries, settled) =>
    new Promise((resolve, reject) => {
      const wait = {
        since: clock.monotonic(),
        giveUp: () => reject(unavailable(driver.name, `it did not answer within ${timeoutMs} ms`)),
      }
      const end = () => {
        waiting.delete(wait)
        settled(clock.monotonic() - wait.since)
      }
      waiting.add(wait)
      if (!armed) {
        armed = true
        clock.after(timeoutMs / 10, sweep)
      }
      driver.publish(channel, entries).then(
        () => {
          end()
          resolve()
        },
        (error: unknown) => {
          end()
          reject(driver.isRetryable(error) ? unavailable(driver.name, failureOf(error).code, error) : error)
        },
      )
    })
}

function unavailable(driver: string, reason: string, cause?: unknown): EventingError {
  return new EventingError(
    { code: 'CHANNEL_UNAVAILABLE', driver, reason },
    `the channel can't take events now (${reason}); try again`,
    { cause },
  )
}
