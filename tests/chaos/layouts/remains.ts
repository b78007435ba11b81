import { readFileSync } from 'node:fs'
import type { ChannelDriver } from '@sluice/channel'
import { attributeText } from '@sluice/cloudevents'
import {
  type Contract,
  createChannels,
  DISPATCH_SUBSCRIPTION,
  FILTER_SUBSCRIPTION,
  readContract,
} from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import type { Held } from '../scenario/verdict.ts'

/** A contract's copy on disk. Throws INTERNAL when it is none. */
export function contractIn(file: string): Contract {
  const read = readContract(JSON.parse(readFileSync(file, 'utf8')))
  if ('contract' in read) return read.contract
  throw new EventingError({ code: 'INTERNAL' }, `${file}: ${read.problems.join(', ')}`)
}

const PAGE = 1_000

/** What is left in a store: read by the driver itself, since nothing serves it yet. */
export async function remainsOf(
  driver: ChannelDriver,
  { logs, deliveries }: Pick<Contract, 'logs' | 'deliveries'>,
): Promise<Held> {
  const triggers = new Map(deliveries.map(({ uid, name }) => [uid, name]))
  const parked: { trigger: string; id: string; reason: string }[] = []
  let waiting = 0
  for (const log of logs) {
    const { channel, queues } = log
    await createChannels(driver, log)
    waiting += (await driver.backlog(channel, FILTER_SUBSCRIPTION)).events
    waiting += (await driver.backlog(queues, DISPATCH_SUBSCRIPTION)).events
    for (const each of [channel, queues]) {
      for (let after: string | undefined; ; ) {
        const page = await driver.parked(each, { limit: PAGE, ...(after === undefined ? {} : { after }) })
        for (const { queue, event, reason } of page) {
          parked.push({
            trigger: triggers.get(queue) ?? queue,
            id: attributeText(event.attributes.get('id') ?? ''),
            reason,
          })
        }
        after = page.at(-1)?.cursor
        if (page.length < PAGE) break
      }
    }
  }
  return { waiting, parked }
}
