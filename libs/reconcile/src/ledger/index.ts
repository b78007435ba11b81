export type { Standing } from './acknowledgements.ts'
export { createLedger, type Ledger, type LedgerDeps } from './ledger.ts'
export type { GivenRows, OwnedRows } from './owned.ts'
export { type LedgerStore, overChanges } from './store.ts'
