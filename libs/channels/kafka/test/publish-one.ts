import { systemClock } from '@sluice/clock'
import { createEvent } from '@sluice/cloudevents'
import { type KafkaOptions, openLink, Publisher } from '../src/index.ts'
import { silentTelemetry } from './silent.ts'

const [brokers = '', topic = '', client] = process.argv.slice(2)
const link = await openLink({ brokers, clock: systemClock, telemetry: silentTelemetry, client } as KafkaOptions)
await link.start()
const publisher = new Publisher(link)
const event = createEvent({ specversion: '1.0', id: '1', source: '/test', type: 't' })
const [place] = await publisher.publish(topic, 1, [{ event, laneKey: 'k' }])
process.stdout.write(`${place?.offset}\n`)
await publisher[Symbol.asyncDispose]()
await link[Symbol.asyncDispose]()
