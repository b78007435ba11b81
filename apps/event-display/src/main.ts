/** Shows every CloudEvent posted to it on stdout, as Knative's event_display does. */
import { startEventDisplay } from '@sluice/event-display'
import { runService } from '@sluice/service'
import { config } from './config.ts'

await runService({
  name: 'event-display',
  config,
  async start({ host, port }, { telemetry }) {
    const display = await startEventDisplay({ host, port, write: (text) => void process.stdout.write(text) })
    telemetry.log.info({ url: display.url }, 'waiting for events')
    return display
  },
})
