import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { compressionsAlgorithms, Producer } from '@platformatic/kafka'
import type { ChannelDriver, ChannelOptions, Delivery } from '@sluice/channel'
import { systemClock } from '@sluice/clock'
import { createEvent } from '@sluice/cloudevents'
import type { Counter } from '@sluice/telemetry'
import { addScramUser, CERTIFICATE, freePorts, KEY, provisionKafka, startKafka, VirtualClock } from '@sluice/testkit'
import { CompressionCodecs, CompressionTypes, Kafka, logLevel, type Message } from 'kafkajs'
import { CLIENTS, type KafkaOptions, openKafkaChannel, openLink } from '../src/index.ts'
import { silentTelemetry } from './silent.ts'

type ClientName = (typeof CLIENTS)[number]

const USER = 'sluice'
const PASSWORD = 'never shown'
const CASE_MS = 30_000
const MOST_TRIES = 100
const MOST_WAITS = 500

const folder = mkdtempSync(join(tmpdir(), 'sluice-kafka-security-'))
const pem = join(folder, 'server.pem')
writeFileSync(pem, KEY + CERTIFICATE)
const authority = join(folder, 'ca.pem')
writeFileSync(authority, CERTIFICATE)
const [login, mutual] = (await freePorts(2)) as [number, number]
const JAAS = 'org.apache.kafka.common.security'
const CONFIG = `listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_SSL,MUTUAL:SSL
ssl.keystore.type=PEM
ssl.keystore.location=${pem}
ssl.truststore.type=PEM
ssl.truststore.location=${authority}
listener.name.mutual.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.login.plain.sasl.jaas.config=${JAAS}.plain.PlainLoginModule required user_${USER}="${PASSWORD}";
listener.name.login.scram-sha-256.sasl.jaas.config=${JAAS}.scram.ScramLoginModule required;
listener.name.login.scram-sha-512.sasl.jaas.config=${JAAS}.scram.ScramLoginModule required;`

const provisioned = await provisionKafka()
process.stdout.write(`${provisioned.report}\n`)
const server = await startKafka(provisioned, CONFIG, [`LOGIN://127.0.0.1:${login}`, `MUTUAL://127.0.0.1:${mutual}`])
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const said: string[] = []
const say = (...words: unknown[]) => void said.push(JSON.stringify(words))
const telemetry = { ...silentTelemetry, log: { debug: say, info: say, warn: say, error: say } }

/** Whether Kafka answers one who asks for a topic, or why not. */
async function ask(client: ClientName, port: number, options: Pick<KafkaOptions, 'sasl' | 'tls'>): Promise<unknown> {
  const base = { brokers: `127.0.0.1:${port}`, clock: new VirtualClock(), telemetry, requestMs: 3_000, client }
  await using link = await openLink({ ...base, ...options })
  await link.start()
  if (link.state.state === 'waiting') throw new Error(link.state.reason)
  return [...(await link.partitionsOf(['not-there'])).keys()]
}

const sum = (name: string) => counted.get(name) ?? 0
const counted = new Map<string, number>()
const counter = (name: string): Counter => {
  const add = (count: number) => void counted.set(name, sum(name) + count)
  return { add, bind: () => ({ add }) }
}

/** The clients' own, of which one is to fail. */
const gzip = { isBroken: false }
const { compress, decompress } = CompressionCodecs[CompressionTypes.GZIP]()
CompressionCodecs[CompressionTypes.GZIP] = () => ({
  compress,
  async decompress(bytes: Buffer) {
    if (!gzip.isBroken) return decompress(bytes)
    throw Object.assign(new Error('this codec is not had'), { name: 'KafkaJSNotImplemented' })
  },
})
const unpacking = compressionsAlgorithms.gzip as { decompressSync(bytes: Buffer): Buffer }
const { decompressSync } = unpacking
unpacking.decompressSync = (bytes) => {
  if (gzip.isBroken) throw new Error('this codec is not had')
  return decompressSync(bytes)
}

/** A topic just made may have no leader for a moment. */
async function publish(driver: ChannelDriver, channel: string, id: string): Promise<void> {
  const event = createEvent({ specversion: '1.0', id, source: '/test', type: 't' })
  for (let tries = 1; ; tries++) {
    try {
      await driver.publish(channel, [{ event, laneKey: id }])
      return
    } catch (error) {
      if (tries === MOST_TRIES || !driver.isRetryable(error)) throw error
    }
  }
}

if (server?.isOurs !== true) {
  describe('Kafka', () => test.skip(`is reached with a login and TLS (${provisioned.report})`, () => undefined))
} else {
  beforeAll(() => addScramUser(server, USER, PASSWORD))
  const tls = { ca: CERTIFICATE }

  describe.each(CLIENTS)('%s reaches Kafka with a login over TLS', (client) => {
    test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
      'by %s; with another password it does not, and neither is ever said',
      async (mechanism) => {
        const sasl = { mechanism, user: USER, password: PASSWORD }
        await expect(ask(client, login, { sasl, tls })).resolves.toEqual([])
        const wrong = { ...sasl, password: 'never shown either' }
        const error = await ask(client, login, { sasl: wrong, tls }).catch((refused: unknown) => refused)
        expect(error).toBeInstanceOf(Error)
        expect(`${said.join()} ${String(error)} ${JSON.stringify(error)}`).not.toContain('never shown')
      },
      CASE_MS,
    )

    test('not without one', () => expect(ask(client, login, { tls })).rejects.toThrow(), CASE_MS)
  })

  describe.each(CLIENTS)('%s reaches Kafka with a certificate', (client) => {
    test(
      'that it asks for',
      () => expect(ask(client, mutual, { tls: { ...tls, cert: CERTIFICATE, key: KEY } })).resolves.toEqual([]),
      CASE_MS,
    )
    test('and not without it', () => expect(ask(client, mutual, { tls })).rejects.toThrow(), CASE_MS)
    test(
      'and not where nobody vouches for its own',
      () => expect(ask(client, login, { tls: {} })).rejects.toThrow(/self.signed/i),
      CASE_MS,
    )
  })

  describe('beside others on the same topic', () => {
    const foreign = new Kafka({ brokers: [server.brokers], logLevel: logLevel.NOTHING })
    const [admin, producer] = [foreign.admin(), foreign.producer()]
    const own = { user: USER, password: PASSWORD, mechanism: 'scram-sha-512' } as const
    const open = (more: Partial<KafkaOptions> = {}) =>
      openKafkaChannel({
        ...{ brokers: `127.0.0.1:${login}`, clock: systemClock, telemetry: { ...telemetry, counter } },
        ...{ sasl: own, tls, ...more },
      })
    const send = (...messages: Message[]) =>
      producer.send({ topic: 'orders', messages: messages.map((each) => ({ partition: 1, ...each })) })
    const ended = async (topic: string) =>
      (await admin.fetchTopicOffsets(topic)).map(({ offset }) => Number(offset)).reduce((a, b) => a + b)
    const external = {
      kind: 'log',
      lanes: 2,
      subscriptions: ['filter'],
      backend: { name: 'orders', isExternal: true },
    } as const

    beforeAll(async () => {
      await Promise.all([admin.connect(), producer.connect()])
      await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 2 }], waitForLeaders: true })
    }, CASE_MS)
    afterAll(() => Promise.all([admin.disconnect(), producer.disconnect()]))

    test(
      'a foreign producer is heard from now on, binary or structured; what is no CloudEvent is counted and passed over',
      async () => {
        await using driver = await open({ places: true })
        await send({
          value: 'of before',
          headers: { ce_specversion: '1.0', ce_id: 'before', ce_source: 's', ce_type: 't' },
        })
        await driver.create('log/orders', external)
        await publish(driver, 'log/orders', 'own')
        const event = { specversion: '1.0', id: 'structured', source: 's', type: 't', data: { a: 1 } }
        const more = { ce_subject: 'ünder', 'content-type': 'text/plain' }
        await send(
          { value: 'no event', headers: {} },
          { value: null },
          {
            key: 'k',
            value: 'text',
            headers: { ce_specversion: '1.0', ce_id: 'binary', ce_source: 's', ce_type: 't', ...more },
          },
          { value: JSON.stringify(event), headers: { 'content-type': 'application/cloudevents+json' } },
        )
        const stop = new AbortController()
        const taken: Delivery[] = []
        const options = { maxInFlight: 10, maxInFlightBytes: 1_000_000 }
        for await (const batch of driver.subscribe('log/orders', 'filter', options, stop.signal)) {
          for (const each of batch) await each.ack()
          taken.push(...batch)
          if (taken.length >= 3) stop.abort()
        }
        const byId = new Map(taken.map(({ event, laneKey }) => [event.attributes.get('id'), { event, laneKey }]))
        expect([...byId.keys()].sort()).toEqual(['binary', 'own', 'structured'])
        const { event: binary, laneKey } = byId.get('binary') ?? {}
        expect(laneKey).toBe('k')
        expect(Object.fromEntries(binary?.attributes ?? [])).toMatchObject({
          ...{ subject: 'ünder', datacontenttype: 'text/plain' },
          ...{ knativekafkapartition: 1, knativekafkaoffset: expect.stringMatching(/^\d+$/) },
        })
        expect(String(binary?.data)).toBe('text')
        expect(String(byId.get('structured')?.event.data)).toBe('{"a":1}')
        expect(sum('channel_kafka_skipped_records_total')).toBe(2)
        expect(said.filter((line) => line.includes('no CloudEvent was skipped'))).toHaveLength(1)
        await driver.remove('log/orders')
        expect((await ended('orders')) > 0).toBe(true)
        expect((await admin.listTopics()).filter((topic) => topic.includes('log_2Forders'))).toEqual([])
      },
      CASE_MS,
    )

    test(
      'a topic that is said to be there is refused where it is not, or has other partitions than the log has lanes',
      async () => {
        await using driver = await open()
        for (const ask of [driver.check, driver.create]) {
          const missing = { ...external, backend: { name: 'invoices', isExternal: true } }
          const asked = (options: ChannelOptions) => ask?.call(driver, 'log/refused', options)
          await expect(asked(missing)).rejects.toMatchObject({
            detail: { code: 'CHANNEL_UNKNOWN', channel: 'invoices' },
          })
          await expect(asked({ ...external, lanes: 3 })).rejects.toMatchObject({
            detail: {
              code: 'CHANNEL_CONFLICT',
              channel: 'orders',
              problem: 'it has 2 partitions, and its log 3 lanes',
            },
          })
        }
        expect(await admin.listTopics()).not.toContain('invoices')
      },
      CASE_MS,
    )

    test(
      'a log lies under the name that others know; a topic of that name that somebody else made is not taken',
      async () => {
        const options = {
          kind: 'log',
          lanes: 1,
          subscriptions: ['filter'],
          backend: { name: 'knative-broker-a-b' },
        } as const
        await using driver = await open()
        await driver.create('log/first', options)
        await publish(driver, 'log/first', '1')
        await expect(ended('knative-broker-a-b')).resolves.toBe(1)
        await using another = await open()
        await another.create('log/first', options)
        await expect(another.create('log/second', options)).rejects.toMatchObject({
          detail: { code: 'CHANNEL_CONFLICT', channel: 'knative-broker-a-b' },
        })
        await driver.remove('log/first')
        await driver.create('log/second', options)
        await expect(ended('knative-broker-a-b')).resolves.toBe(0)
      },
      CASE_MS,
    )

    test.each(CLIENTS)(
      'by %s: a batch that can not be unpacked holds up its own partition, says so, and no other topic',
      async (client) => {
        await using driver = await open({ client })
        await driver.create('log/unreadable', external)
        await driver.create(`log/own-${client}`, { kind: 'log', lanes: 1, subscriptions: ['filter'] })
        said.length = 0
        gzip.isBroken = true
        try {
          const taken: unknown[] = []
          const stop = new AbortController()
          const take = async (log: string) => {
            const options = { maxInFlight: 10, maxInFlightBytes: 1_000_000 }
            for await (const batch of driver.subscribe(log, 'filter', options, stop.signal)) {
              for (const each of batch) await each.ack()
              taken.push(...batch.map(({ event }) => event.attributes.get('id')))
              if (taken.includes('own')) stop.abort()
            }
          }
          const messages = [{ partition: 1, value: 'x', headers: { ce_id: 'packed' } }]
          await producer.send({ topic: 'orders', compression: CompressionTypes.GZIP, messages })
          const taking = Promise.all([take('log/unreadable'), take(`log/own-${client}`)])
          const isSaid = () => said.some((line) => line.includes('can not be read any further'))
          for (let tries = 0; tries < MOST_WAITS && !isSaid(); tries++) await setTimeout(20)
          expect(isSaid()).toBe(true)
          await publish(driver, `log/own-${client}`, 'own')
          await taking
          expect(taken).toEqual(['own'])
        } finally {
          gzip.isBroken = false
        }
      },
      CASE_MS,
    )

    test.each(CLIENTS)(
      'by %s: whatever a foreign producer compresses by is read',
      async (client) => {
        const log = `log/packed-${client}`
        const topic = `packed-${client}`
        await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
        await using driver = await open({ client })
        const backend = { name: topic, isExternal: true }
        await driver.create(log, { kind: 'log', lanes: 1, subscriptions: ['filter'], backend })
        const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
        for (const compression of codecs) {
          const maker = new Producer({ clientId: 'foreign', bootstrapBrokers: [server.brokers], compression })
          const headers = Object.entries({ ce_specversion: '1.0', ce_id: compression, ce_source: '/f', ce_type: 't' })
          const bytes = headers.map(([name, text]) => [Buffer.from(name), Buffer.from(text)] as const)
          const value = Buffer.from('data '.repeat(1_000))
          await maker.send({ messages: [{ topic, partition: 0, value, headers: new Map(bytes) }] })
          await maker.close()
        }
        const stop = new AbortController()
        const taken: string[] = []
        for await (const batch of driver.subscribe(
          log,
          'filter',
          { maxInFlight: 10, maxInFlightBytes: 1e6 },
          stop.signal,
        )) {
          for (const each of batch) {
            taken.push(`${each.event.attributes.get('id')} ${each.event.data?.length}`)
            await each.ack()
          }
          if (taken.length === codecs.length) stop.abort()
        }
        expect(taken).toEqual(codecs.map((codec) => `${codec} 5000`))
      },
      CASE_MS,
    )
  })
}
