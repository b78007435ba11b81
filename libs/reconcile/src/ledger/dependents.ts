import type { OwnedRows } from './owned.ts'

/** Who names which log in a route or as where replies go: no row may name one that is gone. */
export interface Dependents {
  changed(owner: string, before: OwnedRows, now: OwnedRows): void
  of(log: string): readonly string[]
}

export function createDependents(rows: Iterable<readonly [string, OwnedRows]>): Dependents {
  const byLog = new Map<string, Set<string>>()
  const logsOf = ({ route, delivery }: OwnedRows) =>
    new Set([route?.log, delivery?.replyLog].filter((log) => log !== undefined))

  function changed(owner: string, before: OwnedRows, now: OwnedRows): void {
    const [old, fresh] = [logsOf(before), logsOf(now)]
    for (const log of old) {
      if (fresh.has(log)) continue
      const owners = byLog.get(log)
      owners?.delete(owner)
      if (owners?.size === 0) byLog.delete(log)
    }
    for (const log of fresh) {
      const owners = byLog.get(log)
      if (owners === undefined) byLog.set(log, new Set([owner]))
      else owners.add(owner)
    }
  }

  for (const [owner, each] of rows) changed(owner, {}, each)
  return { changed, of: (log) => [...(byLog.get(log) ?? [])] }
}
