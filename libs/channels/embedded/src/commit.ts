import { DEDUP_WINDOW_MS } from './config.ts'
import { APPEND_FIELDS, type CommitReply, type CommitRequest, type TaskInsert } from './protocol.ts'
import { POSITIONS, type Statements } from './schema.ts'

/** What the next rows get; advanced only when a commit succeeded. */
export interface Counters {
  readonly channels: Map<number, { last: number; bytes: number; at: number }>
  taskId: number
  dedup: { generation: number; since: number }
}

/** One transaction, one fsync: appends, new tasks, ends and cursors of everything since the last one. */
export function commit(statements: Statements, counters: Counters, request: CommitRequest): CommitReply {
  const channels = new Map([...counters.channels].map(([id, counts]) => [id, { ...counts }]))
  const draft: Counters = { channels, taskId: counters.taskId, dedup: { ...counters.dedup } }
  statements.begin.run()
  try {
    turnDedup(statements, draft, request.now)
    const positions = append(statements, draft, request)
    const ids = Float64Array.from(request.tasks, (task) => insertTask(statements, draft, task, request.slab))
    for (const id of request.ended) statements.endTask.run(id)
    for (const task of request.updates) {
      const parkedAt = task.parked === undefined ? null : task.now
      statements.updateTask.run(
        task.attempt,
        task.handOuts,
        task.due,
        task.note ?? null,
        task.parked ?? null,
        parkedAt,
        task.id,
      )
    }
    for (const { handed, open, out, clean, feed } of request.cursors) {
      statements.cursor.run(handed, open, out, clean ? 1 : 0, feed)
    }
    statements.commit.run()
    for (const [id, counts] of channels) counters.channels.set(id, counts)
    counters.taskId = draft.taskId
    counters.dedup = draft.dedup
    return { positions, ids, slab: request.slab }
  } catch (error) {
    // SQLite may have rolled back on its own, as it does when the disk is full.
    try {
      statements.rollback.run()
    } catch {}
    throw error
  }
}

function append(statements: Statements, counters: Counters, request: CommitRequest): Float64Array {
  const { appends, appendKeys, slab, now } = request
  const count = appends.length / APPEND_FIELDS
  const positions = new Float64Array(count)
  let nextKey = 0
  for (let i = 0; i < count; i++) {
    const field = i * APPEND_FIELDS
    const channel = appends[field] as number
    const lane = appends[field + 1] as number
    const offset = appends[field + 2] as number
    const length = appends[field + 3] as number
    const key = appendKeys[nextKey]?.[0] === i ? appendKeys[nextKey++]?.[1] : undefined
    const counts = counters.channels.get(channel) as { last: number; bytes: number; at: number }
    const known = key === undefined ? undefined : knownPosition(statements, channel, key)
    if (known !== undefined) {
      positions[i] = -known
      continue
    }
    counts.last++
    counts.bytes += length
    counts.at = Math.max(counts.at, now)
    statements.append.run(
      channel * POSITIONS + counts.last,
      lane,
      counts.at,
      counts.bytes,
      new Uint8Array(slab, offset, length),
    )
    if (key !== undefined) remember(statements, counters, channel, key, counts.last)
    positions[i] = counts.last
  }
  return positions
}

function insertTask(statements: Statements, counters: Counters, task: TaskInsert, slab: ArrayBuffer): number {
  if (task.dedupKey !== undefined && task.origin === 0) {
    const known = knownPosition(statements, task.dedupChannel, task.dedupKey)
    if (known !== undefined) return -known
    remember(statements, counters, task.dedupChannel, task.dedupKey, counters.taskId + 1)
  }
  const id = ++counters.taskId
  statements.insertTask.run(
    id,
    task.feed,
    task.queue,
    task.lane,
    task.due,
    task.attempt,
    task.handOuts,
    task.note ?? null,
    task.dedupKey ?? null,
    task.parked ?? null,
    task.parked === undefined ? null : task.now,
    task.origin,
    task.storedAt,
    task.length,
    new Uint8Array(slab, task.offset, task.length),
  )
  return id
}

function knownPosition(statements: Statements, channel: number, key: string): number | undefined {
  const row = statements.dedup[0].get(channel, key) ?? statements.dedup[1].get(channel, key)
  return row?.position as number | undefined
}

function remember(statements: Statements, counters: Counters, channel: number, key: string, position: number): void {
  statements.addDedup[counters.dedup.generation === 0 ? 0 : 1].run(channel, key, position)
}

/** Two generations take turns, so that forgetting is one cheap statement instead of a row each. */
function turnDedup(statements: Statements, counters: Counters, now: number): void {
  if (now - counters.dedup.since < DEDUP_WINDOW_MS) return
  const generation = counters.dedup.generation === 0 ? 1 : 0
  statements.clearDedup[generation].run()
  counters.dedup = { generation, since: now }
  statements.setMeta.run(generation, 'dedup_generation')
  statements.setMeta.run(now, 'dedup_since')
}
