import type { ChannelDriver } from '@sluice/channel'
import { type Clock, sleep } from '@sluice/clock'
import type { Telemetry } from '@sluice/telemetry'
import { createChannels, DISPATCH_SUBSCRIPTION, FILTER_SUBSCRIPTION } from './channels.ts'
import { contractEvents } from './events.ts'
import type { Copy } from './file-copy.ts'
import { madeLogs } from './made-logs.ts'
import type { LogRow } from './rows.ts'
import type { ContractStore } from './store.ts'

export interface EndedChannelsDeps {
  readonly driver: ChannelDriver
  readonly contract: Pick<ContractStore, 'watch' | 'whenAcknowledged'>
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Which logs have channels, so that a removal which a stop interrupted is made after it; absent: forgotten then. */
  readonly copy?: Copy<readonly LogRow[]>
}

const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 60_000

/**
 * Removes the channels of a log whose row is gone, once every role has let go of it and if they hold nothing: a start
 * with another folder of manifests looks like a deletion, and must not end what was accepted. What holds something is
 * looked at again at the next start. One per installation, watching before the first `publish`, so that it also hears
 * of a Broker that was deleted while nothing ran.
 */
export function removeEndedChannels({ driver, contract, clock, telemetry, copy }: EndedChannelsDeps): Disposable {
  const made = madeLogs(copy, contractEvents(telemetry).copySetAside)
  /** In the contract. */
  const rows = new Map<string, LogRow>()
  const ending = new Set<string>()
  /** Of these this process' driver knows the channels. */
  const known = new Set<string>()
  const stopped = new AbortController()

  async function remove({ kind, namespace, name, uid, channel, queues }: LogRow): Promise<void> {
    const unjudged = await driver.backlog(channel, FILTER_SUBSCRIPTION)
    const waiting = await driver.backlog(queues, DISPATCH_SUBSCRIPTION)
    const parked = [...(await driver.parked(channel, { limit: 1 })), ...(await driver.parked(queues, { limit: 1 }))]
    const held = { namespace, [kind]: name, unjudged: unjudged.events, waiting: waiting.events }
    if (unjudged.events + waiting.events + parked.length > 0) {
      telemetry.log.warn({ ...held, channel, queues }, `${kind} deleted while it holds events: they stay in the store`)
      return
    }
    await driver.remove(channel)
    await driver.remove(queues)
    known.delete(uid)
    await made.delete(uid)
    telemetry.log.info(held, `${kind} deleted, its channels removed`)
  }

  /** A backend that is away for a while must not leave channels behind that nobody knows any more. */
  async function removeInTime(row: LogRow, revision: number): Promise<void> {
    if (!(await contract.whenAcknowledged(revision, stopped.signal))) return
    for (let failures = 0; !stopped.signal.aborted; ) {
      try {
        if (!known.has(row.uid)) await createChannels(driver, row)
        return await remove(row)
      } catch (error) {
        const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** failures++, LONGEST_RETRY_MS)
        const isRetried = driver.isRetryable(error)
        const fields = { channel: row.channel, err: error, ...(isRetried && { retryInMs }) }
        telemetry.log.error(fields, `channels of a deleted ${row.kind} not removed`)
        if (!isRetried) return
        await sleep(clock, retryInMs, stopped.signal)
      }
    }
  }

  const watching = contract.watch('channels', async ({ put, removed, revision }) => {
    const all = await made.load()
    await made.add(put.logs)
    for (const row of put.logs) {
      await createChannels(driver, row)
      rows.set(row.uid, row)
      known.add(row.uid)
    }
    for (const uid of removed.logs) rows.delete(uid)
    for (const row of all.values()) {
      if (rows.has(row.uid) || ending.has(row.uid)) continue
      ending.add(row.uid)
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
