import type { ChannelOptions } from '@sluice/channel'
import { conflict, unknownTopic } from './errors.ts'
import { Keys } from './journal.ts'
import type { Link } from './link.ts'
import type { ChannelNames } from './names.ts'
import type { Publisher } from './publish.ts'

type Wishes = Pick<ChannelOptions, 'lanes' | 'backend'>

/**
 * Rejects where the topic that a log asks for can't be its own: an external one that is not there or whose partitions are not the
 * lanes, since the rest of them nobody would read; one to be made that is there while nothing else of the log is.
 */
export async function checkTopic(link: Link, names: ChannelNames, { lanes, backend = {} }: Wishes): Promise<void> {
  if (backend.name === undefined) return
  const topic = names.events
  const found = await link.partitionsOf([topic, names.lanes])
  const partitions = found.get(topic)
  if (backend.isExternal !== true) {
    if (partitions !== undefined && !found.has(names.lanes)) {
      const problem = 'it is there already, made by somebody else or for a namesake that is gone and left events in it'
      throw conflict(topic, `${problem}: delete it, or have it used as it is`)
    }
    return
  }
  if (partitions === undefined) throw unknownTopic(topic)
  if (partitions !== lanes) throw conflict(topic, `it has ${partitions} partitions, and its log ${lanes} lanes`)
}

/**
 * The log of an external topic begins with what comes from now on. The ends are read before it is seen that the lanes are
 * empty: a process that was faster has stored nothing by then, so that nothing it accepts lies before its beginning.
 */
export async function beginAtEnd(
  { link, publisher }: { readonly link: Link; readonly publisher: Publisher },
  names: ChannelNames,
  { lanes, subscriptions }: Pick<ChannelOptions, 'lanes' | 'subscriptions'>,
): Promise<void> {
  const all = Array.from({ length: lanes }, (_, lane) => lane)
  const ends = await Promise.all(all.map((lane) => link.end(names.events, lane)))
  const written = await Promise.all(all.map((lane) => link.end(names.lanes, lane)))
  const beginnings = all
    .filter((lane) => written[lane] === 0)
    .flatMap((lane) =>
      subscriptions.map((subscription) => {
        const cursor = { owner: null, handed: ends[lane], open: [], suspects: [], gone: [], events: 0, bytes: 0 }
        // Of no owner: the first that claims the lane is of a higher term
        const key = Buffer.from(new Keys(subscription).cursor(0))
        const record = { key, value: Buffer.from(JSON.stringify(cursor)), headers: {} }
        return { topic: names.lanes, partition: lane, record, order: link.order() }
      }),
    )
  if (beginnings.length > 0) await publisher.store(beginnings)
}
