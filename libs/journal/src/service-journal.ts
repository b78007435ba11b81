import { join } from 'node:path'
import type { Clock } from '@sluice/clock'
import { type ContractSource, type LogRow, removeLeftovers } from '@sluice/contract'
import type { Telemetry } from '@sluice/telemetry'
import { journalRoute } from './journal-route.ts'
import { type OpenJournal, openJournal } from './open-journal.ts'

export interface ServiceJournalDeps {
  readonly config: {
    readonly journal: 'on' | 'off'
    readonly journalMaxBytes: number
    readonly dataDir: string
    readonly replica: string
  }
  /** Of the service: two that share a data directory keep a journal each. */
  readonly name: string
  readonly contract: ContractSource
  readonly clock: Clock
  readonly telemetry: Telemetry
}

export interface ServiceJournal extends AsyncDisposable {
  readonly journal: OpenJournal
  readonly route: ReturnType<typeof journalRoute>
}

/** The journal of one service among several: what that process saw, and its answer. Undefined with `JOURNAL=off`. */
export function openServiceJournal({
  config,
  name,
  contract,
  ...deps
}: ServiceJournalDeps): ServiceJournal | undefined {
  const { dataDir, replica, journalMaxBytes: maxBytes } = config
  if (config.journal === 'off') return undefined
  const prefix = `journal.${name}.`
  const folder = join(dataDir, `${prefix}${replica.replaceAll(/[^\w.-]/g, '_').slice(0, 100)}`)
  const leftovers = removeLeftovers({ ...deps, own: folder, prefix })
  const journal = openJournal({ ...deps, folder, maxBytes })
  const logs = new Map<string, LogRow>()
  let revision = -1
  const watch = contract.watch('journal', (delta) => {
    for (const uid of delta.removed.logs) logs.delete(uid)
    for (const row of delta.put.logs) logs.set(row.uid, row)
    revision = delta.revision
  })
  return {
    journal,
    route: journalRoute({ journal, contract: () => ({ revision, logs: [...logs.values()], routes: [] }) }),
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]()
      await leftovers[Symbol.asyncDispose]()
      await journal[Symbol.asyncDispose]()
    },
  }
}
