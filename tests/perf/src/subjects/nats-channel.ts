import { openNatsDriver } from '@sluice/channel-nats'
import { systemClock } from '@sluice/clock'
import { createEvent } from '@sluice/cloudevents'
import { createTelemetry } from '@sluice/telemetry'
import { eventHeaders, jsonBody } from '../load/request.ts'

export const openChannel = (url: string) =>
  openNatsDriver({ url, clock: systemClock, telemetry: createTelemetry({ service: 'bench', logLevel: 'error' }) })

const data = Buffer.from(jsonBody(1024))

/** The event whose attributes the floors carry as headers. */
export function entryOf(id: string) {
  const attributes = Object.entries(eventHeaders(id)).map(
    ([name, value]) => [name === 'content-type' ? 'datacontenttype' : name.replace('ce-', ''), value] as const,
  )
  return { event: createEvent([...attributes], data), laneKey: id }
}
