import { metrics } from '@opentelemetry/api'
import { startNodeSdk } from '@opentelemetry/sdk-node'
import type { TraceSdk } from './preload.ts'
import { startSpan } from './spans.ts'

const SHUTDOWN_LIMIT_MS = 2000

/** Starts the SDK from `OTEL_*`; logs stay ours. Only `preload` imports this file, and only on demand. */
export function startSdk(options: { service: string; traces: boolean; metrics: boolean; logLevel: string }): TraceSdk {
  const sdk = startNodeSdk({
    logLevel: options.logLevel,
    resourceAttributes: { 'service.name': options.service },
    logRecordProcessors: [],
    ...(options.traces ? {} : { spanProcessors: [] }),
    ...(options.metrics ? {} : { metricReaders: [] }),
  })
  return {
    startSpan: options.traces ? startSpan : undefined,
    meter: metrics.getMeter('sluice'),
    shutdown: async () => {
      const { promise: limit, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, SHUTDOWN_LIMIT_MS)
      await Promise.race([sdk.shutdown().catch(() => undefined), limit])
      clearTimeout(timer)
    },
  }
}
