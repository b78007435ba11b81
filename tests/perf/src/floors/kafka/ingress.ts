// K3, first half: node:http to Kafka. What came while a batch was under way goes with the next.
import { createServer, type ServerResponse } from 'node:http'
import { Kafka, logLevel, type Message } from 'kafkajs'
import { listen } from '../../load/program.ts'
import { PARTITIONS } from './client.ts'

const [brokers = '', topic = ''] = process.argv.slice(2)
const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
const producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false })
await producer.connect()
const admin = kafka.admin()
await admin.connect()
await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: PARTITIONS }] })
await admin.disconnect()
let messages: Message[] = []
let waiting: ServerResponse[] = []
let isSending = false
let next = 0

async function send(): Promise<void> {
  isSending = true
  while (messages.length > 0) {
    const [batch, responses] = [messages, waiting]
    messages = []
    waiting = []
    await producer.sendBatch({ acks: -1, topicMessages: [{ topic, messages: batch }] })
    for (const response of responses) {
      response.statusCode = 202
      response.end()
    }
  }
  isSending = false
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const headers: Record<string, string> = {}
    for (const name in request.headers) {
      if (name.startsWith('ce-')) headers[name.replace('ce-', 'ce_')] = String(request.headers[name])
      else if (name === 'content-type') headers[name] = String(request.headers[name])
    }
    messages.push({ partition: next++ % PARTITIONS, headers, value: Buffer.concat(chunks) })
    waiting.push(response)
    if (!isSending) void send()
  })
})
process.send?.({ port: await listen(server) })
