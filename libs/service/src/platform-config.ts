import { type ConfigOf, durationMs, oneOf, portOrOff, text } from '@sluice/config'
import { LOG_LEVELS } from '@sluice/telemetry'

const MAX_DRAIN_MS = 600_000

/** What every service reads besides its own variables; an app may replace a field to change its default. */
export const platformConfig = {
  host: text('HOST', {
    fallback: '127.0.0.1',
    meaning:
      'address to listen on; beyond loopback the control port answers probes, and of standalone everything by https with its token',
  }),
  controlPort: portOrOff('CONTROL_PORT', {
    fallback: 8090,
    meaning: 'probes /healthz and /readyz; 0 is any free port, off is none',
  }),
  metricsPort: portOrOff('METRICS_PORT', {
    fallback: 9090,
    meaning: 'Prometheus metrics at /metrics; 0 is any free port, off is none',
  }),
  drainMs: durationMs('DRAIN_MS', {
    min: 0,
    max: MAX_DRAIN_MS,
    fallback: 8000,
    meaning: 'time for what is in hand to end after SIGTERM',
  }),
  logLevel: oneOf('LOG_LEVEL', LOG_LEVELS, {
    fallback: 'info',
    meaning: `least level logged: ${LOG_LEVELS.join(', ')}`,
  }),
}

export type PlatformConfig = ConfigOf<typeof platformConfig>
