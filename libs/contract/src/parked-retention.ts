import type { ChannelDriver } from '@sluice/channel'
import { type Clock, sleep } from '@sluice/clock'
import type { Telemetry } from '@sluice/telemetry'
import { createChannels } from './channels.ts'
import { contractEvents } from './events.ts'
import { purgeParkedOfDeleted } from './parked-of-deleted.ts'
import type { ContractSource, LogRow } from './rows.ts'

/** Often, so that little is deleted at a time. */
const PASS_MS = 60_000
/** What waited for a trigger that is deleted is kept this long, in case of a namesake; looked for less often. */
const DELETED_MS = 24 * 60 * 60 * 1_000
const DELETED_PASS_MS = 60 * 60 * 1_000

export interface ParkedRetentionDeps {
  readonly driver: Pick<ChannelDriver, 'create' | 'purge' | 'parked' | 'parkedCount'>
  readonly contract: ContractSource
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** How long a parked event is kept; what waited for a trigger that is gone: 24 hours, if that is less. */
  readonly retentionMs: number
}

/**
 * Deletes what has been parked for longer than the retention, in the channels of every log; counted and logged. Shows how
 * many are left, as of the last pass. One per installation. A pass that fails is told and made again with the next.
 * Disposing waits for the pass under way.
 */
export function purgeParked({ driver, contract, clock, telemetry, retentionMs }: ParkedRetentionDeps): AsyncDisposable {
  const events = contractEvents(telemetry)
  const rows = new Map<string, LogRow>()
  const deliveries = new Set<string>()
  const counts = new Map<string, number>()
  const stopped = new AbortController()
  const gauge = telemetry.gauge(
    'parked_events',
    { description: 'Parked events of a broker, as of the last minute' },
    () =>
      [...rows.values()].flatMap(({ uid, namespace, name, kind }) => {
        const value = counts.get(uid)
        return value === undefined ? [] : [{ value, labels: { namespace, [kind]: name } }]
      }),
  )

  async function purge({ uid, namespace, name, channel, queues }: LogRow): Promise<void> {
    const parkedBefore = new Date(clock.now() - retentionMs)
    for (const each of [channel, queues]) {
      const purged = await driver.purge(each, { parkedBefore })
      if (purged > 0) events.parkedPurged({ namespace, broker: name, channel: each, events: purged, parkedBefore })
    }
    await count({ uid, channel, queues })
  }

  /** One after another, and nobody's acknowledgement waits for it. */
  let counting: Promise<unknown> = Promise.resolve()
  async function count({ uid, channel, queues }: Pick<LogRow, 'uid' | 'channel' | 'queues'>): Promise<void> {
    if (stopped.signal.aborted) return
    const left = (await driver.parkedCount(channel)) + (await driver.parkedCount(queues))
    if (rows.has(uid)) counts.set(uid, left)
  }

  async function purgeDeleted({ namespace, name, queues }: LogRow): Promise<void> {
    const parkedBefore = new Date(clock.now() - DELETED_MS)
    const isKnown = (queue: string) => deliveries.has(queue)
    const purged = await purgeParkedOfDeleted(queues, parkedBefore, { driver, isKnown, signal: stopped.signal })
    if (purged > 0) events.parkedPurged({ namespace, broker: name, channel: queues, events: purged, parkedBefore })
  }

  async function run(): Promise<void> {
    let deletedAt = Number.NEGATIVE_INFINITY
    while (!stopped.signal.aborted) {
      const isDeletedTurn = rows.size > 0 && clock.monotonic() - deletedAt >= DELETED_PASS_MS
      if (isDeletedTurn) deletedAt = clock.monotonic()
      for (const row of [...rows.values()]) {
        if (stopped.signal.aborted) return
        // A log may end under the pass: then its channels are gone, and with them what was parked there
        if (!rows.has(row.uid)) continue
        const pass = isDeletedTurn ? purge(row).then(() => purgeDeleted(row)) : purge(row)
        await pass.catch((error: unknown) => rows.has(row.uid) && events.purgeFailed(row.channel, error))
      }
      await sleep(clock, PASS_MS, stopped.signal)
    }
  }

  const watching = contract.watch('parked', async ({ put, removed }) => {
    for (const { uid } of put.deliveries) deliveries.add(uid)
    for (const uid of removed.deliveries) deliveries.delete(uid)
    const failures: unknown[] = []
    for (const row of put.logs) {
      const failed = await createChannels(driver, row).then(
        () => false,
        (error: unknown) => failures.push(error) > 0,
      )
      if (failed) continue
      const isNew = !rows.has(row.uid)
      rows.set(row.uid, row)
      // A restart must not look like nothing was parked; where it fails the next pass counts
      if (isNew) counting = counting.then(() => count(row)).catch(() => undefined)
    }
    for (const uid of removed.logs) {
      rows.delete(uid)
      counts.delete(uid)
    }
    if (failures.length > 0) throw failures[0]
  })
  const running = run()
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort()
      watching[Symbol.dispose]()
      gauge[Symbol.dispose]()
      await Promise.all([running, counting])
    },
  }
}
