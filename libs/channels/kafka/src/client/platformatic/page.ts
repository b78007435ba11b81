import type { fetchV11, RecordsBatch } from '@platformatic/kafka'
import type { Lying, Page } from '../client.ts'
import { Transactions } from '../transactions.ts'

const TRANSACTIONAL = 1 << 4
const CONTROL = 1 << 5

type Fetched = Pick<fetchV11.FetchResponsePartition, 'abortedTransactions' | 'lastStableOffset' | 'highWatermark'> & {
  readonly records: readonly RecordsBatch[] | null
}

/** Without what lies before `from`, what belongs to transactions that were aborted, and their markers. */
export function pageOf(from: number, part: Fetched): Page {
  const aborted = (part.abortedTransactions ?? []).map(({ producerId, firstOffset }) => ({
    ...{ producer: String(producerId), from: Number(firstOffset) },
  }))
  const transactions = new Transactions(aborted)
  const records: Lying[] = []
  let next = from
  for (const { firstOffset, firstTimestamp, lastOffsetDelta, attributes, producerId, records: of } of part.records ??
    []) {
    const first = Number(firstOffset)
    const time = Number(firstTimestamp)
    const batch = {
      producer: String(producerId),
      isTransactional: (attributes & TRANSACTIONAL) !== 0,
      isControl: (attributes & CONTROL) !== 0,
    }
    for (const { offsetDelta, timestampDelta, key, value, headers } of of) {
      const offset = first + offsetDelta
      if (!transactions.isValid(offset, key, batch) || offset < from) continue
      records.push({ offset, storedAt: time + Number(timestampDelta), key, value, headers: headersOf(headers) })
    }
    // Also behind a batch that compaction emptied
    next = Math.max(next, first + lastOffsetDelta + 1)
  }
  return { records, next, end: Number(part.lastStableOffset >= 0n ? part.lastStableOffset : part.highWatermark) }
}

function headersOf(entries: readonly (readonly [Buffer | null, Buffer | null])[]): Lying['headers'] {
  const headers: Record<string, Buffer | Buffer[]> = {}
  for (const [key, given] of entries as readonly (readonly [Buffer | null, Buffer])[]) {
    const name = key?.toString('utf8') ?? '__proto__'
    if (name === '__proto__') continue
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined
    headers[name] = before === undefined ? given : Array.isArray(before) ? [...before, given] : [before, given]
  }
  return headers
}
