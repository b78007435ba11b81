// Channels in one process over the embedded store, programmed by rows: no filter runs, since a channel needs none.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { oneWrite } from '@sluice/channel'
import { openEmbeddedDriver } from '@sluice/channel-embedded'
import { systemClock } from '@sluice/clock'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { type SinkOptions, startSink } from '@sluice/testkit'
import { type DataPlane, logOfKind, rowsOf, startDataPlane, subscriptionOf, until } from './data-plane.ts'

let stack: AsyncDisposableStack
let plane: DataPlane
let driver: ReturnType<typeof oneWrite>

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  const { log } = createTestTelemetry()
  driver = oneWrite(stack.use(await openEmbeddedDriver({ dataDir: ':memory:', clock: systemClock, log })), systemClock)
  plane = stack.use(await startDataPlane(driver, { withFilter: false }))
})
afterEach(() => stack[Symbol.asyncDispose]())

const sinkOf = async (respond?: SinkOptions['respond']) => stack.use(await startSink(respond ? { respond } : {}))
const channel = (name: string) => logOfKind('channel', name)
const REPLY = { 'ce-specversion': '1.0', 'ce-id': 'r', 'ce-source': '/r', 'ce-type': 'reply' }
const replying = () => ({ status: 200, headers: { ...REPLY, 'content-type': 'text/plain' }, body: 'transformed' })

describe('a channel', () => {
  test('CHN-06, CHN-07, CHN-15, DLV-04: every Subscription gets the event as it was sent, 0.3 as 0.3', async () => {
    const [a, b] = [await sinkOf(), await sinkOf()]
    const log = channel('c')
    await plane.program({ logs: [log], ...rowsOf([subscriptionOf(log, 'a', a.url), subscriptionOf(log, 'b', b.url)]) })
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const headers = { 'ce-n': '007', 'content-type': 'text/plain', traceparent }
    expect(await plane.post(plane.addressOf(log), headers, 'as it is')).toBe(202)
    for (const sink of [a, b]) {
      const [got] = await sink.received(1)
      const attributes = Object.fromEntries(
        Object.entries(got?.headers ?? {}).filter(([name]) => name.startsWith('ce-')),
      )
      expect(attributes).toEqual({
        ...{ 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't', 'ce-n': '007' },
      })
      expect([got?.headers.traceparent, got?.headers['content-type'], String(got?.body)]).toEqual([
        ...[traceparent, 'text/plain', 'as it is'],
      ])
    }
    const structured = { specversion: '0.3', id: '3', source: '/s', type: 't', data: { a: 1 } }
    expect(
      await plane.post(
        plane.addressOf(log),
        { 'content-type': 'application/cloudevents+json' },
        JSON.stringify(structured),
      ),
    ).toBe(202)
    const old = await a.find('the event of 0.3', ({ id }) => id === '3')
    expect([old.headers['ce-specversion'], String(old.body)]).toEqual(['0.3', '{"a":1}'])
  })

  test('CHN-08, CHN-09: two Subscriptions of one URL are two deliveries', async () => {
    const sink = await sinkOf()
    const log = channel('c')
    const two = [subscriptionOf(log, 'a', sink.url), subscriptionOf(log, 'b', sink.url)]
    await plane.program({ logs: [log], ...rowsOf(two) })
    await plane.post(plane.addressOf(log))
    expect((await sink.received(2)).map(({ id }) => id)).toEqual(['1', '1'])
  })

  test('CHN-19: without Subscriptions it takes and drops, counted; one that comes later gets what comes later', async () => {
    const sink = await sinkOf()
    const log = channel('c')
    await plane.program({ logs: [log] })
    expect(await plane.post(plane.addressOf(log), { 'ce-id': 'early' })).toBe(202)
    const dropped = () => plane.telemetry.read('channel_unsubscribed_events_total', { namespace: 'ns', channel: 'c' })
    await until('the event is dropped', () => dropped() >= 1)
    await plane.program({ logs: [log], ...rowsOf([subscriptionOf(log, 'a', sink.url)]) })
    await plane.post(plane.addressOf(log), { 'ce-id': 'late' })
    expect((await sink.received(1)).map(({ id }) => id)).toEqual(['late'])
    expect(plane.telemetry.read('channel_copies_total', { namespace: 'ns', channel: 'c' })).toBe(1)
  })

  test('CHN-20: its answer waits for no subscriber', async () => {
    const sink = await sinkOf(() => 'hang')
    const log = channel('c')
    await plane.program({ logs: [log], ...rowsOf([subscriptionOf(log, 'a', sink.url)]) })
    expect(await plane.post(plane.addressOf(log))).toBe(202)
    await sink.received(1)
  })

  test('what waits for a Subscription that is deleted is parked under its name', async () => {
    const log = channel('c')
    const gone = subscriptionOf(log, 'a', 'http://127.0.0.1:1/', { suspend: true })
    await plane.program({ logs: [log], ...rowsOf([gone]) })
    await plane.post(plane.addressOf(log))
    await until('it waits', async () => (await driver.backlog(log.queues, 'dispatch')).events > 0)
    await plane.program({ logs: [log] })
    await until('it is parked', async () => (await driver.parkedCount(log.queues)) > 0)
    const parked = await driver.parked(log.queues, { limit: 10 })
    expect(parked.map(({ reason, queue }) => [reason, queue])).toEqual([['SUBSCRIPTION_DELETED', gone.delivery.uid]])
  })
})

describe('channels in a row', () => {
  test('CHN-10: an event arrives at the end of ten', async () => {
    const sink = await sinkOf()
    const logs = Array.from({ length: 10 }, (_, n) => channel(`c${n}`))
    const subscriptions = logs.map((log, n) => {
      const next = logs[n + 1]
      if (next === undefined) return subscriptionOf(log, 's', sink.url)
      return subscriptionOf(log, 's', '', { subscriber: { url: plane.addressOf(next), internal: true } })
    })
    await plane.program({ logs, ...rowsOf(subscriptions) })
    await plane.post(plane.addressOf(logs[0] ?? channel('')))
    const [got] = await sink.received(1)
    expect([got?.id, got?.headers['ce-knativebrokerttl'], String(got?.body)]).toEqual(['1', undefined, 'data'])
  })

  test('CHN-11, RPL-04: a reply goes on into another channel, and only the reply', async () => {
    const [transformer, sink] = [await sinkOf(replying), await sinkOf()]
    const [first, second] = [channel('first'), channel('second')]
    await plane.program({
      logs: [first, second],
      ...rowsOf([
        subscriptionOf(first, 's', transformer.url, { replyLog: second.uid }),
        subscriptionOf(second, 's', sink.url),
      ]),
    })
    await plane.post(plane.addressOf(first))
    const got = await sink.received(1)
    expect(got.map(({ id, body, headers }) => [id, String(body), headers['ce-knativearrivaltime']])).toEqual([
      ['r', 'transformed', undefined],
    ])
  })

  test('a channel that replies to itself ends after 255 hops, and the last is kept', async () => {
    const echo = await sinkOf(replying)
    const log = channel('c')
    await plane.program({ logs: [log], ...rowsOf([subscriptionOf(log, 's', echo.url, { replyLog: log.uid })]) })
    await plane.post(plane.addressOf(log))
    await echo.received(255, 20_000)
    await until('it is parked', async () => (await driver.parkedCount(log.queues)) > 0)
    const parked = await driver.parked(log.queues, { limit: 10 })
    expect([parked.map(({ reason }) => reason), echo.count]).toEqual([['REPLY_FAILED'], 255])
  })

  test('RPL-11: without a subscriber the event itself goes to where replies go', async () => {
    const sink = await sinkOf()
    const [first, second] = [channel('first'), channel('second')]
    const reply = { url: plane.addressOf(second), internal: true }
    await plane.program({
      logs: [first, second],
      ...rowsOf([subscriptionOf(first, 's', '', { subscriber: reply }), subscriptionOf(second, 's', sink.url)]),
    })
    await plane.post(plane.addressOf(first))
    expect((await sink.received(1)).map(({ id }) => id)).toEqual(['1'])
  })

  test('CHN-14, DLS-08: a channel is a dead letter sink, and its subscriber gets what failed', async () => {
    const [failing, sink] = [await sinkOf(() => 400), await sinkOf()]
    const [log, dead] = [channel('c'), channel('dead')]
    const deadLetterSink = { url: plane.addressOf(dead), internal: true }
    await plane.program({
      logs: [log, dead],
      ...rowsOf([subscriptionOf(log, 's', failing.url, { deadLetterSink }), subscriptionOf(dead, 's', sink.url)]),
    })
    await plane.post(plane.addressOf(log))
    const [got] = await sink.received(1)
    expect([got?.id, got?.headers['ce-knativeerrorcode'], got?.headers['ce-knativeerrordest']]).toEqual([
      ...['1', '400', `${failing.url}/`],
    ])
  })
})

describe('CHN-12: with one retry', () => {
  const failing = (times: number, then: () => object | number) => (_: unknown, n: number) =>
    n <= times ? 503 : (then() as ReturnType<typeof replying>)

  test.each([
    ['a subscriber that fails once is asked twice', 1, false, 0, { subscriber: 2, reply: 0, dead: 0 }],
    ['its reply then is sent once', 1, true, 0, { subscriber: 2, reply: 1, dead: 0 }],
    ['a reply that fails once is sent twice', 0, true, 1, { subscriber: 2, reply: 2, dead: 0 }],
    ['a reply that fails twice is dead-lettered', 0, true, 2, { subscriber: 2, reply: 2, dead: 1 }],
  ])('%s', async (_, subscriberFails, replies, replyFails, expected) => {
    const subscriber = await sinkOf(failing(subscriberFails, () => (replies ? replying() : 204)))
    const replySink = await sinkOf(failing(replyFails, () => 204))
    const dead = await sinkOf()
    const log = channel('c')
    const target = (url: string) => ({ url, internal: false })
    const subscription = subscriptionOf(log, 's', subscriber.url, {
      ...{ reply: target(replySink.url), deadLetterSink: target(dead.url), spec: { retry: 1 } },
    })
    await plane.program({ logs: [log], ...rowsOf([subscription]) })
    await plane.post(plane.addressOf(log))
    await Promise.all([
      subscriber.received(expected.subscriber),
      replySink.received(expected.reply),
      dead.received(expected.dead),
    ])
    await until('all have ended', async () => (await driver.backlog(log.queues, 'dispatch')).events === 0)
    expect([subscriber.count, replySink.count, dead.count]).toEqual([
      ...[expected.subscriber, expected.reply, expected.dead],
    ])
    const got = dead.requests.map(({ id, headers }) => [id, headers['ce-knativeerrordest']])
    expect(got).toEqual(expected.dead === 0 ? [] : [['1', `${replySink.url}/`]])
    if (expected.reply > 0) expect(String(replySink.requests[0]?.body)).toBe('transformed')
  })
})
