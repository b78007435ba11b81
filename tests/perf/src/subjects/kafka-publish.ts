// The channel port over Kafka: one entry per publish, 256 in flight.
import { CLIENTS } from '../floors/kafka/client.ts'
import { serveLoop } from '../load/tight-loop.ts'
import { openChannel } from './kafka-channel.ts'
import { entryOf } from './nats-channel.ts'

const [brokers = '', channel = '', client] = process.argv.slice(2)
const driver = await openChannel(
  brokers,
  CLIENTS.find((name) => name === client),
)
await driver.create(channel, { kind: 'log', lanes: 8, subscriptions: ['filter'] })
let count = 0

serveLoop(256, () => driver.publish(channel, [entryOf(String(count++))]))
