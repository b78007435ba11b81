import type { Telemetry } from '@sluice/telemetry'

/** What can happen while a folder becomes objects of the API, each logged and counted in one place. */
export interface ManifestsEvents extends Disposable {
  applied(fields: { folder: string; objects: number; written: number; pruned: number }): void
  kept(fields: { folder: string; kept: readonly string[] }): void
  refused(fields: { folder: string; problems: readonly string[] }): void
  failed(fields: { folder: string }, error: unknown): void
  watchFailed(fields: { folder: string; reason: string }): void
}

export function manifestsEvents({ log, counter, gauge }: Telemetry, problems: () => number): ManifestsEvents {
  const failures = counter('manifests_failures_total', {
    description: 'Times manifests were valid and could not be applied; each is tried again',
  })
  const found = gauge(
    'manifests_problems',
    { description: 'Problems of the manifests as they are now; above 0 an older state is in force' },
    () => [{ value: problems() }],
  )
  return {
    applied: (fields) => log.info(fields, 'manifests applied'),
    kept: (fields) => log.warn(fields, 'namespaces that left the manifests are not empty and stay'),
    refused: (fields) => log.error(fields, 'manifests invalid, the last good state stays in force'),
    failed(fields, error) {
      failures.add(1)
      log.error({ ...fields, err: error }, 'manifests could not be applied, will be tried again')
    },
    watchFailed: (fields) => log.warn(fields, 'folder cannot be watched, it is polled instead'),
    [Symbol.dispose]: () => found[Symbol.dispose](),
  }
}
