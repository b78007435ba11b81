import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { StateLimits } from './limits.ts'
import type { Handled, KeptSource, StateFault, StateReply, StateRequest } from './requests.ts'

const SCHEMA = `
CREATE TABLE IF NOT EXISTS source (
  uid TEXT PRIMARY KEY, term INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
  remembered INTEGER NOT NULL DEFAULT 0, report TEXT, goneAt INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (
  uid TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (uid, key)) STRICT;
CREATE TABLE IF NOT EXISTS remembered (
  uid TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (uid, key)) STRICT;
CREATE INDEX IF NOT EXISTS expiry ON remembered (uid, until);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('schema', 1);
`
const SCHEMA_VERSION = 1
const SQLITE_IOERR = 10
/** Expired ones that a `remember` takes along. */
const EXPIRED_AT_ONCE = 100

type Statements = ReturnType<typeof prepare>

/**
 * Owns the file of what sources keep. Synchronous; requests that are handed over together are one transaction, and the
 * answer comes once it survives a power loss. Docs: adr/0027-source-desk.md.
 */
export class StateFile {
  readonly #path: string
  readonly #limits: StateLimits
  #open: { readonly db: DatabaseSync; readonly statements: Statements } | undefined

  constructor(path: string, limits: StateLimits) {
    this.#path = path
    this.#limits = limits
  }

  load(): Handled<readonly KeptSource[]> {
    return this.#handled(() => {
      const { statements } = this.#reopen()
      const version = statements.version.get()?.value
      if (version !== SCHEMA_VERSION) throw { errcode: 1, message: `it is of a newer version (${version})` }
      return statements.sources.all() as unknown as KeptSource[]
    })
  }

  handle(requests: readonly StateRequest[]): Handled<readonly StateReply[]> {
    return this.#handled(() => {
      const { db, statements } = this.#reopen()
      statements.begin.run()
      try {
        const replies = requests.map((request) => this.#run(statements, request))
        statements.commit.run()
        return replies
      } catch (error) {
        if (db.isTransaction) statements.rollback.run()
        throw error
      }
    })
  }

  close(): void {
    this.#open?.db.close()
    this.#open = undefined
  }

  #run(statements: Statements, request: StateRequest): StateReply {
    if ('term' in request && statements.term.get(request.uid)?.term !== request.term)
      return { ok: false, refused: 'term' }
    switch (request.op) {
      case 'grant':
        for (const [uid, term] of request.terms) statements.grant.run(uid, term)
        return { ok: true }
      case 'get':
        return { ok: true, value: statements.get.get(request.uid, request.key)?.value }
      case 'list':
        return { ok: true, value: page(statements, request, this.#limits) }
      case 'put':
        return put(statements, request, this.#limits.sourceBytes)
      case 'report':
        statements.report.run(request.report, request.uid)
        return { ok: true }
      case 'remember':
        return { ok: true, value: remember(statements, request, this.#limits.remembered) }
      case 'mark':
        for (const uid of request.uids) statements.mark.run(request.goneAt, uid)
        return { ok: true }
      case 'forget':
        for (const uid of request.uids) for (const statement of statements.forget) statement.run(uid)
        return { ok: true }
    }
  }

  #reopen() {
    if (this.#open !== undefined) return this.#open
    const db = openFile(this.#path, this.#limits.fileBytes)
    this.#open = { db, statements: prepare(db) }
    return this.#open
  }

  /** After a failed write or fsync nobody knows what is on disk: the file is opened again. */
  #handled<T>(work: () => T): Handled<T> {
    try {
      return { ok: true, value: work() }
    } catch (error) {
      const fault = faultOf(error)
      if ((fault.errcode & 0xff) === SQLITE_IOERR) this.#drop()
      return { ok: false, fault }
    }
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

type Of<Op extends StateRequest['op']> = Extract<StateRequest, { op: Op }>

/** Answers how many bytes the source keeps then. */
function put(statements: Statements, { uid, changes }: Of<'put'>, maxBytes: number): StateReply {
  const before = statements.term.get(uid)?.bytes as number
  let bytes = before
  for (const [key, value] of changes) bytes += sizeOf(key, value) - sizeOf(key, keptValue(statements, uid, key))
  // what makes room is taken even beyond the bound, which may have been lowered
  if (bytes > maxBytes && bytes > before) return { ok: false, refused: 'size', bytes, maxBytes }
  for (const [key, value] of changes) {
    if (value === null) statements.remove.run(uid, key)
    else statements.put.run(uid, key, value)
  }
  statements.setBytes.run(bytes, uid)
  return { ok: true, value: bytes }
}

function keptValue(statements: Statements, uid: string, key: string): string | null {
  return (statements.get.get(uid, key)?.value ?? null) as string | null
}

function sizeOf(key: string, value: string | null): number {
  return value === null ? 0 : Buffer.byteLength(key) + Buffer.byteLength(value)
}

/** In the order of their UTF-8 bytes, so that those with a prefix follow each other. */
function page(statements: Statements, { uid, prefix, limit, after }: Of<'list'>, limits: StateLimits) {
  const entries: [string, string][] = []
  let bytes = 0
  const isBehind = after !== undefined && Buffer.compare(Buffer.from(after), Buffer.from(prefix)) >= 0
  const rows = isBehind ? statements.behind.iterate(uid, after) : statements.from.iterate(uid, prefix)
  for (const { key, value } of rows as Iterable<unknown> as Iterable<{ key: string; value: string }>) {
    if (!key.startsWith(prefix) || entries.length >= Math.min(limit, limits.pageKeys) || bytes > limits.pageBytes) break
    entries.push([key, value])
    bytes += sizeOf(key, value)
  }
  return entries
}

/** What is there now, and whether something made room that had not expired. */
function remember(statements: Statements, { uid, key, value, now, until }: Of<'remember'>, most: number) {
  const there = statements.remembered.get(uid, key, now)?.value
  if (there !== undefined) return { value: there, hasEvicted: false }
  statements.known.run(uid)
  const before = Number(statements.countOf.get(uid)?.remembered)
  const expired = Number(statements.expire.run(uid, uid, now, EXPIRED_AT_ONCE).changes)
  const hasEvicted = before - expired >= most && statements.evict.run(uid, uid).changes > 0
  // one that has expired may still lie there
  const { changes } = statements.replaced.run(uid, key)
  statements.remember.run(uid, key, value, until)
  statements.count.run(before - expired - (hasEvicted ? 1 : 0) - Number(changes) + 1, uid)
  return { value, hasEvicted }
}

const PAGE_BYTES = 4_096

function openFile(path: string, maxBytes: number): DatabaseSync {
  if (path !== ':memory:') {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    closeSync(openSync(path, 'a', 0o600))
  }
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    db.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA journal_size_limit = 16777216;
      PRAGMA max_page_count = ${Math.ceil(maxBytes / PAGE_BYTES)};
      BEGIN EXCLUSIVE;
      ${SCHEMA}
      COMMIT;`)
  } catch (error) {
    db.close()
    throw error
  }
  return db
}

function faultOf(error: unknown): StateFault {
  const { errcode, message } = error as { errcode?: unknown; message?: unknown }
  return { errcode: typeof errcode === 'number' ? errcode : 1, message: String(message ?? error) }
}

function prepare(db: DatabaseSync) {
  const p = (sql: string) => db.prepare(sql)
  return {
    begin: p('BEGIN IMMEDIATE'),
    commit: p('COMMIT'),
    rollback: p('ROLLBACK'),
    version: p("SELECT value FROM meta WHERE key = 'schema'"),
    sources: p('SELECT uid, term, bytes, report, goneAt FROM source'),
    term: p('SELECT term, bytes FROM source WHERE uid = ?'),
    grant: p('INSERT INTO source (uid, term) VALUES (?1, ?2) ON CONFLICT (uid) DO UPDATE SET term = max(term, ?2)'),
    known: p('INSERT OR IGNORE INTO source (uid) VALUES (?)'),
    get: p('SELECT value FROM state WHERE uid = ? AND key = ?'),
    from: p('SELECT key, value FROM state WHERE uid = ? AND key >= ? ORDER BY key'),
    behind: p('SELECT key, value FROM state WHERE uid = ? AND key > ? ORDER BY key'),
    put: p('INSERT INTO state VALUES (?1, ?2, ?3) ON CONFLICT (uid, key) DO UPDATE SET value = ?3'),
    remove: p('DELETE FROM state WHERE uid = ? AND key = ?'),
    setBytes: p('UPDATE source SET bytes = ? WHERE uid = ?'),
    report: p('UPDATE source SET report = ? WHERE uid = ?'),
    remembered: p('SELECT value FROM remembered WHERE uid = ? AND key = ? AND until > ?'),
    countOf: p('SELECT remembered FROM source WHERE uid = ?'),
    count: p('UPDATE source SET remembered = ? WHERE uid = ?'),
    expire: p(
      'DELETE FROM remembered WHERE uid = ? AND key IN (SELECT key FROM remembered WHERE uid = ? AND until <= ? LIMIT ?)',
    ),
    evict: p(
      'DELETE FROM remembered WHERE uid = ? AND key IN (SELECT key FROM remembered WHERE uid = ? ORDER BY until LIMIT 1)',
    ),
    replaced: p('DELETE FROM remembered WHERE uid = ? AND key = ?'),
    remember: p('INSERT INTO remembered VALUES (?, ?, ?, ?)'),
    mark: p('UPDATE source SET goneAt = ? WHERE uid = ?'),
    forget: ['source', 'state', 'remembered'].map((table) => p(`DELETE FROM ${table} WHERE uid = ?`)),
  }
}
