// N1: the client's own publish with acknowledgement, the same attributes as headers, 256 in flight.
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, headers } from '@nats-io/transport-node'
import { eventHeaders, jsonBody } from '../load/request.ts'
import { serveLoop } from '../load/tight-loop.ts'

const [url = '', name = ''] = process.argv.slice(2)
const connection = await connect({ servers: url })
await (await jetstreamManager(connection)).streams.add({ name, subjects: [`${name}.>`], duplicate_window: 120e9 })
const stream = jetstream(connection)
const body = Buffer.from(jsonBody(1024))
let count = 0

serveLoop(256, () => {
  const sent = headers()
  for (const [header, value] of Object.entries(eventHeaders(String(count)))) sent.append(header, value)
  return stream.publish(`${name}.${count++ % 8}`, body, { headers: sent })
})
