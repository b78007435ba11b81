import { hashOf, hasSameContent } from './hash.ts'
import type { Contract, Delta, Row, RowKind, Rows, RowsEdit } from './rows.ts'

/** In the order a role wants them: what is referred to comes first. */
export const ROW_KINDS = ['logs', 'ingresses', 'deliveries', 'routes'] as const satisfies readonly RowKind[]

export const NO_ROWS: Rows = { logs: [], ingresses: [], routes: [], deliveries: [] }

/** What a reader holds: by kind and uid the hash of the row. A reconnecting reader sends this and gets the difference. */
export type Known = Readonly<Record<RowKind, ReadonlyMap<string, string>>>

export const NOTHING_KNOWN: Known = { logs: new Map(), ingresses: new Map(), routes: new Map(), deliveries: new Map() }

/** The same rows with the hash of each; those that `former` holds with equal content are taken from there as they are. */
export function withHashes(rows: Rows, former: Rows = NO_ROWS): Rows {
  return rowsByKind((kind) => {
    const before = new Map((former[kind] as readonly Row[]).map((row) => [row.uid, row]))
    return (rows[kind] as readonly Row[]).map((row) => {
      const known = before.get(row.uid)
      return known !== undefined && (known === row || hasSameContent(row, known))
        ? known
        : { ...row, hash: hashOf(row) }
    })
  })
}

export function knownOf(rows: Rows): Known {
  return byKind((kind) => new Map((rows[kind] as readonly Row[]).map((row) => [row.uid, row.hash])))
}

/** What a reader of `known` lacks to hold `contract`. */
export function difference(known: Known, contract: Contract): Delta {
  const current = knownOf(contract)
  return {
    epoch: contract.epoch,
    revision: contract.revision,
    put: rowsByKind((kind) =>
      (contract[kind] as readonly Row[]).filter((row) => known[kind].get(row.uid) !== row.hash),
    ),
    removed: byKind((kind) => [...known[kind].keys()].filter((uid) => !current[kind].has(uid))),
  }
}

export function isEmpty(delta: Delta): boolean {
  return ROW_KINDS.every((kind) => delta.put[kind].length === 0 && delta.removed[kind].length === 0)
}

/** The document after a delta. Rows that stay keep their place, new ones follow; hashes are computed, not believed. */
export function withDelta(rows: Rows, { epoch, revision, put, removed }: Delta): Contract {
  const next = rowsByKind((kind) => {
    const byUid = new Map((rows[kind] as readonly Row[]).map((row) => [row.uid, row]))
    for (const uid of removed[kind]) byUid.delete(uid)
    for (const row of put[kind] as readonly Row[]) byUid.set(row.uid, row)
    return [...byUid.values()]
  })
  return { ...withHashes(next, rows), epoch, revision }
}

/** Edits one after another, as one. */
export function mergedEdits(edits: readonly RowsEdit[]): RowsEdit {
  const merged = byKind(() => new Map<string, Row | undefined>())
  for (const { put, removed } of edits) {
    for (const kind of ROW_KINDS) {
      for (const uid of removed[kind] ?? []) merged[kind].set(uid, undefined)
      for (const row of (put[kind] ?? []) as readonly Row[]) merged[kind].set(row.uid, row)
    }
  }
  return {
    put: rowsByKind((kind) => [...merged[kind].values()].flatMap((row) => row ?? [])),
    removed: byKind((kind) => [...merged[kind]].flatMap(([uid, row]) => (row === undefined ? [uid] : []))),
  }
}

/** One of each kind. */
export function byKind<T>(of: (kind: RowKind) => T): Record<RowKind, T> {
  return { logs: of('logs'), ingresses: of('ingresses'), routes: of('routes'), deliveries: of('deliveries') }
}

/** Holds where `of` only picks and copies rows of the kind it is asked for. */
function rowsByKind(of: (kind: RowKind) => readonly Row[]): Rows {
  return byKind(of) as unknown as Rows
}
