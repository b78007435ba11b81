import { type ChannelOptions, REMEMBERED_KEYS } from '@sluice/channel'
import type { Lying } from './client/client.ts'
import { DEDUP_WINDOW_MS } from './config.ts'
import { scan } from './fetcher.ts'
import type { Link } from './link.ts'
import { type ChannelNames, orderOf } from './names.ts'
import { placeOfOrder } from './read.ts'
import { orderIn, recordBytes } from './record.ts'

export interface RetentionDeps {
  readonly link: Link
  readonly names: ChannelNames
  readonly options: ChannelOptions
}

interface Part {
  readonly lane: number
  readonly beginning: number
  readonly end: number
  /** Every subscription has passed what is before. */
  readonly passed: number
}

/** Looked at one by one; a log with more is cut by the size of these. */
const COUNTED = 1_000
const RECORD_BYTES = 20
/** Of what is too much by the mean, in one turn. */
const BY_MEAN = 0.9

/**
 * Deletes the beginning of a channel's events, up to what every subscription has committed: of a log what its retention lets
 * go, of a queue all but the last, whose keys a successor wants to know. A log is cut at one point of its order, so that no
 * lane keeps what is older than something that went. What is somebody else's is theirs to cut.
 */
export async function retain(deps: RetentionDeps): Promise<void> {
  const { link, names, options } = deps
  if (options.backend?.isExternal === true) return
  const parts = await partsOf(deps)
  if (parts.every(({ beginning, passed }) => passed <= beginning)) return
  const upTo = options.kind === 'queue' ? await ofQueue(deps, parts) : await ofLog(deps, parts)
  for (const { lane, beginning } of parts) {
    const offset = upTo.get(lane) ?? 0
    if (offset > beginning) await link.deleteBefore(names.events, lane, offset)
  }
}

async function partsOf({ link, names, options }: RetentionDeps): Promise<readonly Part[]> {
  const { lanes, subscriptions } = options
  const groups = subscriptions.map((subscription) => link.committed(names.group(subscription), names.events, lanes))
  const committed = await Promise.all(groups)
  return Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      const [beginning, end] = [await link.beginning(names.events, lane), await link.end(names.events, lane)]
      return { lane, beginning, end, passed: Math.min(end, ...committed.map((each) => each.get(lane) ?? 0)) }
    }),
  )
}

async function ofQueue({ link, names }: RetentionDeps, parts: readonly Part[]): Promise<ReadonlyMap<number, number>> {
  const upTo = new Map<number, number>()
  for (const { lane, passed } of parts) {
    const young = (await link.since(names.events, lane, link.clock.now() - DEDUP_WINDOW_MS)) ?? passed
    upTo.set(lane, Math.min(passed, Math.max(passed - REMEMBERED_KEYS, young)))
  }
  return upTo
}

async function ofLog(deps: RetentionDeps, parts: readonly Part[]): Promise<ReadonlyMap<number, number>> {
  const { link, names, options } = deps
  if (options.retention === undefined) return new Map()
  const { maxAgeMs, maxBytes } = options.retention
  const oldest = link.clock.now() - maxAgeMs
  const kept = await keptBySize(deps, parts, maxBytes)
  let least = Number.POSITIVE_INFINITY
  for (const { lane, end, passed } of parts) {
    const young = oldest <= 0 ? 0 : ((await link.since(names.events, lane, oldest)) ?? end)
    const place = Math.min(passed, Math.max(young, kept.get(lane) ?? 0))
    if (place < end) least = Math.min(least, (await orderAt(deps, lane, place, end)) ?? least)
  }
  const upTo = new Map<number, number>()
  for (const { lane, end, passed } of parts) {
    const place = least === Number.POSITIVE_INFINITY ? end : await placeOfOrder(link, names, lane, least)
    upTo.set(lane, Math.min(passed, place))
  }
  return upTo
}

async function orderAt(
  { link, names }: RetentionDeps,
  lane: number,
  from: number,
  end: number,
): Promise<number | undefined> {
  for await (const record of scan(link, names.events, lane, from, end)) return orderOf(orderIn(record), record.storedAt)
  return undefined
}

/** By lane, where what the size allows begins. */
async function keptBySize(
  { link, names }: RetentionDeps,
  parts: readonly Part[],
  maxBytes: number,
): Promise<ReadonlyMap<number, number>> {
  const looked: { lane: number; record: Lying; order: number; bytes: number }[] = []
  const share = Math.ceil(COUNTED / Math.max(1, parts.length))
  let total = 0
  for (const { lane, beginning, end } of parts) {
    let count = 0
    let bytes = 0
    for await (const record of scan(link, names.events, lane, beginning, end)) {
      const size = recordBytes(record as Parameters<typeof recordBytes>[0]) + RECORD_BYTES
      looked.push({ lane, record, order: orderOf(orderIn(record), record.storedAt), bytes: size })
      bytes += size
      if (++count >= share) break
    }
    total += count === 0 ? 0 : (bytes / count) * Math.max(count, end - beginning)
  }
  let excess = total - maxBytes
  const kept = new Map<number, number>()
  if (excess > looked.reduce((sum, { bytes }) => sum + bytes, 0)) {
    const part = (excess / total) * BY_MEAN
    for (const { lane, beginning, end } of parts) kept.set(lane, beginning + Math.floor((end - beginning) * part))
    return kept
  }
  for (const { lane, record, bytes } of looked.sort((a, b) => a.order - b.order)) {
    if (excess <= 0) break
    excess -= bytes
    kept.set(lane, record.offset + 1)
  }
  return kept
}
