import type { Clock } from '@sluice/clock'
import type { Telemetry } from '@sluice/telemetry'
import { difference, isEmpty, knownOf, NO_ROWS, withHashes } from './delta.ts'
import { contractEvents } from './events.ts'
import { type Copy, fileCopy } from './file-copy.ts'
import type { Contract, Rows } from './rows.ts'
import { readContract } from './schema.ts'
import { createWatchers, type Watchers } from './watchers.ts'

export interface ContractStore extends Omit<Watchers, 'announce'> {
  /** The document as last published, or as the copy had it. */
  contract(): Contract
  /**
   * Makes `rows` the document; hashes are computed here. Answers its revision, which rises by one and only if a row
   * came, went or changed. The copy is saved before anybody hears of it; when that fails nothing changed.
   */
  publish(rows: Rows): Promise<number>
}

export interface ContractStoreDeps {
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Absent: nothing survives the process. */
  readonly copy?: Copy<Contract>
}

/** The contract's file in a data directory. */
export function contractCopy(path: string): Copy<Contract> {
  return fileCopy(path, (value) => {
    const read = readContract(value)
    return 'contract' in read ? { value: read.contract } : read
  })
}

/** The server side of the contract and, in one process, its source. Rejects only where the copy can't be reached. */
export async function createContractStore(deps: ContractStoreDeps): Promise<ContractStore> {
  const events = contractEvents(deps.telemetry)
  const loaded = (await deps.copy?.load()) ?? {}
  if (loaded.setAside !== undefined) events.copySetAside(loaded.setAside)
  let current = loaded.value ?? withoutHistory(deps.clock)
  current = { ...current, ...withHashes(current) }
  const { announce, ...readers } = createWatchers(current, { clock: deps.clock, events })
  let last: Promise<unknown> = Promise.resolve()

  async function publish(rows: Rows): Promise<number> {
    const next = { ...withHashes(rows, current), epoch: current.epoch, revision: current.revision + 1 }
    const delta = difference(knownOf(current), next)
    if (isEmpty(delta)) return current.revision
    await deps.copy?.save(next)
    current = next
    const count = (of: Readonly<Record<keyof Rows, readonly unknown[]>>) => Object.values(of).flat().length
    events.published({
      epoch: next.epoch,
      revision: next.revision,
      put: count(delta.put),
      removed: count(delta.removed),
    })
    announce(next)
    return next.revision
  }

  return {
    ...readers,
    contract: () => current,
    publish(rows) {
      const turn = last.then(() => publish(rows))
      last = turn.catch(() => {})
      return turn
    },
  }
}

/**
 * Events already stored may carry stamps of a history that was lost with its copy. It began at an earlier millisecond
 * and took longer than one for each revision, so the wall clock is beyond its last: no reader waits in vain.
 */
function withoutHistory(clock: Clock): Contract {
  const start = Math.max(0, Math.floor(clock.now()))
  return { ...NO_ROWS, epoch: start + 1, revision: start }
}
