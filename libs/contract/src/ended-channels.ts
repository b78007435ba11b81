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
 * Removes the channels of a log whose row is gone, once every role has let go of it and if they hold nothing: a start
 * with another folder of manifests looks like a deletion, and must not end what was accepted. One per installation,
 * watching before the first `publish`, so that it also hears of a Broker that was deleted while nothing ran.
 */
export function removeEndedChannels({ driver, contract, telemetry }: EndedChannelsDeps): Disposable {
  const rows = new Map<string, LogRow>()
  const stopped = new AbortController()

  async function remove({ namespace, name, channel, queues }: LogRow, revision: number): Promise<void> {
    if (!(await contract.whenAcknowledged(revision, stopped.signal))) return
    const unjudged = await driver.backlog(channel, FILTER_SUBSCRIPTION)
    const waiting = await driver.backlog(queues, DISPATCH_SUBSCRIPTION)
    const parked = [...(await driver.parked(channel, { limit: 1 })), ...(await driver.parked(queues, { limit: 1 }))]
    const held = { namespace, broker: name, unjudged: unjudged.events, waiting: waiting.events }
    if (unjudged.events + waiting.events + parked.length > 0) {
      telemetry.log.warn({ ...held, channel, queues }, 'broker deleted while it holds events: they stay in the store')
      return
    }
    await driver.remove(channel)
    await driver.remove(queues)
    telemetry.log.info(held, 'broker deleted, its channels removed')
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
