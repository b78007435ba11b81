import type { ChannelDriver, Position } from '@sluice/channel'

/** The reason that a dispatcher parks under what waited for a trigger that is gone. */
const TRIGGER_DELETED = 'TRIGGER_DELETED'
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
  const old: Position[] = []
  let after: Position | undefined
  for (let page = 0; page < MAX_PAGES && old.length < MAX_PURGED && !signal.aborted; page += 1) {
    const parked = await driver.parked(channel, { limit: PAGE, ...(after !== undefined && { after }) })
    for (const { reason, queue, parkedAt, position } of parked) {
      if (reason === TRIGGER_DELETED && parkedAt < parkedBefore.getTime() && !isKnown(queue)) old.push(position)
    }
    after = parked.at(-1)?.position
    if (parked.length < PAGE) break
  }
  return old.length === 0 ? 0 : driver.purge(channel, { positions: old })
}
