import type { Telemetry } from '@sluice/telemetry'
import { failing, type ObjectStatus } from './conditions.ts'

/** What can happen while manifests become rows, each logged and counted in one place. */
export interface ReconcileEvents extends Disposable {
  published(fields: { folder: string; revision: number; resources: number }): void
  refused(fields: { folder: string; problems: readonly string[] }): void
  failed(fields: { folder: string }, error: unknown): void
  watchFailed(fields: { folder: string; reason: string }): void
  uidsSetAside(fields: { as: string; problem: string }): void
  notReady(status: ObjectStatus): void
}

export function reconcileEvents(
  telemetry: Telemetry,
  read: { problems(): number; notProgrammed(): number },
): ReconcileEvents {
  const { log } = telemetry
  const failures = telemetry.counter('reconcile_failures_total', {
    description: 'Times manifests were valid and could not be published; each is tried again',
  })
  const problems = telemetry.gauge(
    'reconcile_manifest_problems',
    { description: 'Problems of the manifests as they are now; above 0 an older state is in force' },
    () => [{ value: read.problems() }],
  )
  const notProgrammed = telemetry.gauge(
    'reconcile_objects_not_programmed',
    { description: 'Brokers and Triggers that take no events because something they name is missing' },
    () => [{ value: read.notProgrammed() }],
  )
  return {
    published: (fields) => log.info(fields, 'manifests in force'),
    refused: (fields) => log.error(fields, 'manifests invalid, the last good state stays in force'),
    failed(fields, error) {
      failures.add(1)
      log.error({ ...fields, err: error }, 'manifests could not be published, will be tried again')
    },
    watchFailed: (fields) => log.warn(fields, 'folder cannot be watched, it is polled instead'),
    uidsSetAside: (fields) => log.error(fields, 'stored uids could not be read and were set aside'),
    notReady(status) {
      const { kind, namespace, name, isProgrammed } = status
      const [condition] = failing(status)
      log.warn({ kind, namespace, name, isProgrammed, ...condition }, 'object is not ready')
    },
    [Symbol.dispose]() {
      problems[Symbol.dispose]()
      notProgrammed[Symbol.dispose]()
    },
  }
}
