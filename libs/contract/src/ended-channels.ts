import type { ChannelDriver } from '@sluice/channel'
import { type Clock, sleep } from '@sluice/clock'
import type { Telemetry } from '@sluice/telemetry'
import { createChannels, DISPATCH_SUBSCRIPTION, FILTER_SUBSCRIPTION } from './channels.ts'
import type { LogRow } from './rows.ts'
import type { ContractStore } from './store.ts'

export interface EndedChannelsDeps {
  readonly driver: ChannelDriver
  readonly contract: Pick<ContractStore, 'watch' | 'whenAcknowledged'>
  readonly clock: Clock
  readonly telemetry: Telemetry
}

const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 60_000

/**
 * Removes the channels of a log whose row is gone, once every role has let go of it and if they hold nothing: a start
 * with another folder of manifests looks like a deletion, and must not end what was accepted. One per installation,
 * watching before the first `publish`, so that it also hears of a Broker that was deleted while nothing ran.
 */
export function removeEndedChannels({ driver, contract, clock, telemetry }: EndedChannelsDeps): Disposable {
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

  /** A backend that is away for a while must not leave channels behind that nobody knows any more. */
  async function removeInTime(row: LogRow, revision: number): Promise<void> {
    for (let failures = 0; !stopped.signal.aborted; ) {
      try {
        return await remove(row, revision)
      } catch (error) {
        const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** failures++, LONGEST_RETRY_MS)
        const isRetried = driver.isRetryable(error)
        const fields = { channel: row.channel, err: error, ...(isRetried && { retryInMs }) }
        telemetry.log.error(fields, 'channels of a deleted broker not removed')
        if (!isRetried) return
        await sleep(clock, retryInMs, stopped.signal)
      }
    }
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
      void removeInTime(row, revision)
    }
  })
  return {
    [Symbol.dispose]() {
      stopped.abort()
      watching[Symbol.dispose]()
    },
  }
}
