import type { DatabaseSync } from 'node:sqlite'
import { unpackAscending } from './positions.ts'
import { POSITIONS } from './schema.ts'

/** More than one process will ever insert. */
const ID_BLOCK = 2 ** 33

/**
 * What was handed out and not ended when the last process went away: log entries become tasks of their own, tasks
 * count one hand-out more, unless they were given back at an orderly end. Answers the highest task id in use.
 * Ids are never given twice, also not after their rows are gone: each open begins a block of its own.
 */
export function recoverHandOuts(db: DatabaseSync, now: number): number {
  const move = db.prepare(`
    INSERT INTO task
    SELECT ?1, ?2, '', lane, ?3, 1, ?4, NULL, NULL, NULL, NULL, ?5, stored_at, length(event), event FROM log WHERE id = ?6`)
  const count = db.prepare('UPDATE task SET hand_outs = hand_outs + 1 WHERE id = ?')
  const settle = db.prepare(`UPDATE feed SET open = x'', out = x'', clean = 0 WHERE id = ?`)
  let id = lastTaskId(db)
  for (const row of db
    .prepare("SELECT id, channel, open, out, clean FROM feed WHERE open != x'' OR out != x''")
    .all()) {
    const feed = row.id as number
    const handOuts = row.clean === 1 ? 0 : 1
    for (const entry of unpackAscending(row.open as Uint8Array)) {
      const position = Math.floor(entry / 2)
      const lost = entry % 2 === 1 ? handOuts : 0
      move.run(++id, feed, now, lost, position, (row.channel as number) * POSITIONS + position)
    }
    if (handOuts === 1) for (const id of unpackAscending(row.out as Uint8Array)) count.run(id)
    settle.run(feed)
  }
  db.prepare("UPDATE meta SET value = ? WHERE key = 'task_ids'").run(id + ID_BLOCK)
  return id
}

function lastTaskId(db: DatabaseSync): number {
  const last = db.prepare(
    "SELECT max(coalesce((SELECT max(id) FROM task), 0), (SELECT value FROM meta WHERE key = 'task_ids')) AS id",
  )
  return last.get()?.id as number
}
