import { failureOf } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'
import type { SourceRow } from '../source-row.ts'

/** What can happen at the desk of a service of sources, each logged and counted in one place. */
export interface DeskEvents {
  startFailed(row: SourceRow, retryInMs: number, error: unknown): void
  stopFailed(row: SourceRow, error: unknown): void
  /** The server was to hear something, and did not. */
  notTold(what: 'enlist' | 'resign' | 'released', error: unknown): void
}

export function deskEvents({ log, counter }: Pick<Telemetry, 'log' | 'counter'>): DeskEvents {
  const failures = counter('source_desk_failures_total', {
    description: 'Words of a service of sources that did not reach the contract server, by code; they are said again',
  })
  const named = ({ kind, namespace, name }: SourceRow) => ({ kind, namespace, name })
  return {
    startFailed: (row, retryInMs, error) =>
      log.warn({ ...named(row), retryInMs, err: error }, 'source not started, will be tried again'),
    stopFailed: (row, error) => log.error({ ...named(row), err: error }, 'source did not stop as it should'),
    notTold(what, error) {
      const { code } = failureOf(error)
      failures.add(1, { code })
      log.debug({ what, code }, 'contract server not told')
    },
  }
}
