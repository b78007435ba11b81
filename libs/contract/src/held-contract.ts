import { NO_ROWS, withDelta } from './delta.ts'
import type { Contract, ContractSource } from './rows.ts'

/** The contract as it stands, for whoever only asks. Revision -1 before the first. `name` is the watcher's. */
export function holdContract(source: ContractSource, name: string): { contract(): Contract } & Disposable {
  let held: Contract = { ...NO_ROWS, epoch: 0, revision: -1 }
  const watch = source.watch(name, (delta) => {
    held = withDelta(held, delta)
  })
  return { contract: () => held, [Symbol.dispose]: () => watch[Symbol.dispose]() }
}
