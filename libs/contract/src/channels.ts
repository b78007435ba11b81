import type { ChannelDriver } from '@sluice/channel'
import type { LogRow } from './rows.ts'

/** The filter's name on a broker's log. */
export const FILTER_SUBSCRIPTION = 'filter'
/** The dispatcher's name on a broker's queues. */
export const DISPATCH_SUBSCRIPTION = 'dispatch'

/** Makes the two channels of a log row at its driver, or finds them. Every role does so before its first use; repeats are free. */
export async function createChannels(driver: Pick<ChannelDriver, 'create'>, row: LogRow): Promise<void> {
  const at = row.driver === undefined ? {} : { driver: row.driver }
  await driver.create(row.channel, {
    ...at,
    kind: 'log',
    lanes: row.lanes,
    subscriptions: [FILTER_SUBSCRIPTION],
    retention: row.retention,
  })
  const subscriptions = [DISPATCH_SUBSCRIPTION]
  await driver.create(row.queues, { ...at, kind: 'queue', lanes: row.lanes, subscriptions })
}
