import { join } from 'node:path'
import type { Clock } from '@sluice/clock'
import { type LogRow, type OpenedContract, removeLeftovers } from '@sluice/contract'
import type { Telemetry } from '@sluice/telemetry'
import { journalRoute } from './journal-route.ts'
import { type OpenJournal, openJournal } from './open-journal.ts'
import { answerWanted, TOPIC } from './replicas.ts'

export interface ServiceJournalDeps {
  readonly config: {
    readonly journal: 'on' | 'off'
    readonly journalMaxBytes: number
    readonly dataDir: string
    readonly replica: string
  }
  /** Of the service: two that share a data directory keep a journal each. */
  readonly name: string
  readonly contract: Pick<OpenedContract, 'watch' | 'answer'>
  readonly clock: Clock
  readonly telemetry: Telemetry
}

export interface ServiceJournal extends AsyncDisposable {
  readonly journal: OpenJournal
  readonly route: ReturnType<typeof journalRoute>
}

/**
 * The journal of one service among several: what that process saw, and its answer, to the controller too. Undefined
 * with `JOURNAL=off`.
 */
export function openServiceJournal({
  config,
  name,
  contract,
  ...deps
}: ServiceJournalDeps): ServiceJournal | undefined {
  const { dataDir, replica, journalMaxBytes: maxBytes } = config
  if (config.journal === 'off') {
    contract.answer(TOPIC, (about) => answerWanted(undefined, about))
    return undefined
  }
  const prefix = `journal.${name}.`
  const folder = join(dataDir, `${prefix}${replica.replaceAll(/[^\w.-]/g, '_').slice(0, 100)}`)
  const leftovers = removeLeftovers({ ...deps, own: folder, prefix })
  const journal = openJournal({ ...deps, folder, maxBytes })
  contract.answer(TOPIC, (about) => answerWanted(journal, about))
  const logs = new Map<string, LogRow>()
  let revision = -1
  const watch = contract.watch('journal', (delta) => {
    for (const uid of delta.removed.logs) logs.delete(uid)
    for (const row of delta.put.logs) logs.set(row.uid, row)
    revision = delta.revision
  })
  return {
    journal,
    route: journalRoute({
      find: async (wanted) => ({ records: await journal.find(wanted) }),
      contract: () => ({ revision, logs: [...logs.values()], routes: [] }),
    }),
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]()
      await leftovers[Symbol.asyncDispose]()
      await journal[Symbol.asyncDispose]()
    },
  }
}
