import type { Telemetry } from '@sluice/telemetry'
import type { WorkQueue } from './work-queue.ts'

/** What can happen while objects are reconciled, each logged and counted in one place. */
export interface RuntimeEvents extends Disposable {
  reconciled(kind: string): void
  statusWritten(kind: string): void
  failed(fields: { kind: string; key: string; retryInMs: number }, error: unknown): void
  /** What it was about changed meanwhile: nothing is wrong. */
  overtaken(fields: { kind: string; key: string; retryInMs: number }): void
  eventDropped(): void
}

export function runtimeEvents(
  { log, counter, gauge }: Telemetry,
  queues: () => readonly { readonly kind: string; readonly queue: WorkQueue }[],
): RuntimeEvents {
  const total = counter('reconcile_objects_total', { description: 'Objects looked at, by kind' })
  const written = counter('reconcile_status_writes_total', { description: 'Statuses that changed, by kind' })
  const failures = counter('reconcile_failures_total', {
    description: 'Objects whose reconciling failed, by kind; each is tried again after a back-off',
  })
  const dropped = counter('reconcile_events_dropped_total', {
    description: 'Kubernetes Events that were not written: too many about one object, or the API refused them',
  })
  const depth = gauge('reconcile_queue_depth', { description: 'Objects that wait to be looked at, by kind' }, () =>
    queues().map(({ kind, queue }) => ({ value: queue.depth, labels: { kind } })),
  )
  return {
    reconciled: (kind) => total.add(1, { kind }),
    statusWritten: (kind) => written.add(1, { kind }),
    failed({ kind, ...fields }, error) {
      failures.add(1, { kind })
      log.error({ kind, ...fields, err: error }, 'object could not be reconciled, will be tried again')
    },
    overtaken: (fields) => log.debug(fields, 'object changed while it was reconciled, will be looked at again'),
    eventDropped: () => dropped.add(1),
    [Symbol.dispose]: () => depth[Symbol.dispose](),
  }
}
