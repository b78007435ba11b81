import { port, portOrOff } from '@sluice/config'

/** What the event display reads. Probes and metrics are off, so that it runs beside any other service with no variable set. */
export const config = {
  port: port('PORT', { fallback: 8080, meaning: 'where events come in; 0 is any free port' }),
  controlPort: portOrOff('CONTROL_PORT', { fallback: undefined, meaning: 'probes /healthz and /readyz' }),
  metricsPort: portOrOff('METRICS_PORT', { fallback: undefined, meaning: 'Prometheus metrics at /metrics' }),
}
