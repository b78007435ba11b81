import { EventingError } from '@sluice/errors'
import type { ChannelDriver, ChannelOptions } from './port.ts'

/** For a driver whose backend has no names, no owners and no copies of one channel: throws CHANNEL_CONFLICT where any is asked for. */
export function refuseWishes(
  { name: driver }: Pick<ChannelDriver, 'name'>,
  channel: string,
  options: ChannelOptions,
): void {
  const asked = Object.entries(options.backend ?? {}).filter(([, value]) => value !== undefined && value !== false)
  if (asked.length === 0) return
  const what = asked.map(([wish]) => wish).join(', ')
  const problem = `the driver ${driver} can't give what is asked of the backend: ${what}`
  throw new EventingError({ code: 'CHANNEL_CONFLICT', channel, problem }, `channel ${channel}: ${problem}`)
}
