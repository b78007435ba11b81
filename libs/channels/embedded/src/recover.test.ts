import type { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { packAscending } from './positions.ts'
import { recoverHandOuts } from './recover.ts'
import { openDatabase, POSITIONS } from './schema.ts'

const NOW = 1_000
const FEED = 7
const CHANNEL = 3
let db: DatabaseSync

beforeEach(() => {
  db = openDatabase(':memory:')
  db.prepare('INSERT INTO channel (id, name, kind, lanes) VALUES (?, ?, ?, 8)').run(CHANNEL, 'log', 'log')
  for (let position = 1; position <= 5; position++) {
    const frame = Buffer.from(`event ${position}`)
    db.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?)').run(CHANNEL * POSITIONS + position, position, 500, 0, frame)
  }
})

afterEach(() => db.close())

/** What a feed recorded last: log positions with whether a consumer had them, and ids of tasks at consumers. */
function recorded(open: readonly (readonly [number, boolean])[], out: readonly number[], isClean: boolean): void {
  const doubled = open.map(([position, isOut]) => position * 2 + (isOut ? 1 : 0))
  db.prepare('INSERT INTO feed VALUES (?, ?, ?, 5, ?, ?, ?)').run(
    FEED,
    CHANNEL,
    'sub',
    packAscending(doubled, doubled.length),
    packAscending(out, out.length),
    isClean ? 1 : 0,
  )
}

function task(id: number): void {
  const columns = "(?, ?, 'q', 0, 0, 1, 0, NULL, NULL, NULL, NULL, 0, 0, 1, x'00')"
  db.prepare(`INSERT INTO task VALUES ${columns}`).run(id, FEED)
}

const tasks = () =>
  db
    .prepare('SELECT id, hand_outs, origin, due, lane, attempt, CAST(event AS TEXT) AS event FROM task ORDER BY id')
    .all()

describe('after a crash', () => {
  test('what a consumer had counts one hand-out more, what was passed over counts none', () => {
    recorded(
      [
        [2, true],
        [4, false],
      ],
      [],
      false,
    )
    recoverHandOuts(db, NOW)
    expect(tasks()).toMatchObject([
      { hand_outs: 1, origin: 2, due: NOW, lane: 2, attempt: 1, event: 'event 2' },
      { hand_outs: 0, origin: 4, due: NOW, lane: 4, attempt: 1, event: 'event 4' },
    ])
  })

  test('tasks at consumers count one hand-out more, the others none', () => {
    for (const id of [1, 2, 3]) task(id)
    recorded([], [1, 3], false)
    recoverHandOuts(db, NOW)
    expect(tasks().map(({ hand_outs }) => hand_outs)).toEqual([1, 0, 1])
  })

  test('a hand-out is counted once, also when the next process ends before it hands out anything', () => {
    task(1)
    recorded([[2, true]], [1], false)
    recoverHandOuts(db, NOW)
    recoverHandOuts(db, NOW)
    expect(tasks().map(({ hand_outs }) => hand_outs)).toEqual([1, 1])
  })

  test('a position that retention has cut, or a task that has ended, is nothing to recover', () => {
    recorded([[99, true]], [42], false)
    recoverHandOuts(db, NOW)
    expect(tasks()).toEqual([])
  })
})

test('after an orderly end what was given back comes again, and counts no hand-out', () => {
  task(1)
  recorded([[2, true]], [1], true)
  recoverHandOuts(db, NOW)
  expect(tasks()).toMatchObject([{ hand_outs: 0 }, { hand_outs: 0, origin: 2 }])
})

describe('ids of tasks', () => {
  test('are never given again, not even when every row that had one is gone', () => {
    task(1)
    recorded(
      [
        [1, true],
        [2, true],
      ],
      [],
      false,
    )
    const first = recoverHandOuts(db, NOW)
    db.exec('DELETE FROM task')
    const second = recoverHandOuts(db, NOW)
    expect(second).toBeGreaterThan(first)
    expect(second).toBeGreaterThanOrEqual(first + 2 ** 33)
  })

  test('rise above the highest row there is', () => {
    task(2 ** 40)
    recorded([[3, false]], [], false)
    expect(recoverHandOuts(db, NOW)).toBe(2 ** 40 + 1)
  })

  test('stay exact for a hundred thousand starts', () => {
    expect(Number.isSafeInteger(2 ** 33 * 100_000)).toBe(true)
  })
})
