// The channel port over NATS: a queue that was filled before is consumed and every entry acknowledged.
import '../load/program.ts'
import { since } from '../load/tight-loop.ts'
import { entryOf, openChannel } from './nats-channel.ts'

const [url = '', channel = '', events = ''] = process.argv.slice(2)
const BATCH = 256
const driver = await openChannel(url)
await driver.create(channel, { kind: 'queue', lanes: 8, subscriptions: ['dispatch'] })
for (let i = 0; i < Number(events); i += BATCH) {
  const ids = Array.from({ length: Math.min(BATCH, Number(events) - i) }, (_, n) => String(i + n))
  await driver.publish(
    channel,
    ids.map((id) => ({ ...entryOf(id), queue: 'one' })),
  )
}
process.on('message', async () => {
  const before = { count: 0, at: performance.now(), cpu: process.cpuUsage() }
  const stop = new AbortController()
  const options = { maxInFlight: 1_000, maxInFlightBytes: 64 * 1024 * 1024 }
  let count = 0
  for await (const batch of driver.subscribe(channel, 'dispatch', options, stop.signal)) {
    for (const delivery of batch) void delivery.ack()
    count += batch.length
    if (count >= Number(events)) stop.abort()
  }
  process.send?.(since(before, count))
})
process.send?.({ port: 0 })
