import type { Contract, RowKind, Rows } from '@sluice/contract'

export interface Edit {
  readonly put: Partial<Rows>
  readonly removed: Partial<Record<RowKind, readonly string[]>>
}

/** Of the contract's store, what a ledger needs. */
export interface LedgerStore {
  contract(): Contract
  /** Answers the revision that has it; that in force, if nothing changed. */
  change(edit: Edit): Promise<number>
  /** Every live replica, and at least one, has this revision. */
  acknowledged(revision: number): boolean
  /** Which services or replicas lack it; empty where nobody can say, or nobody reads. */
  lacking(revision: number): readonly string[]
  changed(listener: () => void): Disposable
}

interface Changing extends Pick<LedgerStore, 'contract' | 'change' | 'acknowledged' | 'changed'> {
  lacking(revision: number): readonly { readonly role: string; readonly replica?: string }[]
}

/** A LedgerStore over the contract's store: who lacks a revision is told by name. */
export function overChanges(store: Changing): LedgerStore {
  return {
    contract: () => store.contract(),
    change: (edit) => store.change(edit),
    acknowledged: (revision) => store.acknowledged(revision),
    changed: (listener) => store.changed(listener),
    lacking: (revision) =>
      store.lacking(revision).map(({ role, replica }) => [role, replica].filter(Boolean).join(' ')),
  }
}

interface Publishing {
  contract(): Contract
  publish(rows: Rows): Promise<number>
  acknowledged(revision: number): boolean
  acknowledgements(): ReadonlyMap<string, number | undefined>
  changed(listener: () => void): Disposable
}

/** A LedgerStore over a store that publishes whole documents: each change costs as much as all rows. */
export function overPublish(store: Publishing): LedgerStore {
  return {
    contract: () => store.contract(),
    acknowledged: (revision) => store.acknowledged(revision),
    changed: (listener) => store.changed(listener),
    lacking: (revision) =>
      [...store.acknowledgements()].flatMap(([replica, acknowledged]) =>
        (acknowledged ?? -1) < revision ? [replica] : [],
      ),
    change({ put, removed }) {
      const contract = store.contract()
      const edited = <K extends RowKind>(kind: K): Rows[K] => {
        const added = (put[kind] ?? []) as readonly { uid: string }[]
        const leaves = new Set([...added.map(({ uid }) => uid), ...(removed[kind] ?? [])])
        const stay = (contract[kind] as readonly { uid: string }[]).filter(({ uid }) => !leaves.has(uid))
        return [...stay, ...added] as unknown as Rows[K]
      }
      return store.publish({
        logs: edited('logs'),
        ingresses: edited('ingresses'),
        routes: edited('routes'),
        deliveries: edited('deliveries'),
      })
    },
  }
}
