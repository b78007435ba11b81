// N2: the client's pull consumer with explicit acknowledgement, over events that were published before.
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, headers } from '@nats-io/transport-node'
import '../load/program.ts'
import { eventHeaders, jsonBody } from '../load/request.ts'
import { since } from '../load/tight-loop.ts'

const [url = '', name = '', events = ''] = process.argv.slice(2)
const PREFETCH = 1_000
const BATCH = 256
const connection = await connect({ servers: url })
const manager = await jetstreamManager(connection)
await manager.streams.add({ name, subjects: [`${name}.>`] })
await manager.consumers.add(name, { durable_name: name, ack_policy: AckPolicy.Explicit, max_ack_pending: PREFETCH })
const stream = jetstream(connection)
const body = Buffer.from(jsonBody(1024))
for (let i = 0; i < Number(events); i += BATCH) {
  const ids = Array.from({ length: Math.min(BATCH, Number(events) - i) }, (_, n) => i + n)
  await Promise.all(
    ids.map((id) => {
      const sent = headers()
      for (const [header, value] of Object.entries(eventHeaders(String(id)))) sent.append(header, value)
      return stream.publish(`${name}.${id % 8}`, body, { headers: sent })
    }),
  )
}
process.on('message', async () => {
  const before = { count: 0, at: performance.now(), cpu: process.cpuUsage() }
  const messages = await (await stream.consumers.get(name, name)).consume({ max_messages: PREFETCH })
  let count = 0
  for await (const message of messages) {
    message.ack()
    count += 1
    if (count === Number(events)) break
  }
  await connection.flush()
  process.send?.(since(before, count))
})
process.send?.({ port: 0 })
