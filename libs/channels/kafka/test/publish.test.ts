import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Entry, laneOf } from '@sluice/channel'
import { systemClock } from '@sluice/clock'
import { type AttributeValue, createEvent } from '@sluice/cloudevents'
import { provisionKafka, startKafka } from '@sluice/testkit'
import type { Admin, Kafka } from 'kafkajs'
import {
  CLIENTS,
  clientOf,
  createTopic,
  DEFAULT_CLIENT,
  decodeRecord,
  type KafkaOptions,
  type Link,
  openLink,
  Publisher,
  type RecordEntry,
  removeTopics,
} from '../src/index.ts'
import { kafkaClaims } from './claims.ts'
import { silentTelemetry } from './silent.ts'

const execute = promisify(execFile)
/** Jest's `process` hears no warnings. */
const PUBLISH_ONE = new URL('publish-one.ts', import.meta.url).pathname
const LANES = 4
const CASE_MS = 60_000
const MANY = 3_000
const AT_ONCE = 50
const MOST_TRIES = 1_000
const RETRY_MS = 20

function linkTo(brokers: string, options: Partial<KafkaOptions> = {}): Promise<Link> {
  return openLink({ brokers, clock: systemClock, telemetry: silentTelemetry, ...options })
}

interface Read extends RecordEntry {
  readonly partition: number
  readonly offset: string
}

const provisioned = await provisionKafka()
process.stdout.write(`${provisioned.report}\n`)
const server = await startKafka(provisioned)

function entryOf(id: string | number, options: Partial<Entry> & { readonly data?: Buffer } = {}): Entry {
  const { data, ...rest } = options
  const attributes: Record<string, AttributeValue> = { specversion: '1.0', id: String(id), source: '/test', type: 't' }
  return { event: { ...createEvent(attributes as never), data }, laneKey: String(id), ...rest }
}

describe.each(CLIENTS)('Kafka, by %s', (client) => {
  const isWhole = client === DEFAULT_CLIENT || process.env.SLUICE_TESTS === 'all'
  if (server === undefined) {
    test.skip(`stores what is published (${provisioned.report})`, () => undefined)
    return
  }
  let kafka: Kafka
  let link: Link
  let admin: Admin

  beforeAll(async () => {
    kafka = clientOf({ brokers: server.brokers, clock: systemClock, telemetry: silentTelemetry })
    link = await linkTo(server.brokers, { client })
    await link.start()
    admin = kafka.admin()
    await admin.connect()
  }, CASE_MS)
  afterAll(async () => {
    await admin.disconnect()
    await link[Symbol.asyncDispose]()
  })

  async function newTopic(lanes = LANES): Promise<string> {
    const topic = `test.${crypto.randomUUID()}`
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      try {
        await createTopic(link, topic, { lanes, replicas: 1 })
        return topic
      } catch (error) {
        // The server may have been killed in the case before
        expect(error).toMatchObject({ detail: { code: 'CHANNEL_UNAVAILABLE' } })
      }
    }
    throw new Error(`topic ${topic} can't be made`)
  }

  /** All that lies in a topic, by partition in order. */
  async function all(topic: string): Promise<Read[]> {
    const ends = new Map((await admin.fetchTopicOffsets(topic)).map((each) => [each.partition, Number(each.high)]))
    const missing = new Set([...ends].filter(([, end]) => end > 0).map(([partition]) => partition))
    const read: Read[] = []
    if (missing.size === 0) return read
    const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 50 })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    await consumer.run({
      autoCommit: false,
      async eachMessage({ partition, message }) {
        try {
          read.push({ ...decodeRecord(message), partition, offset: message.offset })
        } catch (error) {
          reject(error)
        }
        if (Number(message.offset) + 1 >= (ends.get(partition) ?? 0)) missing.delete(partition)
        if (missing.size === 0) resolve()
      },
    })
    await promise
    await consumer.disconnect()
    return read
  }

  const idOf = ({ envelope }: Read) => envelope.event.attributes.get('id')

  test(
    'stores what is published in its lanes, in order, where it says',
    async () => {
      const topic = await newTopic()
      await using packing = await linkTo(server.brokers, { client, compression: 'gzip' })
      await packing.start()
      await using publisher = new Publisher(packing)
      const entries = Array.from({ length: 200 }, (_, i) => entryOf(i, { laneKey: `k${i % 7}` }))
      const places = await publisher.publish(topic, LANES, entries)
      const byPlace = new Map((await all(topic)).map((each) => [`${each.partition} ${each.offset}`, each]))
      expect(byPlace.size).toBe(200)
      for (const [i, { partition, offset }] of places.entries()) {
        expect(partition).toBe(laneOf(`k${i % 7}`, LANES))
        expect(idOf(byPlace.get(`${partition} ${offset}`) as Read)).toBe(String(i))
      }
    },
    CASE_MS,
  )

  test(
    'tells no data from data of no bytes',
    async () => {
      const topic = await newTopic(1)
      await using publisher = new Publisher(link)
      const datas = [undefined, Buffer.alloc(0), Buffer.from([0xff, 0])]
      await publisher.publish(
        topic,
        1,
        datas.map((data, i) => entryOf(i, data === undefined ? {} : { data })),
      )
      expect((await all(topic)).map(({ envelope }) => envelope.event.data)).toEqual(datas)
    },
    CASE_MS,
  )

  test(
    'takes the largest event, and refuses a larger one before anything is stored',
    async () => {
      const topic = await newTopic(1)
      await using publisher = new Publisher(link)
      const large = entryOf('large', { data: Buffer.alloc(1024 * 1024 - 4096) })
      await publisher.publish(topic, 1, [large, large])
      const tooLarge = entryOf('too large', { data: Buffer.alloc(1024 * 1024 + 1) })
      await expect(publisher.publish(topic, 1, [entryOf('innocent'), tooLarge])).rejects.toMatchObject({
        detail: { code: 'CHANNEL_EVENT_TOO_LARGE', driver: 'kafka' },
      })
      expect((await all(topic)).map(idOf)).toEqual(['large', 'large'])
    },
    CASE_MS,
  )

  test(
    'has a topic with fewer partitions than lanes refused by name, and one that is not there',
    async () => {
      const topic = await newTopic(2)
      await expect(createTopic(link, topic, { lanes: 3, replicas: 1, isExternal: true })).rejects.toMatchObject({
        detail: { code: 'CHANNEL_CONFLICT', channel: topic },
        message: expect.stringContaining('it has 2 partitions, fewer than the 3 lanes'),
      })
      await createTopic(link, topic, { lanes: 2, replicas: 1, isExternal: true })
      await expect(createTopic(link, topic, { lanes: 1, replicas: 1, isExternal: true })).rejects.toMatchObject({
        detail: { code: 'CHANNEL_CONFLICT' },
      })
      const other = `test.${crypto.randomUUID()}`
      await expect(createTopic(link, other, { lanes: 1, replicas: 9 })).rejects.toMatchObject({
        detail: { code: 'CHANNEL_CONFLICT', problem: '9 replicas are more than there are brokers now' },
      })
      await expect(createTopic(link, other, { lanes: 1, replicas: 1, isExternal: true })).rejects.toMatchObject({
        detail: { code: 'CHANNEL_UNKNOWN' },
      })
      await removeTopics(link, [topic])
      await removeTopics(link, [topic])
    },
    CASE_MS,
  )

  const restartable = server.isOurs ? test : test.skip
  const killed = 'loses nothing that it said is stored, in order, while it is killed at a third and at a half of it'
  const restartableIfWhole = isWhole ? restartable : test.skip
  restartableIfWhole(
    isWhole ? killed : `${killed} (needs SLUICE_TESTS=all)`,
    async () => {
      const topic = await newTopic()
      await using publisher = new Publisher(link)
      let done = 0
      let refused = 0
      let waiting: { readonly count: number; readonly resolve: () => void } | undefined
      const reached = (count: number) =>
        new Promise<void>((resolve) => {
          waiting = { count, resolve }
        })
      const insist = async (entry: Entry): Promise<void> => {
        for (let tries = 0; tries < MOST_TRIES; tries++) {
          try {
            await publisher.publish(topic, LANES, [entry])
            if (++done >= (waiting?.count ?? MANY)) waiting?.resolve()
            return
          } catch (error) {
            expect(error).toMatchObject({ detail: { code: 'CHANNEL_UNAVAILABLE' } })
            refused++
            await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
          }
        }
      }
      // Each key has one publisher, which goes on only once the one before is stored
      const publish = async (key: number) => {
        for (let n = 0; n < MANY / AT_ONCE; n++) await insist(entryOf(`${key}/${n}`, { laneKey: `${key}` }))
      }
      const publishing = Promise.all(Array.from({ length: AT_ONCE }, (_, key) => publish(key)))
      for (const part of [3, 2]) {
        await Promise.race([reached(MANY / part), publishing])
        await server.kill('SIGKILL')
        await server.start()
      }
      await publishing
      expect(done).toBe(MANY)
      process.stdout.write(`killed twice: ${refused} refused and published again\n`)
      const read = await all(topic)
      const byKey = Map.groupBy(read, ({ envelope }) => envelope.laneKey)
      for (let key = 0; key < AT_ONCE; key++) {
        const seen = [...new Set((byKey.get(String(key)) ?? []).map(idOf))]
        expect(seen).toEqual(Array.from({ length: MANY / AT_ONCE }, (_, n) => `${key}/${n}`))
      }
    },
    2 * CASE_MS,
  )

  restartable(
    'stores what comes after an event whose answer was lost',
    async () => {
      const topic = await newTopic(1)
      await using impatient = await linkTo(server.brokers, { client, requestMs: 200 })
      await impatient.start()
      await using publisher = new Publisher(impatient)
      await publisher.publish(topic, 1, [entryOf('before')])
      await server.pause()
      // The server has it in its socket, and stores it once it goes on
      const unanswered = publisher.publish(topic, 1, [entryOf('unanswered')])
      await expect(unanswered).rejects.toMatchObject({ detail: { code: 'CHANNEL_UNAVAILABLE' } })
      server.resume()
      let tries = 0
      while ((await all(topic)).length < 2 && tries++ < MOST_TRIES);
      // It may not know yet that the server is there again
      for (tries = 0; !impatient.isUp && tries < MOST_TRIES; tries++) await impatient.check()
      const [place] = await publisher.publish(topic, 1, [entryOf('after')])
      const stored = (await all(topic)).map(idOf)
      expect(stored).toEqual(['before', 'unanswered', 'after'])
      expect(place).toMatchObject({ partition: 0, offset: 2 })
    },
    CASE_MS,
  )

  test(
    'has Node warn of nothing',
    async () => {
      const topic = await newTopic(1)
      const { stdout, stderr } = await execute(process.execPath, [PUBLISH_ONE, server.brokers, topic, client])
      expect({ stdout, stderr }).toEqual({ stdout: '0\n', stderr: '' })
    },
    CASE_MS,
  )

  if (isWhole) kafkaClaims(server, client)
  else test.skip('keeps the claims of the driver (needs SLUICE_TESTS=all)', () => undefined)
})

afterAll(async () => server?.[Symbol.asyncDispose]())
