// The channel port over NATS: one entry per publish, 256 in flight.
import { serveLoop } from '../load/tight-loop.ts'
import { entryOf, openChannel } from './nats-channel.ts'

const [url = '', channel = ''] = process.argv.slice(2)
const driver = await openChannel(url)
await driver.create(channel, { kind: 'log', lanes: 8, subscriptions: ['filter'] })
let count = 0

serveLoop(256, () => driver.publish(channel, [entryOf(String(count++))]))
