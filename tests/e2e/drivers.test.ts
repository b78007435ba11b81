// Two drivers in one process, the embedded store and a real NATS server: each broker and channel at its own.
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type ChannelDriver, oneWrite, sideBySide } from '@sluice/channel'
import { openEmbeddedDriver } from '@sluice/channel-embedded'
import { openNatsDriver } from '@sluice/channel-nats'
import { systemClock as clock } from '@sluice/clock'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { provisionNats, type SinkOptions, startNats, startSink } from '@sluice/testkit'
import { type DataPlane, logOfKind, rowsOf, startDataPlane, subscriptionOf, until } from './data-plane.ts'

const provisioned = await provisionNats()
process.stdout.write(`${provisioned.report}\n`)
const server = await startNats(provisioned)
const described = server === undefined ? describe.skip : describe
afterAll(async () => server?.[Symbol.asyncDispose]())

let stack: AsyncDisposableStack
let plane: DataPlane
let drivers: Record<'embedded' | 'nats', ChannelDriver>
let prefixes = 0

async function start(canFail = false): Promise<void> {
  const telemetry = createTestTelemetry()
  const url = server?.url ?? ''
  prefixes += 1
  drivers = {
    embedded: stack.use(await openEmbeddedDriver({ dataDir: ':memory:', clock, log: telemetry.log })),
    nats: stack.use(await openNatsDriver({ url, clock, telemetry, prefix: `beside${prefixes}` })),
  }
  plane = stack.use(await startDataPlane(oneWrite(sideBySide(new Map(Object.entries(drivers))), clock), { canFail }))
}

beforeEach(() => {
  stack = new AsyncDisposableStack()
})
afterEach(() => stack[Symbol.asyncDispose]())

const sinkOf = async (respond?: SinkOptions['respond']) => stack.use(await startSink(respond ? { respond } : {}))
const REPLY = { 'ce-specversion': '1.0', 'ce-id': 'r', 'ce-source': '/r', 'ce-type': 'reply' }
const here = logOfKind('broker', 'here')
const there = logOfKind('broker', 'there', { driver: 'nats' })

described(`drivers side by side (${provisioned.report})`, () => {
  test('two brokers, each stored by its own driver and by no other', async () => {
    await start()
    const [a, b] = [await sinkOf(), await sinkOf()]
    const two = [subscriptionOf(here, 'a', a.url), subscriptionOf(there, 'b', b.url)]
    await plane.program({ logs: [here, there], ...rowsOf(two) })
    expect(await plane.post(plane.addressOf(here), { 'ce-id': 'to-here' })).toBe(202)
    expect(await plane.post(plane.addressOf(there), { 'ce-id': 'to-there' })).toBe(202)
    expect((await a.received(1, 15_000)).map(({ id }) => id)).toEqual(['to-here'])
    expect((await b.received(1, 15_000)).map(({ id }) => id)).toEqual(['to-there'])
    expect(await idsOf(drivers.embedded, here.channel)).toEqual(['to-here'])
    expect(await idsOf(drivers.nats, there.channel)).toEqual(['to-there'])
    await expect(drivers.embedded.backlog(there.channel, 'filter')).rejects.toMatchObject({
      detail: { code: 'CHANNEL_UNKNOWN' },
    })
  })

  test('a reply crosses from one to the other, and so does a dead letter', async () => {
    await start()
    const replies = (request: { id: string }) => (request.id === 'r' ? 400 : { status: 200, headers: REPLY })
    const [first, second, last] = [await sinkOf(replies), await sinkOf(replies), await sinkOf()]
    const dead = logOfKind('channel', 'dead')
    const deadLetterSink = { url: plane.addressOf(dead), internal: true }
    await plane.program({
      logs: [here, there, dead],
      ...rowsOf([
        subscriptionOf(here, 'a', first.url, { replyLog: there.uid }),
        subscriptionOf(there, 'b', second.url, { deadLetterSink }),
        subscriptionOf(dead, 'c', last.url),
      ]),
    })
    await plane.post(plane.addressOf(here))
    const [got] = await last.received(1, 15_000)
    expect([got?.id, got?.headers['ce-knativeerrorcode']]).toEqual(['r', '400'])
    expect(await idsOf(drivers.nats, there.channel)).toEqual(['r'])
    expect(await idsOf(drivers.embedded, dead.channel)).toEqual(['r'])
  })

  test('a broker whose driver is not here is refused by name and waits; the others run', async () => {
    await start(true)
    const lost = logOfKind('broker', 'lost', { driver: 'rabbit' })
    const sink = await sinkOf()
    await plane.program({ logs: [lost, here, there], ...rowsOf([lost, here, there].map(subscribedBy(sink.url))) })
    await until('both are programmed', async () => {
      const statuses = [await plane.post(plane.addressOf(here)), await plane.post(plane.addressOf(there))]
      return statuses.every((status) => status === 202)
    })
    await sink.received(2, 15_000)
    expect(await plane.post(plane.addressOf(lost))).toBe(503)
    const told = plane.telemetry.lines.find(({ message }) => message === 'channel could not be made')
    expect(told?.fields).toMatchObject({ broker: 'lost', failure: { code: 'DRIVER_MISSING', driver: 'rabbit' } })
  })

  test('a channel stays with its driver', async () => {
    await start()
    const driver = sideBySide(new Map(Object.entries(drivers)))
    const options = { kind: 'log', lanes: 1, subscriptions: ['filter'] } as const
    await driver.create('c', { ...options, driver: 'nats' })
    await expect(driver.create('c', options)).rejects.toMatchObject({ detail: { code: 'CHANNEL_CONFLICT' } })
    expect(driver.capabilitiesOf?.('c')).toEqual(drivers.nats.capabilities)
    expect(driver.capabilities).toMatchObject({ durable: 'process', shared: false })
  })
})

const subscribedBy = (url: string) => (log: typeof here) => subscriptionOf(log, 's', url)

async function idsOf(driver: ChannelDriver, channel: string): Promise<string[]> {
  const ids: string[] = []
  for await (const { event } of driver.read(channel, 'oldest', AbortSignal.timeout(5_000)))
    ids.push(String(event.attributes.get('id')))
  return ids
}
