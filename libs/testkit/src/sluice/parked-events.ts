import type { ChannelDriver } from '@sluice/channel'
import type { Contract } from '@sluice/contract'
import type { ParkedEvent } from './options.ts'

const PAGE = 1_000

/** Of every log and queue, or of one Trigger by its full name. */
export async function parkedEvents(
  driver: Pick<ChannelDriver, 'parked'>,
  { logs, deliveries }: Pick<Contract, 'logs' | 'deliveries'>,
  trigger: string | undefined,
): Promise<readonly ParkedEvent[]> {
  const names = new Map(deliveries.map(({ uid, namespace, name }) => [uid, `${namespace}/${name}`]))
  const found: ParkedEvent[] = []
  for (const { namespace, name, channel, queues } of logs) {
    for (const each of [channel, queues]) {
      for (const { queue, reason, attempt, parkedAt, event } of await driver.parked(each, { limit: PAGE })) {
        const of = names.get(queue) ?? `${namespace}/${name}`
        const attributes = Object.fromEntries(event.attributes) as ParkedEvent['attributes']
        found.push({ trigger: of, reason, attempt, parkedAt, attributes })
      }
    }
  }
  return found
    .filter((each) => trigger === undefined || each.trigger === trigger)
    .sort((a, b) => a.parkedAt - b.parkedAt)
}
