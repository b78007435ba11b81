import { describe, expect, test } from '@jest/globals'
import type { ChannelDriver } from '@sluice/channel'
import { EventingError } from '@sluice/errors'
import { arrange, entriesOf, entryOf, HOUR_MS, idsOf, LOG, rowsOf } from '../test/arrange.ts'

const TO_BILL = 'POST /replay/shop/orders/bill'
const OLDEST = { from: { time: '2026-01-01T00:00:00Z' } }
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i))

/** Ten events, a minute apart, the first at the full hour. */
async function withHistory(triggers?: Parameters<typeof arrange>[0]) {
  const it = await arrange(triggers)
  for (let i = 0; i < 10; i++) {
    await it.publish(LOG.channel, [entryOf(i, { type: i % 2 ? 'odd' : 'even' })])
    await it.clock.advance(60_000 - (it.clock.now() % 60_000))
  }
  return it
}

describe('a replay', () => {
  test('puts the events of a window once more into one queue, in order, marked with its id; the others get nothing', async () => {
    await using it = await withHistory()
    const handed = it.consume()
    const answer = await it.ask(TO_BILL, {
      from: { time: '2026-01-01T00:02:00Z' },
      to: { time: '2026-01-01T00:05:00Z' },
    })
    expect(answer).toMatchObject({ id: 'job-1', kind: 'replay', trigger: 'bill', state: 'done' })
    expect(answer).toMatchObject({ examined: 3, matched: 3, done: 3, at: expect.any(String), rate: 100 })
    await it.clock.advance(10)
    expect(idsOf(handed)).toEqual(['2', '3', '4'])
    expect(handed.map(({ queue, attempt }) => [queue, attempt])).toEqual(new Array(3).fill(['to-bill', 1]))
    expect(handed.map(({ event }) => event.attributes.get('sluicereplay'))).toEqual(new Array(3).fill('job-1'))
    expect(Buffer.from(handed[0]?.event.data ?? '').toString()).toBe('{"n":1}')
    expect(await it.read(LOG.channel)).toHaveLength(10)
    expect(it.telemetry.read('redelivery_events_total', { kind: 'replay', broker: 'orders' })).toBe(3)
  })

  test('takes positions, both included, and mixes of both', async () => {
    await using it = await withHistory()
    const positions = (await it.read(LOG.channel)).map(({ position }) => position)
    const [third, sixth] = [{ position: positions[3] }, { position: positions[6] }]
    const handed = it.consume()
    await it.ask(TO_BILL, { from: third, to: sixth })
    await it.clock.advance(10)
    expect(idsOf(handed.splice(0))).toEqual(range(3, 7))
    await it.ask(TO_BILL, { from: sixth })
    await it.clock.advance(10)
    expect(idsOf(handed.splice(0))).toEqual(range(6, 10))
    await it.ask(TO_BILL, { from: third, to: { time: '2026-01-01T00:05:00Z' } })
    await it.clock.advance(10)
    expect(idsOf(handed)).toEqual(['3', '4'])
  })

  test('gives a trigger only what its filter takes, and of that what is asked for; a dry run counts it', async () => {
    await using it = await withHistory([{ name: 'bill', filter: { attributes: { type: 'odd' } } }])
    const handed = it.consume()
    const asked = { ...OLDEST, filters: [{ cesql: "id > '3'" }] }
    const counted = await it.ask(TO_BILL, { ...asked, dryRun: true })
    expect(counted).toMatchObject({ state: 'done', isDryRun: true, examined: 10, matched: 3, done: 0 })
    await it.clock.advance(10)
    expect(handed).toEqual([])
    await it.ask(TO_BILL, asked)
    await it.clock.advance(10)
    expect(idsOf(handed)).toEqual(['5', '7', '9'])
  })

  test('ends with what was there when it began, however much comes in meanwhile', async () => {
    await using it = await withHistory()
    const handed = it.consume((delivery) => it.driver.publish(LOG.channel, [entryOf('new')]).then(() => delivery.ack()))
    const begun = it.begin(TO_BILL, { ...OLDEST, rate: 2 })
    await it.clock.advance(20_000)
    const { id } = await begun
    expect(await it.ask(`GET /jobs/shop/${id}`)).toMatchObject({ state: 'done', examined: 10, done: 10 })
    expect(idsOf(handed)).toEqual(range(0, 10))
  })

  test('reads more than a page, without gap or repeat', async () => {
    await using it = await arrange()
    await it.publish(LOG.channel, entriesOf(1_000))
    await it.clock.advance(5)
    const handed = it.consume()
    const answer = await it.ask(TO_BILL, { ...OLDEST, rate: 10_000 })
    await it.clock.advance(100)
    expect(answer).toMatchObject({ state: 'done', examined: 1_000, done: 1_000 })
    expect(idsOf(handed)).toEqual(range(0, 1_000))
  })

  test('that was cancelled goes on from its position under its id, and stores nothing twice', async () => {
    await using it = await withHistory()
    const handed = it.consume()
    const begun = it.begin(TO_BILL, { ...OLDEST, rate: 1, id: 'again' })
    await it.clock.advance(4_500)
    await begun
    const { at } = await it.ask('POST /jobs/shop/again/cancel')
    expect(idsOf(handed)).toEqual(range(0, 5))
    const answer = it.begin(TO_BILL, { from: { position: at }, id: 'again' })
    await it.clock.advance(2_000)
    expect(await answer).toMatchObject({ id: 'again', state: 'done' })
    expect(idsOf(handed)).toEqual(range(0, 10))
    const whole = it.begin(TO_BILL, { ...OLDEST, id: 'again' })
    await it.clock.advance(2_000)
    expect(await whole).toMatchObject({ state: 'done', examined: 10 })
    expect(handed).toHaveLength(10)
  })

  test('ends when its trigger is gone', async () => {
    await using it = await arrange()
    await it.publish(LOG.channel, entriesOf(600))
    const begun = it.begin(TO_BILL, { ...OLDEST, rate: 100 })
    await it.clock.advance(1_000)
    const { id } = await begun
    await it.contract.publish(rowsOf([{ name: 'mail' }]))
    await it.clock.advance(5_000)
    const problem = { code: 'TRIGGER_UNKNOWN', detail: expect.stringContaining('shop/bill') }
    expect(await it.ask(`GET /jobs/shop/${id}`)).toMatchObject({ state: 'failed', problem })
  })

  test('waits for a store that is away, counts what the store refuses for good, and stores the rest', async () => {
    await using it = await withHistory()
    const handed = it.consume()
    const real = it.driver.publish.bind(it.driver)
    let isDown = true
    it.driver.publish = ((channel, entries) => {
      if (isDown) throw new EventingError({ code: 'CHANNEL_UNAVAILABLE', driver: 'd', reason: 'r' }, 'disk full')
      if (entries.some(({ event }) => event.attributes.get('id') === '4'))
        throw new EventingError({ code: 'CHANNEL_EVENT_TOO_LARGE', driver: 'd', bytes: 2, maxBytes: 1 }, 'too large')
      return real(channel, entries)
    }) as ChannelDriver['publish']
    const begun = it.begin(TO_BILL, OLDEST)
    await it.clock.advance(1_000)
    expect(await begun).toMatchObject({ state: 'running', done: 0, waitsFor: 'the channel: disk full' })
    isDown = false
    await it.clock.advance(20_000)
    const job = await it.ask('GET /jobs/shop/job-1')
    expect(job).toMatchObject({ state: 'done', matched: 10, done: 9, failed: 1 })
    expect(job.waitsFor).toBeUndefined()
    expect(idsOf(handed)).toEqual(range(0, 10).filter((id) => id !== '4'))
  })
})

describe('a window that retention has cut', () => {
  /** Ten events, of which the first five are too old. */
  async function cut() {
    const it = await arrange()
    it.pass()
    await it.publish(LOG.channel, entriesOf(5))
    const [first] = await it.read(LOG.channel)
    await it.clock.advance(HOUR_MS)
    await it.publish(
      LOG.channel,
      entriesOf(5, () => ({ type: 'young' })),
    )
    for (let i = 0; i < 20; i++) await it.clock.advance(60_000)
    const [oldest] = await it.read(LOG.channel)
    return { it, gone: first?.position as string, oldest: oldest?.position as string }
  }

  test('is refused with where the log begins; from there it can be replayed', async () => {
    const { it, gone, oldest } = await cut()
    await using _it = it
    const code = 'WINDOW_CUT'
    for (const from of [{ time: '2026-01-01T00:00:00Z' }, { position: gone }, { position: '999' }]) {
      const detail = { code, oldest: { position: oldest, storedAt: expect.stringMatching(/^2026-01-01T01:/) } }
      await expect(it.ask(TO_BILL, { from })).rejects.toMatchObject({ detail })
    }
    expect(await it.ask(TO_BILL, { from: { position: oldest } })).toMatchObject({ state: 'done', done: 5 })
    expect(await it.ask(TO_BILL, { from: { time: '2026-01-01T01:10:00Z' } })).toMatchObject({ done: 0 })
  })

  test('says so when nothing is left of it', async () => {
    const { it } = await cut()
    await using _it = it
    for (let i = 0; i < 40; i++) await it.clock.advance(60_000 * 3)
    const detail = { code: 'WINDOW_CUT', oldest: null }
    await expect(it.ask(TO_BILL, OLDEST)).rejects.toMatchObject({ detail })
  })

  test('while the replay runs ends it there, with how far it was', async () => {
    await using it = await arrange()
    it.pass()
    await it.publish(LOG.channel, entriesOf(300))
    await it.clock.advance(HOUR_MS - 100_000)
    await it.publish(LOG.channel, entriesOf(300))
    const begun = it.begin(TO_BILL, { ...OLDEST, rate: 1 })
    await it.clock.advance(1_000)
    const { id } = await begun
    for (let i = 0; i < 6; i++) await it.clock.advance(60_000)
    const problem = { code: 'WINDOW_CUT', oldest: { position: expect.any(String) } }
    expect(await it.ask(`GET /jobs/shop/${id}`)).toMatchObject({ state: 'failed', examined: 256, done: 256, problem })
  })
})

test.each([
  [{}, 'from: is required'],
  [{ from: { time: '2026-01-01T00:00:00Z', position: '1' } }, 'from: must have a time or a position, and not both'],
  [{ from: {} }, 'from: must have a time or a position, and not both'],
  [{ from: { time: '2026-01-01' } }, 'from.time: must be a time with its zone'],
  [{ ...OLDEST, to: { time: '2025-12-31T00:00:00Z' } }, 'to: lies before from'],
  [{ ...OLDEST, rate: 0 }, 'rate: '],
  [{ ...OLDEST, id: 'Not so' }, 'id: must be lower-case'],
  [{ ...OLDEST, filters: [{ all: [{ cesql: '= 1' }] }] }, 'filters[0].all[0].cesql: '],
  [{ ...OLDEST, filter: { attributes: { Type: 'x' } } }, 'filter.attributes.Type: an attribute name is'],
])('%j is refused before anything is read: %s', async (body, problem) => {
  await using it = await withHistory()
  const handed = it.consume()
  const problems = [expect.stringContaining(problem)]
  await expect(it.ask(TO_BILL, body)).rejects.toMatchObject({ detail: { code: 'REQUEST_INVALID', problems } })
  expect(handed).toEqual([])
})

test.each([
  ['POST /replay/shop/orders/nobody', 'TRIGGER_UNKNOWN'],
  ['POST /replay/shop/none/bill', 'BROKER_UNKNOWN'],
  ['POST /replay/shop/orders/bill?dryRun=true', 'QUERY_INVALID'],
])('%s is refused as %s', async (question, code) => {
  await using it = await withHistory()
  await expect(it.ask(question, OLDEST)).rejects.toMatchObject({ detail: { code } })
})
