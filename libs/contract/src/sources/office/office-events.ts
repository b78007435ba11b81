import type { Clock } from '@sluice/clock'
import type { Telemetry } from '@sluice/telemetry'
import { SOURCE_ROLES, type SourceRole } from '../../interest.ts'
import type { SourceRow } from '../source-row.ts'
import type { HandOverReason } from './assignments.ts'

type Named = Pick<SourceRow, 'kind' | 'namespace' | 'name'>

/** What can happen to sources at the contract's server, each logged and counted in one place. */
export interface OfficeEvents extends Disposable {
  handedOver(fields: Named & { replica: string; term: number; reason: HandOverReason }): void
  grantFailed(error: unknown): void
  /** Logged once in 10 s for each code. */
  refused(fields: Named & { op: string; code: string }): void
  forgot(fields: { sources: number }): void
  keepingFailed(error: unknown): void
  /** Something that was to be remembered longer made room. */
  evicted(source: Named): void
}

export interface OfficeReadings {
  waiting(role: SourceRole): number
  bytes(): number
}

/** Thousands of sources may be refused for one reason: of each the log says one in this time. */
const SILENCE_MS = 10_000

export function officeEvents(telemetry: Telemetry, clock: Clock, read: OfficeReadings): OfficeEvents {
  const { log } = telemetry
  const told = new Map<string, number>()
  const handOvers = telemetry.counter('source_hand_overs_total', {
    description: 'Sources given to a replica, by the reason: new, balance, left, expired, overdue, unclaimed',
  })
  const refusals = telemetry.counter('source_requests_refused_total', {
    description: 'What services of sources asked of the contract server and were refused, by code',
  })
  const evictions = telemetry.counter('source_remembered_evicted_total', {
    description: 'Remembered keys that made room before they expired: a repeat may go unnoticed',
  })
  const waiting = telemetry.gauge(
    'source_rows_waiting',
    { description: 'Sources that no replica holds, by role' },
    () => SOURCE_ROLES.map((role) => ({ value: read.waiting(role), labels: { role } })),
  )
  const bytes = telemetry.gauge('source_state_bytes', { description: 'What sources keep at the controller' }, () => [
    { value: read.bytes() },
  ])
  return {
    handedOver({ kind, namespace, name, ...how }) {
      handOvers.add(1, { kind, reason: how.reason })
      log.info({ kind, namespace, name, ...how }, 'source given to a replica')
    },
    grantFailed: (error) => log.error({ err: error }, 'sources could not be given to replicas, will be tried again'),
    refused({ kind, namespace, name, op, code }) {
      refusals.add(1, { code })
      const before = told.get(code)
      if (before !== undefined && clock.monotonic() - before < SILENCE_MS) return
      told.set(code, clock.monotonic())
      log.warn({ kind, namespace, name, op, code }, 'request of a source refused')
    },
    forgot: (fields) => log.info(fields, 'state of sources forgotten that are gone'),
    keepingFailed: (error) =>
      log.error({ err: error }, 'sources that are gone could not be marked, will be tried again'),
    evicted({ kind, namespace, name }) {
      evictions.add(1, { kind, namespace, name })
    },
    [Symbol.dispose]() {
      waiting[Symbol.dispose]()
      bytes[Symbol.dispose]()
    },
  }
}
