import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, describe, expect, test } from '@jest/globals'
import { connect, headers } from '@nats-io/transport-node'
import type { ChannelDriver, Delivery } from '@sluice/channel'
import { systemClock } from '@sluice/clock'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { provisionNats, ShiftedClock, startNats, startTcpProxy } from '@sluice/testkit'
import { type NatsOptions, openNatsDriver } from '../src/index.ts'
import { ChannelNames } from '../src/names.ts'

const LOG = { kind: 'log', lanes: 4, subscriptions: ['reader'] } as const

function optionsFor(url: string, more: Partial<NatsOptions> = {}) {
  const telemetry = createTestTelemetry()
  return { url, clock: systemClock, telemetry, leaseMs: 1_000, ...more }
}

function entryOf(id: string) {
  const attributes = new Map(Object.entries({ specversion: '1.0', id, source: '/test', type: 't' }))
  return { event: { attributes, data: undefined, dataKind: undefined }, laneKey: id }
}

const AMPLE = { maxInFlight: 100, maxInFlightBytes: 1e8 }

async function take(driver: ChannelDriver, channel: string, count: number, before = () => {}): Promise<Delivery[]> {
  const taken: Delivery[] = []
  const stop = new AbortController()
  for await (const batch of driver.subscribe(channel, 'reader', AMPLE, stop.signal)) {
    before()
    for (const delivery of batch) {
      taken.push(delivery)
      await delivery.ack()
    }
    if (taken.length >= count) stop.abort()
  }
  return taken
}

async function until(isMet: () => boolean): Promise<void> {
  for (let tries = 0; !isMet() && tries < 1_000; tries++) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(isMet()).toBe(true)
}

describe('options that can not work', () => {
  test('are refused, all at once', async () => {
    const opening = openNatsDriver(
      optionsFor('nats://user:secret@host:4222,http://host', { replicas: 9, prefix: 'a.b', leaseMs: 1 }),
    )
    const error = (await opening.catch((reason: unknown) => reason)) as {
      detail: { problems: string[] }
      message: string
    }
    expect(error.detail).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(error.detail.problems).toHaveLength(5)
    expect(error.message).not.toContain('secret')
  })
})

describe('a server that answers wrongly', () => {
  test('and is too old is refused with both versions', async () => {
    const old = createServer((socket) => {
      const info = { server_id: 'x', version: '2.8.4', max_payload: 1_048_576, proto: 1, headers: true }
      socket.write(`INFO ${JSON.stringify(info)}\r\n`)
      socket.on('data', (data) => data.includes('PING') && socket.write('PONG\r\n'))
      socket.on('error', () => undefined)
    })
    old.listen(0, '127.0.0.1')
    await once(old, 'listening')
    const opening = openNatsDriver(optionsFor(`nats://127.0.0.1:${(old.address() as AddressInfo).port}`))
    await expect(opening).rejects.toMatchObject({
      detail: { code: 'SERVER_UNSUPPORTED' },
      message: 'nats-server 2.8.4 is too old: 2.9.0 or newer is needed',
    })
    old.close()
  })
})

const provisioned = await provisionNats()
const server = await startNats(provisioned)

if (server === undefined) {
  describe('with a server', () => test.skip(`the driver (${provisioned.report})`, () => undefined))
} else {
  afterAll(async () => server[Symbol.asyncDispose]())

  describe('a server that is down at open', () => {
    test('is waited for, with a reason, and found when it comes', async () => {
      await using way = await startTcpProxy(server)
      way.cut()
      await using driver = await openNatsDriver(optionsFor(`nats://127.0.0.1:${way.port}`))
      expect(driver.connection).toMatchObject({ state: 'waiting', reason: expect.stringMatching(/./) })
      const outcome = await driver.create('late', LOG).catch((error: unknown) => error)
      expect(outcome).toMatchObject({ detail: { code: 'CHANNEL_UNAVAILABLE' } })
      expect(driver.isRetryable(outcome)).toBe(true)
      way.mend()
      await until(() => driver.connection.state === 'connected')
      await driver.create('late', LOG)
      await driver.publish('late', [entryOf('1')])
      expect(await take(driver, 'late', 1)).toHaveLength(1)
    })
  })

  describe('a lane that changes its owner', () => {
    test('waits for no consumer that its owner, who left in order, had seen die', async () => {
      const leaseMs = 60_000
      const clock = new ShiftedClock()
      await using way = await startTcpProxy(server)
      const [killed, left, next] = await Promise.all([
        openNatsDriver(optionsFor(`nats://127.0.0.1:${way.port}`, { leaseMs })),
        openNatsDriver(optionsFor(server.url, { leaseMs, clock })),
        openNatsDriver(optionsFor(server.url, { leaseMs })),
      ])
      await using stack = new AsyncDisposableStack()
      for (const driver of [killed, left, next]) await stack.use(driver).create('graves', LOG)
      const eight = Array.from({ length: 8 }, (_, n) => entryOf(String(n)))
      await killed.publish('graves', eight)
      expect(await take(killed, 'graves', 1, () => way.cut())).not.toEqual([])
      const taken = { all: false }
      const taking = take(left, 'graves', 8).then(() => {
        taken.all = true
      })
      for (let tries = 0; !taken.all && tries < 100; tries++) {
        await clock.shift(leaseMs + 1_000)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      await taking
      await left[Symbol.asyncDispose]()
      await next.publish('graves', eight)
      expect(await take(next, 'graves', 8)).toHaveLength(8)
    })

    test('leaves behind what had ended and was not deleted yet: it is passed over, and deleted', async () => {
      await using driver = await openNatsDriver(optionsFor(server.url))
      const names = new ChannelNames('sluice', 'handed-over')
      await driver.create('handed-over', { kind: 'queue', lanes: 1, subscriptions: ['reader'] })
      await driver.publish('handed-over', [{ ...entryOf('ended'), queue: 'q' }])
      const stop = new AbortController()
      for await (const [delivery] of driver.subscribe('handed-over', 'reader', AMPLE, stop.signal)) {
        await delivery?.nack(0)
        if (delivery?.attempt === 1) continue
        stop.abort()
      }
      const raw = await connect({ servers: server.url })
      const ask = async (api: string, body: object) =>
        JSON.parse((await raw.request(`$JS.API.${api}`, JSON.stringify(body))).string())
      const subject = names.cursor('reader', 0)
      const { message } = await ask('STREAM.MSG.GET.sluice_state', { last_by_subj: subject })
      const aside = async () => (await ask(`STREAM.INFO.${names.aside}`, {})).state
      const { last_seq, messages } = await aside()
      expect(messages).toBe(1)
      const cursor = JSON.parse(Buffer.from(message.data, 'base64').toString())
      await raw.request(subject, JSON.stringify({ ...cursor, gone: [last_seq] }))
      await driver.publish('handed-over', [{ ...entryOf('next'), queue: 'q' }])
      const taken = await take(driver, 'handed-over', 1)
      expect(taken.map(({ event }) => event.attributes.get('id'))).toEqual(['next'])
      await driver[Symbol.asyncDispose]()
      expect(await aside()).toMatchObject({ messages: 0 })
      await raw.close()
    })
  })

  describe('a foreign publisher', () => {
    test('is heard in both modes, and what is no event is counted and skipped', async () => {
      const telemetry = createTestTelemetry()
      await using driver = await openNatsDriver(optionsFor(server.url, { telemetry }))
      await driver.create('foreign', LOG)
      const foreign = await connect({ servers: server.url })
      const binary = headers()
      for (const [name, value] of [
        ['ce-specversion', '1.0'],
        ['Ce-Id', 'bin%C3%A4r'],
        ['ce-source', '/foreign'],
        ['ce-type', 't'],
        ['ce-datacontenttype', 'text/plain'],
      ] as const) {
        binary.append(name, value)
      }
      const structured = headers()
      structured.append('Content-Type', 'application/cloudevents+json')
      const envelope = { specversion: '1.0', id: 'structured', source: '/foreign', type: 't', data: { a: 1 } }
      foreign.publish('sluice.events.foreign.0', 'no event at all')
      foreign.publish('sluice.events.foreign.0', Buffer.from([0xff, 0xfe]), { headers: structured })
      foreign.publish('sluice.events.foreign.0', 'data', { headers: binary })
      foreign.publish('sluice.events.foreign.0', JSON.stringify(envelope), { headers: structured })
      await foreign.drain()
      await driver.publish('foreign', [entryOf('ours')])
      const taken = await take(driver, 'foreign', 3)
      const found = taken.map(({ event, laneKey, stamp }) => [event.attributes.get('id'), laneKey, stamp])
      expect(found).toEqual([
        ['binär', '/foreign binär', undefined],
        ['structured', '/foreign structured', undefined],
        ['ours', 'ours', undefined],
      ])
      expect(Buffer.from(taken[0]?.event.data ?? []).toString()).toBe('data')
      expect(taken[0]?.event.attributes.get('datacontenttype')).toBe('text/plain')
      expect(telemetry.read('channel_nats_skipped_messages_total')).toBe(2)
      expect(await driver.backlog('foreign', 'reader')).toEqual({ events: 0, bytes: 0 })
      await driver.publish('foreign', [entryOf('marker')])
      const next = await take(driver, 'foreign', 1)
      expect(next.map(({ event }) => event.attributes.get('id'))).toEqual(['marker'])
    })
  })

  describe('what it declares', () => {
    test('is what the operator says of the server', async () => {
      const declared = async (more: Partial<NatsOptions>) => {
        await using driver = await openNatsDriver(optionsFor('nats://127.0.0.1:1', more))
        return driver.capabilities.durable
      }
      expect(await declared({})).toBe('process')
      expect(await declared({ syncAlways: true })).toBe('disk')
      expect(await declared({ replicas: 3, syncAlways: true })).toEqual({ replicas: 3 })
    })
  })

  if (server.isOurs) {
    describe('a server that has too little', () => {
      test('no JetStream: it is waited for with the reason', async () => {
        const plain = await startNats(provisioned, 'jetstream: disabled')
        if (plain === undefined) return
        await using _ = plain
        await using driver = await openNatsDriver(optionsFor(plain.url))
        expect(driver.connection).toMatchObject({ state: 'waiting', reason: expect.stringContaining('JetStream') })
      })
    })
  }
}
