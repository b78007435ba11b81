import type { LedgerStore } from './store.ts'

/** Where the rows of an object are. `lacking`: services or replicas that lack them; empty where nobody can say. */
export type Standing =
  | { readonly isAcknowledged: true }
  | { readonly isAcknowledged: false; lacking: readonly string[] }

export interface Acknowledgements extends Disposable {
  /**
   * Whether every live replica has the rows. What had once stays so until the rows change: `wasReady` says that of
   * rows from before this process.
   */
  standing(owner: string, wasReady: boolean): Standing
  /** Calls back with the uid when rows came to be acknowledged, and when a log came or went. */
  changed(listener: (owner: string) => void): Disposable
  /** Its rows changed with this revision. */
  published(owner: string, revision: number): void
  /** It has no rows any more. */
  forget(owner: string): void
  /** Looks anew who acknowledged what. */
  look(): void
  tell(owner: string): void
}

/** `isChanging`: rows were put and are not published. */
export function createAcknowledgements(
  store: Pick<LedgerStore, 'contract' | 'acknowledged' | 'lacking' | 'changed'>,
  isChanging: (owner: string) => boolean,
): Acknowledgements {
  const loaded = store.contract().revision
  const revisions = new Map<string, number>()
  const acknowledged = new Set<string>()
  const waiting = new Map<number, Set<string>>()
  const listeners = new Set<(owner: string) => void>()
  const listening = store.changed(look)

  function tell(owner: string): void {
    for (const listener of listeners) listener(owner)
  }

  function wait(owner: string, revision: number): void {
    const others = waiting.get(revision)
    if (others === undefined) waiting.set(revision, new Set([owner]))
    else others.add(owner)
  }

  function look(): void {
    for (const [revision, owners] of [...waiting]) {
      if (!store.acknowledged(revision)) continue
      waiting.delete(revision)
      for (const owner of owners) {
        if ((revisions.get(owner) ?? loaded) !== revision) continue
        acknowledged.add(owner)
        tell(owner)
      }
    }
  }

  return {
    look,
    tell,
    standing(owner, wasReady) {
      if (isChanging(owner)) return { isAcknowledged: false, lacking: [] }
      const own = revisions.get(owner)
      const revision = own ?? loaded
      if (acknowledged.has(owner) || (own === undefined && wasReady) || store.acknowledged(revision)) {
        acknowledged.add(owner)
        return { isAcknowledged: true }
      }
      wait(owner, revision)
      return { isAcknowledged: false, lacking: store.lacking(revision) }
    },
    changed(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    published(owner, revision) {
      revisions.set(owner, revision)
      acknowledged.delete(owner)
      wait(owner, revision)
    },
    forget(owner) {
      revisions.delete(owner)
      acknowledged.delete(owner)
    },
    [Symbol.dispose]() {
      listening[Symbol.dispose]()
      listeners.clear()
    },
  }
}
