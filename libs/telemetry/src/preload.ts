import type { Meter } from '@opentelemetry/api'
import { EventingError } from '@sluice/errors'
import type { Telemetry } from './telemetry.ts'

/** The loaded OpenTelemetry SDK, as far as the rest needs it. `shutdown` flushes and never rejects. */
export interface TraceSdk {
  /** Undefined when only metrics are exported. */
  readonly startSpan: Telemetry['startSpan']
  readonly meter: Meter
  shutdown(): Promise<void>
}

type OtelEnv = Readonly<Record<string, string | undefined>>

/**
 * Loads and starts the OpenTelemetry SDK when the `OTEL_*` variables of `env` ask for an exporter, and only then:
 * OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_METRICS_EXPORTER, unless
 * OTEL_SDK_DISABLED is true. The one reader of `OTEL_*`. Rejects with CONFIG_INVALID for what can't be honoured.
 */
export async function preload(service: string, env: OtelEnv = process.env): Promise<TraceSdk | undefined> {
  const wanted = whatIsWanted(env)
  if (!wanted.traces && !wanted.metrics) return undefined
  const propagators = list(env.OTEL_PROPAGATORS)
  if (wanted.traces && propagators.length > 0 && !propagators.includes('tracecontext')) {
    const problems = ['OTEL_PROPAGATORS: must include tracecontext, the only form of trace context that is read here']
    throw new EventingError({ code: 'CONFIG_INVALID', problems }, problems.join('; '))
  }
  const { startSdk } = await import('./sdk.ts')
  return startSdk({
    ...wanted,
    service: env.OTEL_SERVICE_NAME || service,
    logLevel: env.OTEL_LOG_LEVEL || 'warn',
  })
}

function whatIsWanted(env: OtelEnv): { traces: boolean; metrics: boolean } {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return { traces: false, metrics: false }
  const traces = list(env.OTEL_TRACES_EXPORTER)
  // Prometheus has its own door: METRICS_PORT
  const metrics = list(env.OTEL_METRICS_EXPORTER).filter((name) => name !== 'prometheus')
  const endpoint = (signal: string) =>
    Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`])
  return {
    traces: !traces.includes('none') && (traces.length > 0 || endpoint('TRACES')),
    metrics: !metrics.includes('none') && (metrics.length > 0 || endpoint('METRICS')),
  }
}

function list(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
}
