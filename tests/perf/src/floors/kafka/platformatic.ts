import { Admin, Consumer, MessagesStreamFallbackModes, MessagesStreamModes, Producer } from '@platformatic/kafka'
import { GROUP, ID_HEADER, type KafkaClient, PARTITIONS, type Patience } from './client.ts'

const ID = Buffer.from(ID_HEADER)
/** The names of headers, which come with every event. */
const names = new Map<string, Buffer>()

export async function openPlatformatic(brokers: string, { requestMs, retries }: Patience): Promise<KafkaClient> {
  const base = {
    clientId: 'perf',
    bootstrapBrokers: brokers.split(','),
    timeout: requestMs,
    requestTimeout: requestMs,
    autocreateTopics: false,
  }
  const producer = new Producer({ ...base, idempotent: true, acks: -1, ...(retries === undefined ? {} : { retries }) })
  return {
    async createTopic(topic) {
      const admin = new Admin(base)
      await admin.createTopics({ topics: [topic], partitions: PARTITIONS, replicas: 1 })
      await admin.close()
    },
    async produce(topic, records) {
      await producer.send({
        messages: records.map(({ partition, headers, value }) => ({
          topic,
          partition,
          value,
          headers: new Map(Object.entries(headers).map(([name, text]) => [bytesOf(name), text])),
        })),
      })
    },
    async consume(topic, groupId, onId) {
      const consumer = new Consumer({
        ...base,
        groupId,
        sessionTimeout: GROUP.sessionMs,
        rebalanceTimeout: GROUP.rebalanceMs,
        heartbeatInterval: GROUP.heartbeatMs,
        maxWaitTime: GROUP.waitMs,
      })
      const stream = await consumer.consume({
        topics: [topic],
        mode: MessagesStreamModes.COMMITTED,
        fallbackMode: MessagesStreamFallbackModes.EARLIEST,
        autocommit: GROUP.commitMs,
      })
      stream.on('data', ({ headerEntries }) => {
        const entry = headerEntries.find(([name]) => name.equals(ID))
        onId(String(entry?.[1]))
      })
      return {
        async [Symbol.asyncDispose]() {
          await stream.close()
          await consumer.close()
        },
      }
    },
    [Symbol.asyncDispose]: () => producer.close(),
  }
}

function bytesOf(name: string): Buffer {
  const bytes = names.get(name) ?? Buffer.from(name)
  names.set(name, bytes)
  return bytes
}
