import type { ServiceTelemetry } from './create-telemetry.ts'

export interface MetricsServer extends AsyncDisposable {
  /** With the actual port. */
  readonly url: string
}

export interface MetricsOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly telemetry: ServiceTelemetry
  readonly service: string
}

/**
 * Serves `GET /metrics` in Prometheus' text format. The SDK and its exporter are loaded here, on demand. Rejects with
 * PORT_IN_USE or ADDRESS_UNUSABLE.
 */
export async function startMetrics(options: MetricsOptions): Promise<MetricsServer> {
  const { servePrometheus } = await import('./prometheus.ts')
  return servePrometheus(options)
}
