import type { Row, RowKind, RowsEdit } from '@sluice/contract'
import { KIND_OF, OWNED, type OwnedRows } from './owned.ts'

/** What makes the rows in force those that `became`; row by row, so that equal ones are left out. */
export function changesOf(became: ReadonlyMap<string, OwnedRows>, inForce: ReadonlyMap<string, OwnedRows>): RowsEdit {
  const put: Record<RowKind, Row[]> = { logs: [], ingresses: [], routes: [], deliveries: [], sources: [] }
  const removed: Record<RowKind, string[]> = { logs: [], ingresses: [], routes: [], deliveries: [], sources: [] }
  for (const [owner, rows] of became) {
    const before = inForce.get(owner) ?? {}
    for (const field of OWNED) {
      const row = rows[field]
      if (row === undefined) {
        if (before[field] !== undefined) removed[KIND_OF[field]].push(owner)
      } else if (row.hash !== before[field]?.hash) put[KIND_OF[field]].push(row)
    }
  }
  return { put: put as unknown as RowsEdit['put'], removed }
}
