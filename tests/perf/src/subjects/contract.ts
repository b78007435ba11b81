import { systemClock } from '@sluice/clock'
import { type ContractSource, createContractStore, type DeliveryRow, type LogRow } from '@sluice/contract'
import { createTelemetry, type ServiceTelemetry } from '@sluice/telemetry'

const NAMED = { namespace: 'default', name: 'default', hash: '' }

/** Broker default/default, as the reconciler would publish it. */
export const LOG: LogRow = {
  ...NAMED,
  kind: 'broker',
  uid: 'log-1',
  channel: 'log-default',
  queues: 'queues-default',
  lanes: 8,
  orderKey: 'partitionkey',
  retention: { maxAgeMs: 86_400_000, maxBytes: 2 ** 31 },
}

/** A trigger on it that delivers to `url`, 64 requests at once. */
export function deliveryTo(url: string): DeliveryRow {
  return {
    ...NAMED,
    uid: 'delivery-1',
    channel: LOG.queues,
    subscriber: { url, internal: false },
    replyLog: LOG.uid,
    spec: { retry: 10, backoffPolicy: 'exponential', backoffDelayMs: 200, timeoutMs: 30_000 },
    maxInFlight: 64,
    backlogMaxBytes: 2 ** 30,
    strictReplies: false,
  }
}

/** What a role of a one-process installation is given besides its driver. */
export async function surroundings(deliveries: readonly DeliveryRow[]): Promise<{
  readonly contract: ContractSource
  readonly telemetry: ServiceTelemetry
  readonly clock: typeof systemClock
  readonly replica: string
}> {
  const telemetry = createTelemetry({ service: 'bench', logLevel: 'info' })
  const contract = await createContractStore({ clock: systemClock, telemetry })
  const ingresses = [{ ...NAMED, uid: 'ingress-1', path: '/default/default', log: LOG.uid }]
  await contract.publish({ logs: [LOG], ingresses, routes: [], deliveries, sources: [] })
  return { contract, telemetry, clock: systemClock, replica: 'bench' }
}
