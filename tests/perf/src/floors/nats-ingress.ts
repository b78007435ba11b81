// N3, first half: node:http to JetStream. One subscription and a Map for all answers: cheaper than the client's publish.
import { createServer } from 'node:http'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, headers } from '@nats-io/transport-node'
import { listen } from '../load/program.ts'

const [url = '', name = ''] = process.argv.slice(2)
const connection = await connect({ servers: url })
await (await jetstreamManager(connection)).streams.add({ name, subjects: [`${name}.>`] })
const inbox = `_INBOX.${name}.`
const waiting = new Map<string, () => void>()
let next = 0
connection.subscribe(`${inbox}*`, {
  callback: (_, { subject }) => {
    const id = subject.slice(inbox.length)
    waiting.get(id)?.()
    waiting.delete(id)
  },
})

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const event = headers()
    for (const header in request.headers) {
      if (header.startsWith('ce-') || header === 'content-type') event.append(header, String(request.headers[header]))
    }
    const id = String(next++)
    waiting.set(id, () => {
      response.statusCode = 202
      response.end()
    })
    connection.publish(`${name}.events`, Buffer.concat(chunks), { headers: event, reply: inbox + id })
  })
})
process.send?.({ port: await listen(server) })
