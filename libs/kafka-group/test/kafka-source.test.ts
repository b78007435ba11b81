import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { systemClock } from '@sluice/clock'
import type { KafkaSourceRow } from '@sluice/contract'
import { kafkaSources } from '@sluice/source-kafka'
import { runSources } from '@sluice/source-runtime'
import { createTestTelemetry, type TestTelemetry } from '@sluice/telemetry/testing'
import {
  addScramUser,
  CERTIFICATE,
  createFakeDesk,
  createFakeIngress,
  type FakeDesk,
  type FakeIngress,
  freePorts,
  type KafkaServer,
  KEY,
  provisionKafka,
  startKafka,
  startSink,
  until,
} from '@sluice/testkit'
import { type Admin, Kafka, logLevel, type Message, Partitioners, type Producer } from 'kafkajs'
import { openGroup } from '../src/index.ts'

const RUN_SOURCE = new URL('run-source.ts', import.meta.url).pathname
const START_MS = 60_000
const CHILD_MS = 14_000
const SESSION_MS = 1_500
/** Of an assignment: version, no topics, no data of a user's. */
const NO_PARTITIONS_BYTES = 10

const provisioned = await provisionKafka()
process.stdout.write(`${provisioned.report}\n`)
const [saslPort, mutualPort] = (await freePorts(2)) as [number, number]
const JAAS = 'org.apache.kafka.common.security'
const server = await startKafka(
  provisioned,
  `group.min.session.timeout.ms=500
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,MUTUAL:SSL
listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
ssl.keystore.type=PEM
ssl.keystore.certificate.chain=${inOneLine(CERTIFICATE)}
ssl.keystore.key=${inOneLine(KEY)}
ssl.truststore.type=PEM
ssl.truststore.certificates=${inOneLine(CERTIFICATE)}
listener.name.mutual.ssl.client.auth=required
listener.name.sasl.plain.sasl.jaas.config=${JAAS}.plain.PlainLoginModule required user_reader="right";
listener.name.sasl.scram-sha-256.sasl.jaas.config=${JAAS}.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=${JAAS}.scram.ScramLoginModule required;
`,
  [`SASL://127.0.0.1:${saslPort}`, `MUTUAL://127.0.0.1:${mutualPort}`],
)

describe('KafkaSource on a Kafka', () => {
  if (server === undefined) {
    test.skip(`reads it (${provisioned.report})`, () => undefined)
    return
  }
  const kafka = new Kafka({ brokers: [server.brokers], logLevel: logLevel.NOTHING })
  const admin: Admin = kafka.admin()
  const producer: Producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })

  beforeAll(async () => {
    await Promise.all([admin.connect(), producer.connect()])
  }, START_MS)
  afterAll(async () => {
    await Promise.all([admin.disconnect(), producer.disconnect()])
    await server[Symbol.asyncDispose]()
  })

  async function newTopic(numPartitions = 1): Promise<string> {
    const topic = `topic-${crypto.randomUUID()}`
    await admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true })
    return topic
  }

  const send = (topic: string, messages: Message[]) => producer.send({ topic, messages })
  const numbered = (from: number, to: number, partitions = 1): Message[] =>
    Array.from({ length: to - from }, (_, n) => ({ value: `${from + n}`, partition: (from + n) % partitions }))

  async function committed(row: KafkaSourceRow): Promise<number> {
    const topics = await admin.fetchOffsets({ groupId: row.consumerGroup, topics: [...row.topics] })
    return topics.flatMap(({ partitions }) => partitions).reduce((sum, { offset }) => sum + Math.max(0, +offset), 0)
  }

  test('SRC-17, SRC-18, SRC-19, SRC-23: every kind of record is an event; the group has passed it once it is stored, and its lag is known', async () => {
    const topic = await newTopic()
    await using source = await startSource(server, { topics: [topic], keyType: 'int' })
    const int = Buffer.from([0, 0, 1, 0])
    await send(topic, [
      {
        key: int,
        value: 'plain',
        headers: { 'content-type': 'text/plain', 'X-A': ['1', '2'] },
        timestamp: '1700000000000',
      },
      { key: 'text key', value: null },
      {
        value: '{"n":1}',
        headers: {
          ce_specversion: '1.0',
          ce_id: 'b',
          ce_source: '/s',
          ce_type: 't',
          'content-type': 'application/json',
        },
      },
      {
        value: '{"specversion":"1.0","id":"s","source":"/s","type":"t","data":{"n":2}}',
        headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
      },
    ])
    await source.stored(4)
    const [plain, tombstone, binary, structured] = source.ingress.stored.map(({ attributes, data }) => ({
      ...Object.fromEntries(attributes),
      data: data && Buffer.from(data).toString(),
    }))
    expect(plain).toMatchObject({
      ...{ id: 'partition:0/offset:0', type: 'dev.knative.kafka.event', subject: 'partition:0#0', key: '256' },
      ...{ source: `/apis/v1/namespaces/shop/kafkasources/orders#${topic}`, time: '2023-11-14T22:13:20.000Z' },
      ...{ datacontenttype: 'text/plain', kafkaheaderxa: '2', data: 'plain', partitionkey: '256' },
    })
    expect(tombstone).toMatchObject({ id: 'partition:0/offset:1', key: 'text key', data: undefined })
    expect(binary).toMatchObject({ id: 'b', source: '/s', type: 't', data: '{"n":1}', knativekafkaoffset: '2' })
    expect(structured).toMatchObject({ id: 's', data: '{"n":2}', knativekafkapartition: '0' })
    await until('its offset', async () => (await committed(source.row)) === 4)
    expect(source.conditions()).toMatchObject({
      ...{ ConnectionEstablished: { status: 'True' }, InitialOffsetsCommitted: { status: 'True' } },
      ...{ Deployed: { status: 'True' }, EventsStored: { status: 'True' } },
    })
    expect(source.facts()).toEqual({ consumers: '1' })
  })

  test('records are read by whatever they are compressed', async () => {
    const compressions = ['gzip', 'snappy', 'lz4', 'zstd']
    const topics = compressions.map((each) => `${each}-${crypto.randomUUID()}`)
    await admin.createTopics({
      waitForLeaders: true,
      topics: topics.map((topic, n) => ({
        topic,
        configEntries: [{ name: 'compression.type', value: compressions[n] ?? '' }],
      })),
    })
    await using source = await startSource(server, { topics })
    const value = 'what is said again and again '.repeat(10_000)
    await Promise.all(topics.map((topic) => send(topic, [{ value }, { value: 'short' }])))
    await source.stored(topics.length * 2)
    expect(source.values().filter((each) => each === value)).toHaveLength(topics.length)
    expect(source.values().filter((each) => each === 'short')).toHaveLength(topics.length)
  })

  test('SRC-21, SRC-22: earliest begins with the oldest record, latest with what comes after the source, also if it dies before it reads', async () => {
    const topic = await newTopic()
    await send(topic, numbered(0, 3))
    await using early = await startSource(server, { topics: [topic] })
    const late = await startSource(server, { topics: [topic], initialOffset: 'latest', consumers: 0 })
    await late.desk.handOver('u1')
    await send(topic, numbered(3, 5))
    await late.desk.put({ ...late.row, consumers: 1 })
    await Promise.all([early.stored(5), late.stored(2)])
    expect(early.values()).toEqual(['0', '1', '2', '3', '4'])
    expect(late.values()).toEqual(['3', '4'])
    await late[Symbol.asyncDispose]()
  })

  test('while the ingress is away nothing is passed; members keep their partitions beyond a session, and share them', async () => {
    const topic = await newTopic(2)
    const ingress = createFakeIngress({ clock: systemClock })
    ingress.respond = () => 503
    await send(topic, numbered(100, 104, 2))
    await using source = await startSource(server, { topics: [topic], initialOffset: 'latest' }, ingress)
    await until('the start', async () => source.conditions()?.InitialOffsetsCommitted?.status === 'True')
    await send(topic, numbered(0, 6, 2))
    const tried = () => new Set(ingress.requests.map(({ event }) => event.attributes.get('id'))).size
    await until('a try of each partition', async () => tried() === 2)
    const members = async () => (await admin.describeGroups([source.row.consumerGroup])).groups[0]?.members ?? []
    const before = await members()
    const since = performance.now()
    await until('a session to pass', async () => performance.now() - since > SESSION_MS * 1.2)
    expect((await members()).map(({ memberId }) => memberId)).toEqual(before.map(({ memberId }) => memberId))
    expect(before).toHaveLength(1)
    // Another replica that has the source, while the first one does not know
    await using _ = runOn(source.desk, ingress, source.telemetry)
    await source.desk.split('u1')
    const isShared = (all: Awaited<ReturnType<typeof members>>) =>
      all.length === 2 && all.every(({ memberAssignment: { length } }) => length > NO_PARTITIONS_BYTES)
    await until('two that share', async () => isShared(await members()))
    expect(await committed(source.row)).toBe(0)
    ingress.respond = () => 202
    await source.stored(6)
    await until('all', async () => (await committed(source.row)) === 10)
    expect(source.values().toSorted()).toEqual(['0', '1', '2', '3', '4', '5'])
  })

  test('a record that is refused for good is passed, and the next ones are stored', async () => {
    const topic = await newTopic()
    await using source = await startSource(server, { topics: [topic] })
    source.ingress.respond = ({ event }) => (Buffer.from(event.data ?? []).toString() === '1' ? 413 : 202)
    await send(topic, numbered(0, 3))
    await source.stored(2)
    await until('all passed', async () => (await committed(source.row)) === 3)
    expect(source.values()).toEqual(['0', '2'])
    const said = source.telemetry.lines.find(({ message }) => message.startsWith('record of a source is passed'))
    expect(said).toMatchObject({ level: 'error', fields: { topic, partition: 0, offset: 1 } })
  })

  test('members that come and go take over partitions: nothing is skipped, order stays, repeats are what was under way', async () => {
    const [topic, partitions, all] = [await newTopic(4), 4, 400]
    const ingress = createFakeIngress({ clock: systemClock })
    const row = { topics: [topic], consumerGroup: `g-${crypto.randomUUID()}` }
    await send(topic, numbered(0, all / 2, partitions))
    const first = await startSource(server, row, ingress)
    await until('some', async () => ingress.stored.length > 20)
    await using second = await startSource(server, { ...row, consumers: 2 }, ingress)
    await send(topic, numbered(all / 2, all, partitions))
    await until('two members', async () => second.facts()?.consumers === '2')
    await first[Symbol.asyncDispose]()
    await until('all', async () => (await committed(second.row)) === all)
    const ids = ingress.stored.map(({ attributes }) => String(attributes.get('id')))
    expect(new Set(ids).size).toBe(all)
    expect(ids.length - all).toBeLessThanOrEqual(3 * partitions)
    for (let partition = 0; partition < partitions; partition++) {
      const firsts = [...new Set(ids.filter((id) => id.startsWith(`partition:${partition}/`)))]
      expect(firsts.map((id) => Number(id.split(':')[2]))).toEqual(firsts.map((_, n) => n))
    }
  })

  test('two replicas have one of two members each, begin where the source begins, and the one that stays has both', async () => {
    const topic = await newTopic(2)
    const ingress = createFakeIngress({ clock: systemClock })
    await send(topic, numbered(100, 104, 2))
    await using source = await startSource(server, { topics: [topic], consumers: 2, initialOffset: 'latest' }, ingress)
    await until('both here', async () => source.facts()?.consumers === '2')
    const other = runOn(source.desk, ingress, source.telemetry)
    const members = async () => (await admin.describeGroups([source.row.consumerGroup])).groups[0]?.members ?? []
    const readers = async () => (await members()).filter((each) => each.memberAssignment.length > NO_PARTITIONS_BYTES)
    const said = () =>
      source.telemetry.lines.filter(({ message }) => message.startsWith('member of a consumer group has'))
    const before = said().length
    await until('one in each', async () => said().length > before + 1 && (await readers()).length === 2, CHILD_MS)
    await send(topic, numbered(0, 6, 2))
    await source.stored(6)
    expect(source.values().toSorted()).toEqual(['0', '1', '2', '3', '4', '5'])
    await other[Symbol.asyncDispose]()
    await until('two again', async () => (await readers()).length === 2, CHILD_MS)
    await send(topic, numbered(6, 8, 2))
    await source.stored(8)
  })

  test('after kill -9 the next process repeats what was not passed, and skips nothing', async () => {
    const [topic, all] = [await newTopic(2), 3_000]
    await using sink = await startSink({ respond: () => 202 })
    const row = { ...rowOf(server, { topics: [topic] }), target: { url: sink.url, internal: true } }
    await send(topic, numbered(0, all, 2))
    const first = run(row)
    await sink.until('some', () => sink.count > all / 10, CHILD_MS)
    await first.kill()
    const before = sink.count
    expect(before).toBeLessThan(all)
    await using _ = run(row)
    const seen = () => new Set(sink.requests.map(({ id }) => id)).size
    await sink.until('all', () => seen() === all, CHILD_MS)
    expect(sink.count).toBeGreaterThan(before)
  })

  test.each([undefined, 'SCRAM-SHA-256', 'SCRAM-SHA-512'])(
    'over TLS, wrong credentials (saslType %s) are a condition, tried again, and right ones are taken',
    async (saslType) => {
      const topic = await newTopic()
      if (saslType?.startsWith('SCRAM')) await addScramUser(server, 'reader', 'right')
      const given = { saslUser: 'reader', saslPassword: 'wrong', tlsCaCert: CERTIFICATE, ...(saslType && { saslType }) }
      const bootstrapServers = [`127.0.0.1:${saslPort}`]
      await using source = await startSecured(server, { topics: [topic], bootstrapServers, sasl: true }, given)
      await until('a condition', async () => source.conditions()?.ConnectionEstablished?.status === 'False')
      expect(source.conditions()).toMatchObject({
        ConnectionEstablished: { reason: 'AuthenticationFailed' },
        Deployed: { status: 'False', reason: 'SourceOriginUnavailable' },
      })
      expect(JSON.stringify(source.desk.reports('u1'))).not.toContain('wrong')
      source.desk.secrets.set('shop/kafka/saslPassword', 'right')
      await send(topic, [{ value: 'x' }])
      await source.stored(1)
      expect(source.conditions()).toMatchObject({ ConnectionEstablished: { status: 'True' } })
    },
  )

  test('with a certificate of its own where Kafka asks for one, and not without', async () => {
    const topic = await newTopic()
    await send(topic, [{ value: 'x' }])
    const row = { topics: [topic], bootstrapServers: [`127.0.0.1:${mutualPort}`] }
    await using bare = await startSecured(server, row, { tlsCaCert: CERTIFICATE })
    await until('a condition', async () => bare.conditions()?.ConnectionEstablished?.status === 'False')
    const given = { tlsCaCert: CERTIFICATE, tlsCert: CERTIFICATE, tlsKey: KEY }
    await using source = await startSecured(server, row, given)
    await source.stored(1)
    expect(bare.ingress.stored).toEqual([])
  })

  test('a topic that does not exist is a condition that names it', async () => {
    await using source = await startSource(server, { topics: ['nowhere'] })
    await until('a condition', async () => source.conditions()?.ConnectionEstablished?.status === 'False')
    expect(source.conditions()?.ConnectionEstablished).toMatchObject({
      reason: 'TopicMissing',
      message: expect.stringContaining('nowhere'),
    })
  })
})

function rowOf(server: KafkaServer, row: Partial<KafkaSourceRow>): KafkaSourceRow {
  return {
    ...{ uid: 'u1', hash: '', kind: 'KafkaSource', namespace: 'shop', name: 'orders' },
    target: { url: 'http://127.0.0.1:8080/shop/default', internal: true },
    ...{ bootstrapServers: [server.brokers], topics: [], consumerGroup: `g-${crypto.randomUUID()}`, consumers: 1 },
    ...{ initialOffset: 'earliest', ordering: 'ordered', keyType: 'string', tls: false, sasl: false },
    ...row,
  }
}

/** The source on a desk of its own, as in a process. */
async function startSource(
  server: KafkaServer,
  changes: Partial<KafkaSourceRow>,
  ingress: FakeIngress = createFakeIngress({ clock: systemClock }),
  secrets: ReadonlyMap<string, string> = new Map(),
) {
  const row = rowOf(server, changes)
  const telemetry = createTestTelemetry()
  const desk = createFakeDesk<KafkaSourceRow>({ clock: systemClock })
  for (const [name, value] of secrets) desk.secrets.set(name, value)
  const running = runOn(desk, ingress, telemetry)
  await desk.put(row)
  const values = () => ingress.stored.map(({ data }) => Buffer.from(data ?? []).toString())
  return {
    ...{ row, desk, ingress, telemetry, values },
    stored: (count: number) =>
      until(
        () => `${count} events, ${ingress.stored.length} are stored; ${JSON.stringify(desk.reports(row.uid).at(-1))}`,
        async () => ingress.stored.length >= count,
      ),
    conditions: () => desk.reports(row.uid).at(-1)?.conditions,
    facts: () => desk.reports(row.uid).at(-1)?.facts,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

/** Over TLS, with Secrets of these values. */
function startSecured(server: KafkaServer, row: Partial<KafkaSourceRow>, given: Readonly<Record<string, string>>) {
  const names = Object.keys(given)
  const secrets = Object.fromEntries(names.map((key) => [key, { namespace: 'shop', name: 'kafka', key }]))
  const values = new Map(Object.entries(given).map(([key, value]) => [`shop/kafka/${key}`, value]))
  return startSource(server, { ...row, tls: true, secrets }, createFakeIngress({ clock: systemClock }), values)
}

function runOn(desk: FakeDesk<KafkaSourceRow>, ingress: FakeIngress, telemetry: TestTelemetry) {
  return runSources({
    ...{ desk: desk.replica(), clock: systemClock, telemetry, sender: ingress.sender, random: () => 0 },
    ...kafkaSources({
      ...{ telemetry, random: () => 0 },
      openGroup: (settings) =>
        openGroup({ ...settings, clientId: 'test', log: telemetry.log, sessionMs: SESSION_MS, drainMs: 300 }),
    }),
  })
}

/** In a process of its own, until it is killed. */
function run(row: KafkaSourceRow) {
  const child = spawn(process.execPath, [RUN_SOURCE], { env: { ...process.env, ROW: JSON.stringify(row) } })
  const exited = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  return { kill, [Symbol.asyncDispose]: kill }
}

/** As the properties of a server have it. */
function inOneLine(pem: string): string {
  return pem.replaceAll('\n', '\\n')
}
