import {
  type BeginningReply,
  type FetchReply,
  LOG_ROW_FIELDS,
  type LogPage,
  type Request,
  type RetainReply,
  type TaskRow,
} from './protocol.ts'
import { POSITIONS, type Statements } from './schema.ts'

type Ask<Op extends Request['op']> = Extract<Request, { op: Op }>

/** A page of a log, packed into one buffer so that it crosses the thread without a copy per row. */
export function readLog(statements: Statements, { channel, after, limit, maxBytes }: Ask<'readLog'>): LogPage {
  const base = channel * POSITIONS
  const frames: Uint8Array[] = []
  const rows: number[] = []
  let bytes = 0
  let complete = true
  for (const row of statements.logAfter.iterate(base + after, base + POSITIONS, limit + 1)) {
    if (frames.length === limit || bytes >= maxBytes) {
      complete = false
      break
    }
    const event = row.event as Uint8Array
    rows.push((row.id as number) - base, row.lane as number, row.stored_at as number, row.total as number)
    rows.push(bytes, event.length)
    frames.push(event)
    bytes += event.length
  }
  const slab = Buffer.allocUnsafeSlow(bytes)
  frames.forEach((frame, i) => {
    slab.set(frame, rows[i * LOG_ROW_FIELDS + 4] as number)
  })
  return { slab: slab.buffer, rows: Float64Array.from(rows), complete }
}

/** Due entries of several queues, oldest due first, leaving out what the caller holds. */
export function fetchTasks(statements: Statements, { feed, wants, now, maxBytes }: Ask<'fetch'>): FetchReply {
  const tasks: TaskRow[] = []
  const nextDue: number[] = []
  let bytes = 0
  for (const { queue, limit, held } of wants) {
    const skip = new Set(held)
    let wanted = limit
    let more = false
    for (const { id } of statements.dueIds.all(feed, queue, now, limit + skip.size + 1)) {
      if (skip.has(id as number)) continue
      if (wanted === 0 || bytes >= maxBytes) {
        more = true
        break
      }
      const task = taskOf(statements.task.get(id as number) as Record<string, unknown>)
      bytes += task.frame.length
      tasks.push(task)
      wanted--
    }
    const later = more ? undefined : statements.nextDue.get(feed, queue, now)
    nextDue.push(more ? now : ((later?.due ?? Number.POSITIVE_INFINITY) as number))
  }
  return { tasks, nextDue }
}

export function readTasks(statements: Statements, { feed, parked, queue, after, limit }: Ask<'readTasks'>): TaskRow[] {
  const rows = parked
    ? statements.parkedAfter.all(feed, after, queue ?? null, limit)
    : statements.waitingAfter.all(feed, after, limit)
  return rows.map(taskOf)
}

export function parkedAt(statements: Statements, { feed, ids }: Ask<'parkedAt'>): TaskRow[] {
  return ids.flatMap((id) => statements.parkedAt.all(id, feed)).map(taskOf)
}

export function countParked(statements: Statements, { feed, queue }: Ask<'countParked'>): number {
  return statements.countParked.get(feed, queue ?? null)?.events as number
}

export function beginningOf(statements: Statements, { channel }: Ask<'beginning'>): BeginningReply {
  const base = channel * POSITIONS
  const first = statements.logHeads.get(base, base + POSITIONS - 1, 1)
  const cut = (statements.cut.get(channel)?.cut ?? 0) as number
  if (first === undefined) return { oldest: 0, storedAt: 0, cut }
  return { oldest: (first.id as number) - base, storedAt: first.stored_at as number, cut }
}

function taskOf(row: Record<string, unknown>): TaskRow {
  return {
    id: row.id as number,
    queue: row.queue as string,
    lane: row.lane as number,
    due: row.due as number,
    attempt: row.attempt as number,
    handOuts: row.hand_outs as number,
    note: (row.note ?? undefined) as string | undefined,
    dedupKey: (row.dedup_key ?? undefined) as string | undefined,
    parked: (row.parked ?? undefined) as string | undefined,
    parkedAt: (row.parked_at ?? 0) as number,
    origin: row.origin as number,
    storedAt: row.stored_at as number,
    frame: row.event as Uint8Array,
  }
}

/** The first position stored at `time` or later, by bisection: times rise with positions. */
export function seekLog(statements: Statements, channel: number, time: number): number {
  const base = channel * POSITIONS
  const first = statements.logHeads.get(base, base + POSITIONS - 1, 1)
  const last = statements.logLast.get(base, base + POSITIONS - 1)
  if (first === undefined || last === undefined) return 1
  let low = first.id as number
  let high = (last.id as number) + 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const row = statements.logHeads.get(middle - 1, high, 1)
    if (row === undefined || (row.stored_at as number) >= time) high = middle
    else low = (row.id as number) + 1
  }
  return low - base
}

/**
 * Cuts the oldest rows that every subscription has passed (`passed`) and that are too old, or lie more than
 * `maxBytes` behind the newest. At most `limit` at a time, so that no commit waits for a long deletion.
 */
export function cutLog(statements: Statements, request: Ask<'retain'>): RetainReply {
  const base = request.channel * POSITIONS
  const newest = statements.logLast.get(base, base + POSITIONS - 1)
  if (newest === undefined) return { removed: 0, more: false }
  const keepFrom = (newest.total as number) - request.maxBytes
  let cut: Record<string, unknown> | undefined
  let removed = 0
  for (const row of statements.logHeads.all(base, base + request.passed, request.limit)) {
    if ((row.stored_at as number) >= request.olderThan && (row.total as number) > keepFrom) break
    cut = row
    removed++
  }
  if (cut === undefined) return { removed: 0, more: false }
  statements.logCut.run(base, cut.id as number)
  statements.setCut.run((cut.id as number) - base, cut.total as number, request.channel)
  return { removed, more: removed === request.limit }
}
