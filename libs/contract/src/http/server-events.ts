import type { Telemetry } from '@sluice/telemetry'
import type { Replica } from './leases.ts'

type Named = Omit<Replica, 'acknowledged'>

/** What can happen between the contract's server and its readers, each logged and counted in one place. */
export interface ServerEvents {
  connected(replica: Named): void
  leaseExpired(replica: Named): void
  refused(fields: { code: string; path: string; from: string | undefined }): void
  cut(fields: { replica: string; reason: string }): void
  failed(fields: { path: string }, error: unknown): void
}

export function serverEvents({ log, counter }: Pick<Telemetry, 'log' | 'counter'>): ServerEvents {
  const expired = counter('contract_leases_expired_total', {
    description: 'Replicas that were not heard of for a lease term and no longer count',
  })
  const refusals = counter('contract_requests_refused_total', {
    description: 'Requests to the contract server that were refused, by code',
  })
  return {
    connected: (replica) => log.info(named(replica), 'replica follows the contract'),
    leaseExpired(replica) {
      expired.add(1)
      log.warn(named(replica), 'replica not heard of for its lease, it no longer counts')
    },
    refused(fields) {
      refusals.add(1, { code: fields.code })
      log.warn(fields, 'request for the contract refused')
    },
    cut: (fields) => log.warn(fields, 'replica takes no more of the contract, cut off'),
    failed: (fields, error) => log.error({ ...fields, err: error }, 'request for the contract failed'),
  }
}

function named({ roles, replica, instance }: Named): object {
  return { roles, replica, instance }
}
