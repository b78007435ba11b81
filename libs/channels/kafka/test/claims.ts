import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { ChannelOptions, Delivery, Entry } from '@sluice/channel'
import { systemClock } from '@sluice/clock'
import { createEvent } from '@sluice/cloudevents'
import type { KafkaServer } from '@sluice/testkit'
import type { Admin, Kafka } from 'kafkajs'
import { type CLIENTS, clientOf, type KafkaDriver, openKafkaChannel } from '../src/index.ts'
import { silentTelemetry } from './silent.ts'

const CASE_MS = 60_000
const PATIENCE_MS = 20_000
const LEASE_MS = 1_000
const LOG: ChannelOptions = { kind: 'log', lanes: 1, subscriptions: ['reader'] }
const AMPLE = { maxInFlight: 1_000, maxInFlightBytes: 1e8 }

function entryOf(id: string | number, rest: Partial<Entry> = {}): Entry {
  const event = createEvent({ specversion: '1.0', id: String(id), source: '/test', type: 't' })
  return { event, laneKey: String(id), ...rest }
}

const idOf = ({ event }: Pick<Delivery, 'event'>) => String(event.attributes.get('id'))

async function until(isMet: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const end = Date.now() + PATIENCE_MS
  while (!(await isMet())) {
    if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS} ms: ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** What is Kafka's own in the driver, against a real server; the rest is in the suite that every driver passes. */
export function kafkaClaims(server: KafkaServer, client: (typeof CLIENTS)[number]): void {
  let kafka: Kafka
  let admin: Admin
  let driver: KafkaDriver
  const open = () =>
    openKafkaChannel({
      ...{ brokers: server.brokers, clock: systemClock, telemetry: silentTelemetry, leaseMs: LEASE_MS, client },
    })

  beforeAll(async () => {
    kafka = clientOf({ brokers: server.brokers, clock: systemClock, telemetry: silentTelemetry })
    admin = kafka.admin()
    await admin.connect()
    driver = await open()
    await until(
      () => driver.connection.state === 'connected',
      () => JSON.stringify(driver.connection),
    )
  }, CASE_MS)
  afterAll(async () => {
    await admin.disconnect()
    await driver[Symbol.asyncDispose]()
  })

  async function newChannel(options: ChannelOptions = LOG): Promise<string> {
    const name = `claims-${crypto.randomUUID()}`
    await driver.create(name, options)
    return name
  }

  function consume(channel: string, each: (delivery: Delivery) => unknown, from = driver, subscription = 'reader') {
    const seen: Delivery[] = []
    const stop = new AbortController()
    const running = (async () => {
      for await (const batch of from.subscribe(channel, subscription, AMPLE, stop.signal)) {
        for (const delivery of batch) {
          seen.push(delivery)
          void each(delivery)
        }
      }
    })()
    return {
      seen,
      async stop() {
        stop.abort()
        await running
      },
    }
  }

  async function committed(channel: string): Promise<number> {
    const [found] = await admin.fetchOffsets({ groupId: `sluice.${channel}.reader`, topics: [`sluice.${channel}.log`] })
    return Number(found?.partitions[0]?.offset ?? -1)
  }

  test(
    'commits for its group what has ended without a gap, and goes on there',
    async () => {
      const log = await newChannel()
      await driver.publish(
        log,
        Array.from({ length: 10 }, (_, i) => entryOf(i)),
      )
      const first = consume(log, (delivery) => (idOf(delivery) === '3' ? undefined : delivery.ack()))
      await until(
        () => first.seen.length === 10,
        () => `${first.seen.length} of 10`,
      )
      await until(
        async () => (await committed(log)) === 3,
        () => 'the third is not committed',
      )
      await first.seen.find((delivery) => idOf(delivery) === '3')?.ack()
      await until(
        async () => (await committed(log)) === 10,
        () => 'the tenth is not committed',
      )
      await first.stop()
      await driver.publish(log, [entryOf('marker')])
      const second = consume(log, (delivery) => delivery.ack())
      await until(
        () => second.seen.length > 0,
        () => 'nothing came',
      )
      expect(second.seen.map(idOf)).toEqual(['marker'])
      await second.stop()
    },
    CASE_MS,
  )

  test(
    'passes what was moved aside, so that one event that waits pins no partition',
    async () => {
      const log = await newChannel()
      await driver.publish(
        log,
        Array.from({ length: 5 }, (_, i) => entryOf(i)),
      )
      const consumer = consume(log, (delivery) =>
        idOf(delivery) === '0' ? delivery.nack(3_600_000, 'later') : delivery.ack(),
      )
      await until(
        async () => (await committed(log)) === 5,
        () => 'the waiting one pins it',
      )
      await consumer.stop()
      expect(await driver.backlog(log, 'reader')).toMatchObject({ events: 1 })
    },
    CASE_MS,
  )

  test(
    'skips tombstones, aborted transactions and their markers, and takes foreign events',
    async () => {
      const log = await newChannel()
      const topic = `sluice.${log}.log`
      const foreign = (id: string) => ({
        key: 'k',
        value: '{}',
        headers: { ce_specversion: '1.0', ce_id: id, ce_source: '/foreign', ce_type: 't' },
        partition: 0,
      })
      const structured = {
        value: JSON.stringify({ specversion: '1.0', id: 'structured', source: '/foreign', type: 't' }),
        headers: { 'content-type': 'application/cloudevents+json' },
        partition: 0,
      }
      const producer = kafka.producer({ transactionalId: log, idempotent: true, maxInFlightRequests: 1 })
      await producer.connect()
      const aborted = await producer.transaction()
      await aborted.send({ topic, messages: [foreign('aborted')] })
      await aborted.abort()
      const kept = await producer.transaction()
      await kept.send({ topic, messages: [foreign('kept'), { key: 'k', value: null, partition: 0 }, structured] })
      await kept.commit()
      await producer.disconnect()
      await driver.publish(log, [entryOf('ours')])
      const consumer = consume(log, (delivery) => delivery.ack())
      await until(
        () => consumer.seen.length >= 3,
        () => consumer.seen.map(idOf).join(),
      )
      expect(consumer.seen.map(idOf)).toEqual(['kept', 'structured', 'ours'])
      await until(
        async () => (await driver.backlog(log, 'reader')).events === 0,
        () => 'something is left',
      )
      const read = await Array.fromAsync(driver.read(log, 'oldest', new AbortController().signal))
      expect(read.map(idOf)).toEqual(['kept', 'structured', 'ours'])
      await consumer.stop()
    },
    CASE_MS,
  )

  test(
    'refuses by name a channel whose topic has fewer partitions than it is to have lanes',
    async () => {
      const name = `claims-${crypto.randomUUID()}`
      const topic = `sluice.${name}.log`
      await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })
      await expect(driver.create(name, { ...LOG, lanes: 3 })).rejects.toMatchObject({
        detail: { code: 'CHANNEL_CONFLICT', channel: topic },
        message: expect.stringContaining('fewer than the 3 lanes'),
      })
    },
    CASE_MS,
  )

  test(
    'loses nothing and keeps order while consumers join and leave, and repeats only what was in flight',
    async () => {
      const queue = await newChannel({ kind: 'queue', lanes: 8, subscriptions: ['reader'] })
      const others = [await open(), await open()]
      for (const other of others) await other.create(queue, { kind: 'queue', lanes: 8, subscriptions: ['reader'] })
      const last = new Map<string, number>()
      const repeated = new Set<string>()
      const broken: string[] = []
      const take = (delivery: Delivery) => {
        const [key = '', n = ''] = idOf(delivery).split('/')
        const before = last.get(key) ?? -1
        if (Number(n) <= before) repeated.add(idOf(delivery))
        else if (Number(n) > before + 1) broken.push(`${key}: ${n} after ${before}`)
        last.set(key, Math.max(before, Number(n)))
        return new Promise<void>((resolve, reject) => {
          setImmediate(() => delivery.ack().then(resolve, reject))
        }).catch(() => undefined)
      }
      let consumers = [driver, ...others].map((each) => consume(queue, take, each))
      const [keys, turns, perTurn] = [16, 6, 25]
      for (let turn = 0; turn < turns; turn++) {
        for (let n = 0; n < perTurn; n++) {
          const entries = Array.from({ length: keys }, (_, key) =>
            entryOf(`${key}/${turn * perTurn + n}`, { laneKey: `${key}`, queue: 'q' }),
          )
          await driver.publish(queue, entries)
        }
        const [first, ...rest] = consumers
        await first?.stop()
        consumers = [...rest, consume(queue, take, others[turn % 2])]
      }
      const total = turns * perTurn - 1
      const isDone = () => last.size === keys && [...last.values()].every((n) => n === total)
      await until(isDone, () => JSON.stringify([...last]))
      for (const each of consumers) await each.stop()
      expect(broken).toEqual([])
      expect(repeated.size).toBeLessThanOrEqual(turns * 100)
      await Promise.all(others.map((each) => each[Symbol.asyncDispose]()))
    },
    CASE_MS,
  )
}
