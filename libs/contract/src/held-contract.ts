import { NO_ROWS } from './delta.ts'
import { createDocument } from './document.ts'
import type { Contract, ContractSource } from './rows.ts'

/** The contract as it stands, for whoever only asks. Revision -1 before the first. `name` is the watcher's. */
export function holdContract(source: ContractSource, name: string): { contract(): Contract } & Disposable {
  const held = createDocument({ ...NO_ROWS, epoch: 0, revision: -1 })
  const watch = source.watch(name, (delta) => void held.apply(delta))
  return { contract: held.contract, [Symbol.dispose]: () => watch[Symbol.dispose]() }
}
