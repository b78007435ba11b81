import type { DatabaseSync } from 'node:sqlite'
import { type Counters, commit } from './commit.ts'
import { faultOf, isDiskFault, isIoFault, type StoreFault } from './errors.ts'
import type { ChannelInfo, FeedInfo, QueueInfo, Reply, Request } from './protocol.ts'
import { beginningOf, countParked, cutLog, fetchTasks, parkedAt, readLog, readTasks, seekLog } from './read.ts'
import { recoverHandOuts } from './recover.ts'
import { Reserve } from './reserve.ts'
import { openDatabase, POSITIONS, prepare, type Statements } from './schema.ts'

/** Pages that vacuum moves pass the write-ahead log first: 2 MiB a step, which the reserve holds. */
const FREE_PAGES_PER_STEP = 512
const FREE_STEPS = 8
const REMOVE_ROWS = 2_000

/**
 * Owns the file. Synchronous, one request at a time, in a thread of its own (or in the caller's, for tests). A request
 * that fails leaves nothing behind; after a failed write or fsync the file is opened again, as what the page cache
 * holds then is not what the disk holds.
 */
export class Store {
  #db: DatabaseSync | undefined
  #statements: Statements | undefined
  #reserve: Reserve | undefined
  #dataDir = ''
  readonly #counters: Counters = { channels: new Map(), taskId: 0, dedup: { generation: 0, since: 0 } }

  handle(request: Request): Reply {
    try {
      return { ok: true, value: this.#run(request) }
    } catch (error) {
      const fault = faultOf(error)
      if (request.op !== 'open' && isDiskFault(fault)) this.#onDiskFault(fault)
      return { ok: false, fault }
    }
  }

  #run(request: Request): unknown {
    if (request.op === 'open') return this.#open(request.dataDir, request.now)
    const db = this.#db ?? this.#reopen()
    const statements = this.#statements as Statements
    switch (request.op) {
      case 'commit':
        return commit(statements, this.#counters, request)
      case 'create':
        return this.#atomically(() => this.#create(statements, request))
      case 'remove':
        return this.#remove(db, request.channel)
      case 'readLog':
        return readLog(statements, request)
      case 'fetch':
        return fetchTasks(statements, request)
      case 'readTasks':
        return readTasks(statements, request)
      case 'parkedAt':
        return parkedAt(statements, request)
      case 'countParked':
        return countParked(statements, request)
      case 'beginning':
        return beginningOf(statements, request)
      case 'seek':
        return seekLog(statements, request.channel, request.time)
      case 'redrive':
        return this.#atomically(() => redrive(statements, request))
      case 'purge':
        return this.#atomically(() => purge(statements, request))
      case 'retain':
        return this.#atomically(() => cutLog(statements, request))
      case 'relieve':
        return this.#relieve(db)
      case 'close':
        return this.#close(db)
    }
  }

  #open(dataDir: string, now: number): { taskId: number } {
    this.#dataDir = dataDir
    this.#reserve = new Reserve(dataDir)
    this.#reopen()
    const db = this.#db as DatabaseSync
    this.#counters.taskId = this.#atomically(() => recoverHandOuts(db, now))
    this.#reserve.take()
    return { taskId: this.#counters.taskId }
  }

  #reopen(): DatabaseSync {
    this.#db = openDatabase(this.#dataDir)
    this.#statements = prepare(this.#db)
    const meta = (key: string) => this.#statements?.meta.get(key)?.value as number
    this.#counters.dedup = { generation: meta('dedup_generation'), since: meta('dedup_since') }
    for (const [id] of this.#counters.channels) this.#count(this.#statements, id)
    return this.#db
  }

  #atomically<T>(change: () => T): T {
    const statements = this.#statements as Statements
    statements.begin.run()
    try {
      const value = change()
      statements.commit.run()
      return value
    } catch (error) {
      if (this.#db?.isTransaction) statements.rollback.run()
      throw error
    }
  }

  #create(statements: Statements, request: Extract<Request, { op: 'create' }>): ChannelInfo {
    if (statements.channel.get(request.channel) === undefined) {
      statements.addChannel.run(request.channel, request.kind, request.lanes)
    }
    const row = statements.channel.get(request.channel) as Record<string, number | string>
    const id = row.id as number
    const { last, bytes } = this.#count(statements, id)
    const cut = row.cut as number
    for (const name of request.subscriptions) statements.addFeed.run(id, name, cut)
    const feeds = statements.feeds.all(id).map((feed): FeedInfo => {
      const handed = feed.handed as number
      const before = statements.logLast.get(id * POSITIONS, id * POSITIONS + handed)
      return {
        id: feed.id as number,
        name: feed.name as string,
        handed,
        handedBytes: (before?.total ?? row.cut_bytes) as number,
        queues: statements.queues.all(feed.id as number) as unknown as QueueInfo[],
      }
    })
    const kind = row.kind as ChannelInfo['kind']
    return { id, name: request.channel, kind, lanes: row.lanes as number, last, lastBytes: bytes, feeds }
  }

  /** The highest position and the bytes up to it: of the last row, or of the last one that retention cut. */
  #count(statements: Statements, channel: number): { last: number; bytes: number } {
    const base = channel * POSITIONS
    const row = statements.logLast.get(base, base + POSITIONS - 1)
    const cut = this.#db?.prepare('SELECT cut, cut_bytes FROM channel WHERE id = ?').get(channel)
    const counters = {
      last: row === undefined ? (cut?.cut as number) : (row.id as number) - base,
      bytes: (row?.total ?? cut?.cut_bytes ?? 0) as number,
      at: (row?.stored_at ?? 0) as number,
    }
    this.#counters.channels.set(channel, counters)
    return counters
  }

  #onDiskFault(fault: StoreFault): void {
    this.#reserve?.give()
    if (!isIoFault(fault)) return
    try {
      this.#db?.close()
    } catch {
      // Closing checkpoints, which fails for the same reason. The next request opens the file again.
    }
    this.#db = undefined
  }

  /** Gives freed pages back to the file system and takes the reserve again. False: there is still no room. */
  #relieve(db: DatabaseSync): boolean {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    for (let step = 0; step < FREE_STEPS; step++) {
      db.exec(`PRAGMA incremental_vacuum(${FREE_PAGES_PER_STEP})`)
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    }
    return this.#reserve?.take() ?? true
  }

  #remove(db: DatabaseSync, name: string): boolean {
    const id = this.#statements?.channel.get(name)?.id as number | undefined
    if (id === undefined) return false
    const isMore = this.#atomically(() => removeChannel(db, id))
    if (!isMore) this.#counters.channels.delete(id)
    return isMore
  }

  #close(db: DatabaseSync): void {
    db.close()
    this.#db = undefined
  }
}

/** A step, so that no commit waits for a long deletion. Answers true while there is more. */
function removeChannel(db: DatabaseSync, channel: number): boolean {
  const base = channel * POSITIONS
  const logs = db
    .prepare('DELETE FROM log WHERE id IN (SELECT id FROM log WHERE id > ? AND id < ? LIMIT ?)')
    .run(base, base + POSITIONS, REMOVE_ROWS)
  const tasks = db
    .prepare(
      'DELETE FROM task WHERE id IN (SELECT id FROM task WHERE feed IN (SELECT id FROM feed WHERE channel = ?) LIMIT ?)',
    )
    .run(channel, REMOVE_ROWS)
  if (Number(logs.changes) + Number(tasks.changes) > 0) return true
  for (const table of ['dedup0', 'dedup1', 'feed']) db.prepare(`DELETE FROM ${table} WHERE channel = ?`).run(channel)
  db.prepare('DELETE FROM channel WHERE id = ?').run(channel)
  return false
}

function redrive(statements: Statements, request: Extract<Request, { op: 'redrive' }>): unknown[] {
  return request.ids.flatMap((id) => statements.redrive.all(request.now, id, request.feed))
}

function purge(statements: Statements, request: Extract<Request, { op: 'purge' }>): number {
  if (request.ids === undefined) {
    const { changes } = statements.purgeBefore.run(request.feed, request.parkedBefore, request.queue ?? null)
    return Number(changes)
  }
  return request.ids.reduce((sum, id) => sum + Number(statements.purgeOne.run(id, request.feed).changes), 0)
}
