import type { Contract, RowsEdit } from '@sluice/contract'

/** Of the contract's store, what a ledger needs. */
export interface LedgerStore {
  contract(): Contract
  /** Answers the revision that has it; that in force, if nothing changed. */
  change(edit: RowsEdit): Promise<number>
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
