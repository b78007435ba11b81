import { byKind, ROW_KINDS } from './delta.ts'
import type { Change } from './document.ts'
import type { Delta, Row, RowKind, Rows } from './rows.ts'

type Changes = Pick<Delta, 'put' | 'removed'>

/** What one reader has not got yet, merged: a row that changed twice is there once, as it is now. */
export interface Pending {
  add(change: Change): void
  isEmpty(): boolean
  /** All of it, and nothing is left. */
  take(): Changes
  /** These may or may not have arrived, and are older than what is there. */
  giveBack(changes: Changes): void
}

interface Entry {
  /** Undefined: removed. */
  readonly row: Row | undefined
  /** Whether the reader may have some row of that uid. */
  readonly isHeld: boolean
}

export function createPending(): Pending {
  let entries = byKind(() => new Map<string, Entry>())

  function merge(kind: RowKind, uid: string, row: Row | undefined, isHeld: boolean): void {
    const entry = { row, isHeld: entries[kind].get(uid)?.isHeld ?? isHeld }
    if (row === undefined && !entry.isHeld) entries[kind].delete(uid)
    else entries[kind].set(uid, entry)
  }

  return {
    add({ delta, added }) {
      for (const kind of ROW_KINDS) {
        for (const uid of delta.removed[kind]) merge(kind, uid, undefined, true)
        for (const row of delta.put[kind]) merge(kind, row.uid, row, !added[kind].has(row.uid))
      }
    },
    isEmpty: () => ROW_KINDS.every((kind) => entries[kind].size === 0),
    take() {
      const taken = entries
      entries = byKind(() => new Map())
      return {
        put: byKind((kind) => [...taken[kind].values()].flatMap(({ row }) => row ?? [])) as unknown as Rows,
        removed: byKind((kind) => [...taken[kind]].flatMap(([uid, { row }]) => (row === undefined ? [uid] : []))),
      }
    },
    giveBack({ put, removed }) {
      for (const kind of ROW_KINDS) {
        const newer = entries[kind]
        const all = new Map<string, Entry>()
        for (const uid of removed[kind]) all.set(uid, { row: undefined, isHeld: true })
        for (const row of put[kind]) all.set(row.uid, { row, isHeld: true })
        for (const [uid, { row, isHeld }] of newer) all.set(uid, { row, isHeld: isHeld || all.has(uid) })
        entries[kind] = all
      }
    },
  }
}
