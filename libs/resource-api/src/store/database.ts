import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { faultOf, isIoFault } from './faults.ts'
import type { Compaction, Opened, Reply, Request, Row } from './protocol.ts'

const SCHEMA = `
CREATE TABLE IF NOT EXISTS revision (
  rv INTEGER PRIMARY KEY, at INTEGER NOT NULL, resource TEXT NOT NULL, key TEXT NOT NULL, object TEXT) STRICT;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('schema', 1), ('compacted', 1);
`
const SCHEMA_VERSION = 1
const PAGE_ROWS = 1_000
const PAGE_BYTES = 8 * 1024 * 1024
const SQLITE_CORRUPT = 11

/** Owns the file. Synchronous, one request at a time, in a thread of its own (or in the caller's, for tests). */
export class Database {
  #path = ''
  #last = 0
  #open: { readonly db: DatabaseSync; readonly statements: ReturnType<typeof prepare> } | undefined

  handle(request: Request): Reply {
    try {
      return { ok: true, value: this.#run(request) }
    } catch (error) {
      const fault = faultOf(error)
      if (request.op === 'commit' && isIoFault(fault)) this.#drop()
      return { ok: false, fault }
    }
  }

  #run(request: Request): unknown {
    switch (request.op) {
      case 'open': {
        this.#path = request.path
        const { db, statements } = this.#reopen()
        check(db)
        const value = (key: string) => statements.meta.get(key)?.value as number
        if (value('schema') !== SCHEMA_VERSION) throw fault(1, `it is of a newer version (${value('schema')})`)
        this.#last = (statements.last.get()?.last ?? 0) as number
        return { compacted: value('compacted') } satisfies Opened
      }
      case 'load':
        return page(this.#reopen().statements, request.after)
      case 'commit':
        return this.#commit(request.rows, request.compaction)
      case 'close':
        this.#open?.db.close()
        this.#open = undefined
        return undefined
    }
  }

  #reopen() {
    if (this.#open !== undefined) return this.#open
    const db = openFile(this.#path)
    this.#open = { db, statements: prepare(db) }
    return this.#open
  }

  #commit(rows: readonly Row[], compaction: Compaction | undefined): void {
    const isAnew = this.#open === undefined
    const { db, statements } = this.#reopen()
    statements.begin.run()
    try {
      // a commit that failed was refused, whatever of it is on disk
      if (isAnew) statements.forgetAfter.run(this.#last)
      for (const { rv, at, resource, key, object } of rows) statements.insert.run(rv, at, resource, key, object)
      if (compaction !== undefined) {
        for (const rv of compaction.rows) statements.forget.run(rv)
        statements.setMeta.run(compaction.upTo, 'compacted')
      }
      statements.commit.run()
    } catch (error) {
      if (db.isTransaction) statements.rollback.run()
      throw error
    }
    this.#last = rows.at(-1)?.rv ?? this.#last
  }

  #drop(): void {
    try {
      this.#open?.db.close()
    } catch {
      // closing checkpoints, which fails for the same reason
    }
    this.#open = undefined
  }
}

function openFile(path: string): DatabaseSync {
  if (path !== ':memory:') {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // for its owner alone, as there are Secrets in it; what SQLite puts beside it is like it
    closeSync(openSync(path, 'a', 0o600))
  }
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    db.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA journal_size_limit = 16777216;
      BEGIN EXCLUSIVE;
      ${SCHEMA}
      COMMIT;`)
  } catch (error) {
    db.close()
    throw error
  }
  return db
}

/** The next rows, at least one if there is one. */
function page({ load }: ReturnType<typeof prepare>, after: number): readonly Row[] {
  const rows: Row[] = []
  let size = 0
  for (const row of load.iterate(after, PAGE_ROWS) as Iterable<unknown> as Iterable<Row>) {
    rows.push(row)
    size += row.object?.length ?? 0
    if (size > PAGE_BYTES) break
  }
  return rows
}

function check(db: DatabaseSync): void {
  const [finding] = db.prepare('PRAGMA quick_check(1)').all()
  const word = String(Object.values(finding ?? {})[0])
  if (word !== 'ok') throw fault(SQLITE_CORRUPT, word)
}

function fault(errcode: number, message: string): object {
  return { errcode, message }
}

function prepare(db: DatabaseSync) {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    insert: db.prepare('INSERT INTO revision VALUES (?, ?, ?, ?, ?)'),
    forget: db.prepare('DELETE FROM revision WHERE rv = ?'),
    forgetAfter: db.prepare('DELETE FROM revision WHERE rv > ?'),
    load: db.prepare('SELECT rv, at, resource, key, object FROM revision WHERE rv > ? ORDER BY rv LIMIT ?'),
    last: db.prepare('SELECT max(rv) AS last FROM revision'),
    meta: db.prepare('SELECT value FROM meta WHERE key = ?'),
    setMeta: db.prepare('UPDATE meta SET value = ? WHERE key = ?'),
  }
}
