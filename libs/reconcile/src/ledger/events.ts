import type { Telemetry } from '@sluice/telemetry'

/** Rows that could not be published; whoever asks tries again. */
export function ledgerEvents({ log, counter }: Telemetry): { failed(error: unknown): void } {
  const failures = counter('reconcile_publish_failures_total', {
    description: 'Times rows could not be published; each is tried again',
  })
  return {
    failed(error) {
      failures.add(1)
      log.error({ err: error }, 'rows could not be published, will be tried again')
    },
  }
}
