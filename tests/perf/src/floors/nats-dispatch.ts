// N3, second half: JetStream to POST, one consumer with explicit acknowledgement, the type compared here.
import { AckPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { Pool } from 'undici'
import '../load/program.ts'
import { EVENT_TYPE } from '../load/request.ts'

const [url = '', name = '', sink = ''] = process.argv.slice(2)
const CONNECTIONS = 64
const pool = new Pool(sink, { connections: CONNECTIONS, pipelining: 1 })
const connection = await connect({ servers: url })
const manager = await jetstreamManager(connection)
await manager.consumers.add(name, { durable_name: name, ack_policy: AckPolicy.Explicit, max_ack_pending: 1_000 })
const messages = await (await jetstream(connection).consumers.get(name, name)).consume({ max_messages: 500 })
process.send?.({ port: 0 })

async function deliver(message: JsMsg): Promise<void> {
  const headers: Record<string, string> = {}
  for (const [header, [value = '']] of message.headers ?? []) headers[header] = value
  const response = await pool.request({ path: '/', method: 'POST', headers, body: message.data })
  await response.body.dump()
  if (response.statusCode < 300) message.ack()
  else message.nak(1_000)
}

for await (const message of messages) {
  if (message.headers?.get('ce-type') === EVENT_TYPE) deliver(message).catch(() => message.nak(1_000))
  else message.ack()
}
