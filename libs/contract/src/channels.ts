import type { ChannelDriver, ChannelOptions } from '@sluice/channel'
import type { LogRow } from './rows.ts'

/** The filter's name on a broker's log. */
export const FILTER_SUBSCRIPTION = 'filter'
/** The dispatcher's name on a broker's queues. */
export const DISPATCH_SUBSCRIPTION = 'dispatch'

/** Makes the two channels of a log row at its driver, or finds them. Every role does so before its first use; repeats are free. */
export async function createChannels(driver: Pick<ChannelDriver, 'create'>, row: LogRow): Promise<void> {
  await driver.create(row.channel, logOptions(row))
  const { driver: at, backend: { replicas } = {} } = row
  await driver.create(row.queues, {
    ...(at !== undefined && { driver: at }),
    ...(replicas !== undefined && { backend: { replicas } }),
    ...{ kind: 'queue', lanes: row.lanes, subscriptions: [DISPATCH_SUBSCRIPTION] },
  })
}

/** What is asked of the driver for the log itself. */
export function logOptions({ driver, lanes, retention, backend }: LogWishes): ChannelOptions {
  return {
    ...(driver !== undefined && { driver }),
    ...(backend !== undefined && { backend }),
    ...{ kind: 'log', lanes, subscriptions: [FILTER_SUBSCRIPTION], retention },
  }
}

type LogWishes = Pick<LogRow, 'driver' | 'lanes' | 'retention' | 'backend'>
