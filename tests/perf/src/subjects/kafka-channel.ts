import { type KafkaOptions, openKafkaChannel } from '@sluice/channel-kafka'
import { systemClock } from '@sluice/clock'
import { createTelemetry } from '@sluice/telemetry'

export const openChannel = (brokers: string, client: KafkaOptions['client']) =>
  openKafkaChannel({
    ...{ brokers, clock: systemClock, telemetry: createTelemetry({ service: 'bench', logLevel: 'error' }) },
    ...(client === undefined ? {} : { client }),
  })
