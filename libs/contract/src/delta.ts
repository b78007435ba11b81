import { hashOf, hasSameContent } from './hash.ts'
import type { Contract, Delta, Row, RowKind, Rows, RowsEdit } from './rows.ts'

/** In the order a role wants them: what is referred to comes first. */
export const ROW_KINDS = ['logs', 'ingresses', 'deliveries', 'routes', 'sources'] as const satisfies readonly RowKind[]

export const NO_ROWS: Rows = { logs: [], ingresses: [], routes: [], deliveries: [], sources: [] }

type Changed = Pick<Delta, 'put' | 'removed'>

/** What a reader holds: by kind and uid the hash of the row. A reconnecting reader sends this and gets the difference. */
export type Known = Readonly<Record<RowKind, ReadonlyMap<string, string>>>

export const NOTHING_KNOWN: Known = byKind(() => new Map())

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

/** Whether nothing but sources changed, which concerns no ingress, filter or dispatcher. */
export function isOfSourcesAlone(delta: Changed): boolean {
  const has = (kind: RowKind) => delta.put[kind].length + delta.removed[kind].length > 0
  return has('sources') && ROW_KINDS.every((kind) => kind === 'sources' || !has(kind))
}

/** The newest revision that changed more than sources. */
export function routingRevisionOf({ revision, routingRevision = revision }: Contract): number {
  return routingRevision
}

/** Up to which revision a reader has to be told of more than sources, to be at `revision`; one to come is none yet. */
export function routingUpTo(revision: number, at: Pick<Contract, 'revision' | 'routingRevision'>): number {
  return revision > at.revision ? revision : Math.min(revision, at.routingRevision ?? at.revision)
}

/** As it is written, for readers of before there were sources, too: without them where there are none. */
export function written<T extends Changed>({ put, removed, ...rest }: T): object {
  const { sources, ...rows } = put
  const { sources: gone, ...uids } = removed
  return {
    ...rest,
    put: { ...rows, ...(sources.length > 0 && { sources }) },
    removed: { ...uids, ...(gone.length > 0 && { sources: gone }) },
  }
}

/** The document after a delta. Rows that stay keep their place, new ones follow; hashes are computed, not believed. */
export function withDelta(before: Contract, delta: Delta): Contract {
  const { epoch, revision, put, removed } = delta
  const { epoch: _, revision: __, routingRevision: ___, ...rows } = before
  const next = rowsByKind((kind) => {
    const byUid = new Map((rows[kind] as readonly Row[]).map((row) => [row.uid, row]))
    for (const uid of removed[kind]) byUid.delete(uid)
    for (const row of put[kind] as readonly Row[]) byUid.set(row.uid, row)
    return [...byUid.values()]
  })
  const routingRevision = isOfSourcesAlone(delta) ? routingRevisionOf(before) : revision
  return { ...withHashes(next, rows), epoch, revision, ...(routingRevision !== revision && { routingRevision }) }
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
  return {
    ...{ logs: of('logs'), ingresses: of('ingresses'), routes: of('routes') },
    ...{ deliveries: of('deliveries'), sources: of('sources') },
  }
}

/** Holds where `of` only picks and copies rows of the kind it is asked for. */
function rowsByKind(of: (kind: RowKind) => readonly Row[]): Rows {
  return byKind(of) as unknown as Rows
}
