import type { Clock } from '@sluice/clock'
import type { Telemetry } from '@sluice/telemetry'
import { type ContractCopy, persist } from './contract-copy.ts'
import { mergedEdits, NO_ROWS, withDelta, withHashes } from './delta.ts'
import { createDocument } from './document.ts'
import { contractEvents } from './events.ts'
import type { Contract, Delta, RowKind, Rows, RowsEdit } from './rows.ts'
import { createWatchers, type Watchers } from './watchers.ts'

export interface ContractStore extends Omit<Watchers, 'announce'> {
  /** The document as last published, or as the copy had it. Made once per revision, and only if asked for. */
  contract(): Contract
  /**
   * Makes `rows` the document; hashes are computed here. Answers its revision, which rises by one and only if a row
   * came, went or changed. The copy is saved before anybody hears of it; when that fails nothing changed.
   */
  publish(rows: Rows): Promise<number>
  /**
   * The same for some rows, and costs as much as they do. Answers the revision that has them. Edits that come while
   * another is being saved are saved together, as one revision.
   */
  change(edit: RowsEdit): Promise<number>
}

export interface ContractStoreDeps {
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Absent: nothing survives the process. */
  readonly copy?: ContractCopy
}

/** The server side of the contract and, in one process, its source. Rejects only where the copy can't be reached. */
export async function createContractStore(deps: ContractStoreDeps): Promise<ContractStore> {
  const events = contractEvents(deps.telemetry)
  const loaded = (await deps.copy?.load()) ?? {}
  if (loaded.setAside !== undefined) events.copySetAside(loaded.setAside)
  const start = beginning(loaded.value, loaded.setAside !== undefined, deps.clock)
  const document = createDocument({ ...start, ...withHashes(start) })
  // A restart must not count from before what is given out from now on
  if (loaded.value !== undefined && loaded.setAside !== undefined) await deps.copy?.save(document.contract())
  const { announce, ...readers } = createWatchers(() => document, { clock: deps.clock, events })
  let last: Promise<unknown> = Promise.resolve()
  /** Edits that wait for their turn, which is one for all of them. */
  let waiting: { readonly edits: RowsEdit[]; readonly turn: Promise<number> } | undefined

  async function make(delta: Delta | undefined): Promise<number> {
    if (delta === undefined) return document.revision
    const { revision: from } = document
    if (deps.copy !== undefined)
      await persist(deps.copy, { from, delta, whole: () => withDelta(document.contract(), delta) })
    const change = document.apply(delta)
    const count = (of: Readonly<Record<RowKind, readonly unknown[]>>) => Object.values(of).flat().length
    events.published({
      epoch: delta.epoch,
      revision: delta.revision,
      put: count({ ...delta.put }),
      removed: count(delta.removed),
    })
    announce(change)
    return delta.revision
  }

  function inTurn(work: () => Promise<number>): Promise<number> {
    const turn = last.then(work)
    last = turn.catch(() => {})
    return turn
  }

  return {
    ...readers,
    contract: document.contract,
    publish(rows) {
      waiting = undefined
      return inTurn(() => make(document.deltaTo(rows)))
    },
    change(edit) {
      if (waiting === undefined) {
        const edits: RowsEdit[] = []
        const turn = inTurn(() => {
          if (waiting?.edits === edits) waiting = undefined
          return make(document.deltaOf(mergedEdits(edits)))
        })
        waiting = { edits, turn }
      }
      waiting.edits.push(edit)
      return waiting.turn
    },
  }
}

/**
 * Events already stored may carry stamps of a history that was lost with its copy. It began at an earlier millisecond
 * and took longer than one for each revision, so the wall clock is beyond its last: no reader waits in vain. The same
 * holds where only the newest changes are lost: the rows are those of before, and count as new.
 */
function beginning(held: Contract | undefined, isDamaged: boolean, clock: Clock): Contract {
  if (held !== undefined && !isDamaged) return held
  const start = Math.max(0, Math.floor(clock.now()), held?.revision ?? 0)
  const { routingRevision: _, ...rows } = held ?? { ...NO_ROWS, epoch: 0, revision: 0 }
  return { ...rows, epoch: start + 1, revision: start }
}
