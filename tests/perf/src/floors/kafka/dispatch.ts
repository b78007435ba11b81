// K3, second half: Kafka to POST, a group of one, the type compared here. A batch is done with when all of it was answered.
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs'
import { Pool } from 'undici'
import '../../load/program.ts'
import { EVENT_TYPE } from '../../load/request.ts'
import { GROUP, PARTITIONS } from './client.ts'

const [brokers = '', topic = '', sink = ''] = process.argv.slice(2)
const CONNECTIONS = 64
const pool = new Pool(sink, { connections: CONNECTIONS, pipelining: 1 })
const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: GROUP.waitMs })
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })

async function deliver({ headers = {}, value }: KafkaMessage): Promise<void> {
  if (String(headers.ce_type) !== EVENT_TYPE) return
  const sent: Record<string, string> = {}
  for (const name in headers) sent[name.replace('ce_', 'ce-')] = String(headers[name])
  const response = await pool.request({ path: '/', method: 'POST', headers: sent, body: value })
  await response.body.dump()
}

const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
await consumer.run({
  autoCommitInterval: GROUP.commitMs,
  partitionsConsumedConcurrently: PARTITIONS,
  eachBatch: async ({ batch }) => void (await Promise.all(batch.messages.map(deliver))),
})
await joined
process.send?.({ port: 0 })
