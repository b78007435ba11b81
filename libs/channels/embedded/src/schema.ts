import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Positions of one channel are neighbours in the file: the row id is channel × 2^36 + position. */
export const POSITIONS = 2 ** 36

const SCHEMA = `
CREATE TABLE IF NOT EXISTS channel (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, lanes INTEGER NOT NULL,
  cut INTEGER NOT NULL DEFAULT 0, cut_bytes INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE IF NOT EXISTS feed (
  id INTEGER PRIMARY KEY, channel INTEGER NOT NULL, name TEXT NOT NULL, handed INTEGER NOT NULL DEFAULT 0,
  open BLOB NOT NULL DEFAULT x'', out BLOB NOT NULL DEFAULT x'', clean INTEGER NOT NULL DEFAULT 0,
  UNIQUE (channel, name)) STRICT;
CREATE TABLE IF NOT EXISTS log (
  id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, stored_at INTEGER NOT NULL, total INTEGER NOT NULL,
  event BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS task (
  id INTEGER PRIMARY KEY, feed INTEGER NOT NULL, queue TEXT NOT NULL, lane INTEGER NOT NULL, due INTEGER NOT NULL,
  attempt INTEGER NOT NULL, hand_outs INTEGER NOT NULL, note TEXT, dedup_key TEXT, parked TEXT, parked_at INTEGER,
  origin INTEGER NOT NULL, stored_at INTEGER NOT NULL, size INTEGER NOT NULL, event BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS task_due ON task (feed, queue, due, id) WHERE parked IS NULL;
CREATE INDEX IF NOT EXISTS task_parked ON task (feed, parked_at) WHERE parked IS NOT NULL;
CREATE TABLE IF NOT EXISTS dedup0 (
  channel INTEGER NOT NULL, key TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (channel, key)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dedup1 (
  channel INTEGER NOT NULL, key TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (channel, key)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('schema', 1), ('dedup_generation', 0), ('dedup_since', 0), ('task_ids', 0);
`

/**
 * Opens `channel.db` for this process alone: the lock is the operating system's and goes with the process, however it
 * ends. Throws SQLite's own errors; SQLITE_BUSY means that another process has the folder.
 */
export function openDatabase(dataDir: string): DatabaseSync {
  if (dataDir !== ':memory:') mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(dataDir === ':memory:' ? dataDir : join(dataDir, 'channel.db'), { timeout: 0 })
  db.exec(`
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA journal_size_limit = 16777216;
    BEGIN EXCLUSIVE;
    ${SCHEMA}
    COMMIT;`)
  return db
}

export type Statements = ReturnType<typeof prepare>

export function prepare(db: DatabaseSync) {
  const taskColumns =
    'id, queue, lane, due, attempt, hand_outs, note, dedup_key, parked, parked_at, origin, stored_at, event'
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    append: db.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?)'),
    logAfter: db.prepare(
      'SELECT id, lane, stored_at, total, event FROM log WHERE id > ? AND id < ? ORDER BY id LIMIT ?',
    ),
    logHeads: db.prepare('SELECT id, stored_at, total FROM log WHERE id > ? AND id <= ? ORDER BY id LIMIT ?'),
    logLast: db.prepare('SELECT id, stored_at, total FROM log WHERE id > ? AND id <= ? ORDER BY id DESC LIMIT 1'),
    logCut: db.prepare('DELETE FROM log WHERE id > ? AND id <= ?'),
    insertTask: db.prepare('INSERT INTO task VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    endTask: db.prepare('DELETE FROM task WHERE id = ?'),
    updateTask: db.prepare(
      'UPDATE task SET attempt = ?, hand_outs = ?, due = ?, note = ?, parked = ?, parked_at = ? WHERE id = ?',
    ),
    handOutTask: db.prepare('UPDATE task SET hand_outs = hand_outs + 1 WHERE id = ?'),
    dueIds: db.prepare(
      'SELECT id FROM task WHERE feed = ? AND queue = ? AND due <= ? AND parked IS NULL ORDER BY due, id LIMIT ?',
    ),
    nextDue: db.prepare(
      'SELECT due FROM task WHERE feed = ? AND queue = ? AND due > ? AND parked IS NULL ORDER BY due LIMIT 1',
    ),
    task: db.prepare(`SELECT ${taskColumns} FROM task WHERE id = ?`),
    waitingAfter: db.prepare(
      `SELECT ${taskColumns} FROM task WHERE feed = ? AND id > ? AND parked IS NULL ORDER BY id LIMIT ?`,
    ),
    parkedAfter: db.prepare(
      `SELECT ${taskColumns} FROM task WHERE feed = ? AND id > ? AND parked IS NOT NULL AND (?3 IS NULL OR queue = ?3)
       ORDER BY id LIMIT ?4`,
    ),
    parkedAt: db.prepare(`SELECT ${taskColumns} FROM task WHERE id = ? AND feed = ? AND parked IS NOT NULL`),
    countParked: db.prepare(
      'SELECT count(*) AS events FROM task WHERE feed = ?1 AND parked IS NOT NULL AND (?2 IS NULL OR queue = ?2)',
    ),
    redrive: db.prepare(
      `UPDATE task SET parked = NULL, parked_at = NULL, attempt = 1, hand_outs = 0, note = NULL, due = ?
       WHERE id = ? AND feed = ? AND parked IS NOT NULL RETURNING queue, size`,
    ),
    purgeOne: db.prepare('DELETE FROM task WHERE id = ? AND feed = ? AND parked IS NOT NULL'),
    purgeBefore: db.prepare(
      'DELETE FROM task WHERE feed = ?1 AND parked IS NOT NULL AND parked_at < ?2 AND (?3 IS NULL OR queue = ?3)',
    ),
    cursor: db.prepare('UPDATE feed SET handed = ?, open = ?, out = ?, clean = ? WHERE id = ?'),
    feeds: db.prepare('SELECT id, name, handed FROM feed WHERE channel = ? ORDER BY id'),
    queues: db.prepare(
      'SELECT queue, count(*) AS events, sum(size) AS bytes, min(due) AS due FROM task WHERE feed = ? AND parked IS NULL GROUP BY queue',
    ),
    channel: db.prepare('SELECT id, name, kind, lanes, cut, cut_bytes FROM channel WHERE name = ?'),
    addChannel: db.prepare('INSERT INTO channel (name, kind, lanes) VALUES (?, ?, ?)'),
    addFeed: db.prepare('INSERT OR IGNORE INTO feed (channel, name, handed) VALUES (?, ?, ?)'),
    cut: db.prepare('SELECT cut FROM channel WHERE id = ?'),
    setCut: db.prepare('UPDATE channel SET cut = ?, cut_bytes = ? WHERE id = ?'),
    dedup: [
      db.prepare('SELECT position FROM dedup0 WHERE channel = ? AND key = ?'),
      db.prepare('SELECT position FROM dedup1 WHERE channel = ? AND key = ?'),
    ] as const,
    addDedup: [
      db.prepare('INSERT INTO dedup0 VALUES (?, ?, ?)'),
      db.prepare('INSERT INTO dedup1 VALUES (?, ?, ?)'),
    ] as const,
    clearDedup: [db.prepare('DELETE FROM dedup0'), db.prepare('DELETE FROM dedup1')] as const,
    meta: db.prepare('SELECT value FROM meta WHERE key = ?'),
    setMeta: db.prepare('UPDATE meta SET value = ? WHERE key = ?'),
  }
}
