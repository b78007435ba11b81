import type { Telemetry } from '@sluice/telemetry'

/** What can happen to the contract, each logged and counted in one place. */
export interface ContractEvents {
  published(fields: { epoch: number; revision: number; put: number; removed: number }): void
  applyFailed(fields: { replica: string; revision: number; retryInMs: number }, error: unknown): void
  copySetAside(fields: { as: string; problem: string }): void
  /** Intended: their retention was over. */
  parkedPurged(fields: { namespace: string; broker: string; channel: string; events: number; parkedBefore: Date }): void
  purgeFailed(channel: string, error: unknown): void
}

export function contractEvents(telemetry: Telemetry): ContractEvents {
  const publishes = telemetry.counter('contract_publishes_total', {
    description: 'Revisions of the contract published',
  })
  const failures = telemetry.counter('contract_apply_failures_total', {
    description: 'Deltas of the contract that a role failed to apply; each is tried again',
  })
  const purged = telemetry.counter('parked_events_purged_total', {
    description: 'Parked events deleted, intended: PARKED_RETENTION_HOURS is over',
  })
  return {
    published(fields) {
      publishes.add(1)
      telemetry.log.info(fields, 'contract published')
    },
    applyFailed(fields, error) {
      failures.add(1)
      telemetry.log.error({ ...fields, err: error }, 'contract delta not applied, will be tried again')
    },
    copySetAside(fields) {
      telemetry.log.error(fields, 'copy of the contract could not be read and was set aside')
    },
    parkedPurged(fields) {
      purged.add(fields.events, { namespace: fields.namespace, broker: fields.broker })
      telemetry.log.warn(fields, 'parked events deleted, their retention is over')
    },
    purgeFailed(channel, error) {
      telemetry.log.error({ channel, err: error }, 'parked events not purged, will be tried again')
    },
  }
}
