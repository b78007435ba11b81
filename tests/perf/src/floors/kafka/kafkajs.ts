import { Kafka, logLevel } from 'kafkajs'
import { GROUP, ID_HEADER, type KafkaClient, PARTITIONS, type Patience } from './client.ts'

export async function openKafkajs(brokers: string, { requestMs, retries }: Patience): Promise<KafkaClient> {
  const kafka = new Kafka({
    brokers: brokers.split(','),
    requestTimeout: requestMs,
    enforceRequestTimeout: true,
    logLevel: logLevel.NOTHING,
  })
  const producer = kafka.producer({
    idempotent: true,
    ...(retries === undefined ? {} : { retry: { retries } }),
    allowAutoTopicCreation: false,
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition as number,
  })
  await producer.connect()
  return {
    async createTopic(topic) {
      const admin = kafka.admin()
      await admin.connect()
      await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: PARTITIONS }] })
      await admin.disconnect()
    },
    async produce(topic, records) {
      const messages = records.map(({ partition, headers, value }) => ({ partition, headers, value }))
      await producer.sendBatch({ acks: -1, topicMessages: [{ topic, messages }] })
    },
    async consume(topic, groupId, onId) {
      const consumer = kafka.consumer({
        groupId,
        sessionTimeout: GROUP.sessionMs,
        rebalanceTimeout: GROUP.rebalanceMs,
        heartbeatInterval: GROUP.heartbeatMs,
        maxWaitTimeInMs: GROUP.waitMs,
      })
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({
        autoCommitInterval: GROUP.commitMs,
        partitionsConsumedConcurrently: PARTITIONS,
        async eachBatch({ batch }) {
          for (const { headers } of batch.messages) onId(String(headers?.[ID_HEADER]))
        },
      })
      return { [Symbol.asyncDispose]: () => consumer.disconnect() }
    },
    [Symbol.asyncDispose]: () => producer.disconnect(),
  }
}
