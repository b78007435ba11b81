import { byKind, isEmpty, isOfSourcesAlone, ROW_KINDS, routingRevisionOf } from './delta.ts'
import { hashOf, hasSameContent } from './hash.ts'
import type { Contract, Delta, Row, RowKind, Rows, RowsEdit } from './rows.ts'
import type { SourceRow } from './sources/source-row.ts'

/** A delta that was applied, and which of its rows were not there before. */
export interface Change {
  readonly delta: Delta
  readonly added: Readonly<Record<RowKind, ReadonlySet<string>>>
  /** Of which kind the removed sources were. */
  readonly endedSources: ReadonlyMap<string, SourceRow['kind']>
}

/** The contract where it is changed: a change costs what changed, not what is there. */
export interface Document {
  readonly epoch: number
  readonly revision: number
  /** The newest that changed more than sources. */
  readonly routingRevision: number
  has(kind: RowKind, uid: string): boolean
  /** As it is now, for good. Made when first asked for after a change. */
  contract(): Contract
  /** What the edit would change as the next revision, with hashes; undefined where nothing. */
  deltaOf(edit: RowsEdit): Delta | undefined
  /** The same for all rows: those that are not named go. */
  deltaTo(rows: Rows): Delta | undefined
  /** Hashes are the caller's. Answers what of it was news. */
  apply(delta: Delta): Change
}

export function createDocument(initial: Contract): Document {
  const rows = byKind((kind) => new Map((initial[kind] as readonly Row[]).map((row) => [row.uid, row])))
  let { epoch, revision } = initial
  let routingRevision = routingRevisionOf(initial)
  const arrays: Partial<Record<RowKind, readonly Row[]>> = {}
  let made: Contract | undefined

  const contract = (): Contract => {
    made ??= {
      ...{ epoch, revision, ...(routingRevision !== revision && { routingRevision }) },
      ...(byKind((kind) => (arrays[kind] ??= [...rows[kind].values()])) as unknown as Rows),
    }
    return made
  }

  function deltaOf({ put, removed }: RowsEdit): Delta | undefined {
    const delta = {
      epoch,
      revision: revision + 1,
      put: byKind((kind) => changed(kind, put[kind] ?? [])) as unknown as Rows,
      removed: byKind((kind) => {
        const stay = new Set(((put[kind] ?? []) as readonly Row[]).map(({ uid }) => uid))
        return [...new Set(removed[kind] ?? [])].filter((uid) => rows[kind].has(uid) && !stay.has(uid))
      }),
    }
    return isEmpty(delta) ? undefined : delta
  }

  function changed(kind: RowKind, put: readonly Row[]): readonly Row[] {
    return put.flatMap((row) => {
      const known = rows[kind].get(row.uid)
      return known !== undefined && (known === row || hasSameContent(known, row)) ? [] : [{ ...row, hash: hashOf(row) }]
    })
  }

  return {
    get epoch() {
      return epoch
    },
    get revision() {
      return revision
    },
    get routingRevision() {
      return routingRevision
    },
    has: (kind, uid) => rows[kind].has(uid),
    contract,
    deltaOf,
    deltaTo(next) {
      const removed = byKind((kind) => {
        const named = new Set((next[kind] as readonly Row[]).map(({ uid }) => uid))
        return [...rows[kind].keys()].filter((uid) => !named.has(uid))
      })
      return deltaOf({ put: next, removed })
    },
    apply(delta) {
      const added = byKind(() => new Set<string>())
      const removed = byKind(() => [] as string[])
      const endedSources = new Map<string, SourceRow['kind']>()
      for (const uid of delta.removed.sources) {
        const { kind } = (rows.sources.get(uid) ?? {}) as Partial<SourceRow>
        if (kind !== undefined) endedSources.set(uid, kind)
      }
      for (const kind of ROW_KINDS) {
        const put = delta.put[kind] as readonly Row[]
        if (put.length + delta.removed[kind].length > 0) delete arrays[kind]
        for (const uid of delta.removed[kind]) if (rows[kind].delete(uid)) removed[kind].push(uid)
        for (const row of put) {
          if (!rows[kind].has(row.uid)) added[kind].add(row.uid)
          rows[kind].set(row.uid, row)
        }
      }
      ;({ epoch, revision } = delta)
      if (!isOfSourcesAlone(delta)) routingRevision = revision
      made = undefined
      return { delta: { ...delta, removed }, added, endedSources }
    },
  }
}
