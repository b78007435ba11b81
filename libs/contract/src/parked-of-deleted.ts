import type { ChannelDriver } from '@sluice/channel'

/** The reasons that a dispatcher parks under what waited for a Trigger or Subscription that is gone. */
const DELETED: ReadonlySet<string> = new Set(['TRIGGER_DELETED', 'SUBSCRIPTION_DELETED'])
/** Events are read whole, to find few: not many at a time. */
const PAGE = 64
/** Of one pass; what is beyond is deleted by the next. */
const MAX_PAGES = 10_000
const MAX_PURGED = 10_000

export interface ParkedOfDeletedDeps {
  readonly driver: Pick<ChannelDriver, 'parked' | 'purge'>
  /** Whether a delivery row names the queue. */
  readonly isKnown: (queue: string) => boolean
  readonly signal: AbortSignal
}

/**
 * Deletes what waited for triggers that are gone and was parked before `parkedBefore`; answers how much. What was parked
 * for another reason while the trigger was there stays for as long as any.
 */
export async function purgeParkedOfDeleted(
  channel: string,
  parkedBefore: Date,
  deps: ParkedOfDeletedDeps,
): Promise<number> {
  const { driver, isKnown, signal } = deps
  let purged = 0
  let after: string | undefined
  for (let page = 0; page < MAX_PAGES && purged < MAX_PURGED && !signal.aborted; page += 1) {
    const parked = await driver.parked(channel, { limit: PAGE, ...(after !== undefined && { after }) })
    const old = parked.filter(
      ({ reason, queue, parkedAt }) => DELETED.has(reason) && parkedAt < parkedBefore.getTime() && !isKnown(queue),
    )
    if (old.length > 0) purged += await driver.purge(channel, { positions: old.map(({ position }) => position) })
    after = parked.at(-1)?.cursor
    if (parked.length < PAGE) break
  }
  return purged
}
