/** Shows every CloudEvent posted to it on stdout, as Knative's event_display does. */
import { port, portOrOff } from '@sluice/config'
import { startEventDisplay } from '@sluice/event-display'
import { runService } from '@sluice/service'

await runService({
  name: 'event-display',
  config: {
    port: port('PORT', { fallback: 8080, meaning: 'where events come in; 0 is any free port' }),
    // Off, so that it runs beside any other service with no variable set
    controlPort: portOrOff('CONTROL_PORT', { fallback: undefined, meaning: 'probes /healthz and /readyz' }),
    metricsPort: portOrOff('METRICS_PORT', { fallback: undefined, meaning: 'Prometheus metrics at /metrics' }),
  },
  async start({ host, port }, { telemetry }) {
    const display = await startEventDisplay({ host, port, write: (text) => void process.stdout.write(text) })
    telemetry.log.info({ url: display.url }, 'waiting for events')
    return display
  },
})
