import type { ChannelDriver } from '@sluice/channel'
import type { Telemetry } from '@sluice/telemetry'
import { createChannels, DISPATCH_SUBSCRIPTION, FILTER_SUBSCRIPTION } from './channels.ts'
import type { LogRow } from './rows.ts'
import type { ContractStore } from './store.ts'

export interface EndedChannelsDeps {
  readonly driver: ChannelDriver
  readonly contract: Pick<ContractStore, 'watch' | 'whenAcknowledged'>
  readonly telemetry: Telemetry
}

/**
 * Removes the channels of a log whose row is gone, once every role has let go of it: deleting a Broker deletes what it
 * holds, and says how much that was. One per installation, watching before the first `publish`, so that it also hears
 * of a Broker that was deleted while nothing ran.
 */
export function removeEndedChannels({ driver, contract, telemetry }: EndedChannelsDeps): Disposable {
  const rows = new Map<string, LogRow>()
  const stopped = new AbortController()

  async function remove({ namespace, name, channel, queues }: LogRow, revision: number): Promise<void> {
    if (!(await contract.whenAcknowledged(revision, stopped.signal))) return
    const unjudged = await driver.backlog(channel, FILTER_SUBSCRIPTION)
    const waiting = await driver.backlog(queues, DISPATCH_SUBSCRIPTION)
    await driver.remove(channel)
    await driver.remove(queues)
    const ended = { namespace, broker: name, unjudged: unjudged.events, waiting: waiting.events }
    telemetry.log.warn(ended, 'broker deleted, its events with it')
  }

  const watching = contract.watch('channels', async ({ put, removed, revision }) => {
    for (const row of put.logs) {
      await createChannels(driver, row)
      rows.set(row.uid, row)
    }
    for (const uid of removed.logs) {
      const row = rows.get(uid)
      rows.delete(uid)
      if (row === undefined) continue
      remove(row, revision).catch((error: unknown) => {
        telemetry.log.error({ channel: row.channel, err: error }, 'channels of a deleted broker not removed')
      })
    }
  })
  return {
    [Symbol.dispose]() {
      stopped.abort()
      watching[Symbol.dispose]()
    },
  }
}
