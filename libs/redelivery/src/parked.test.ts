import { describe, expect, test } from '@jest/globals'
import { withAttributes } from '@sluice/cloudevents'
import { settle } from '@sluice/testkit'
import { arrange, entriesOf, entryOf, HOUR_MS, idsOf, LOG, rowsOf } from '../test/arrange.ts'

const NOTE = JSON.stringify({
  ...{ v: 1, stage: 'parked', attempts: 3 },
  failure: { dest: 'http://user:secret@bill.example/in?key=secret', status: 503, data: btoa('come back later') },
})
const parkedAs = (trigger: string, reason = 'DELIVERY_FAILED') => ({
  queue: `to-${trigger}`,
  parked: reason,
  note: NOTE,
})
const lines = (answer: Record<string, unknown>) => answer.events as readonly Record<string, unknown>[]
const keys = (answer: Record<string, unknown>) => lines(answer).map(({ key }) => key as string)
const ids = (answer: Record<string, unknown>) => lines(answer).map(({ event }) => (event as { id: string }).id)

describe('what is parked', () => {
  test('is listed by trigger, oldest first, page by page, with reason, attempts and last status, without its data', async () => {
    await using it = await arrange()
    await it.publish(
      LOG.queues,
      entriesOf(70, () => parkedAs('bill')),
    )
    await it.publish(LOG.queues, [entryOf('other', parkedAs('mail'))])
    const first = await it.ask('GET /parked/shop/orders?trigger=bill&limit=50')
    expect(first).toMatchObject({ namespace: 'shop', broker: 'orders', parked: 70 })
    expect(lines(first)[0]).toEqual({
      ...{ key: expect.stringMatching(/^q/), trigger: 'bill', isInForce: true, reason: 'DELIVERY_FAILED', attempts: 3 },
      ...{ status: 503, dest: 'http://bill.example/in', bytes: expect.any(Number) },
      ...{ storedAt: '2026-01-01T00:00:00.000Z', parkedAt: '2026-01-01T00:00:00.000Z' },
      event: { specversion: '1.0', id: '0', source: '/s', type: 'sent' },
    })
    const second = await it.ask(`GET /parked/shop/orders?trigger=bill&limit=50&after=${first.next}`)
    expect(second.next).toBeUndefined()
    expect([...ids(first), ...ids(second)]).toEqual(Array.from({ length: 70 }, (_, i) => String(i)))
    expect(ids(await it.ask('GET /parked/shop/orders?limit=1000'))).toHaveLength(71)
  })

  test('is listed in answers of bounded size, however large the attributes are', async () => {
    await using it = await arrange()
    const subject = 'x'.repeat(500_000)
    const large = (i: number) => ({
      ...entryOf(i, parkedAs('bill')),
      event: withAttributes(entryOf(i).event, { subject }),
    })
    await it.publish(
      LOG.queues,
      Array.from({ length: 20 }, (_, i) => large(i)),
    )
    const first = await it.ask('GET /parked/shop/orders?limit=1000')
    expect(lines(first).length).toBeLessThan(10)
    expect(ids(await it.ask(`GET /parked/shop/orders?after=${first.next}`))[0]).toBe(String(lines(first).length))
  })

  test('is found by reason, by id and by expression', async () => {
    await using it = await arrange()
    await it.publish(
      LOG.queues,
      entriesOf(5, (i) => parkedAs('bill', i % 2 ? 'NO_OUTCOME' : 'DELIVERY_FAILED')),
    )
    await it.publish(LOG.queues, [entryOf('x', { ...parkedAs('bill'), type: 'paid' })])
    expect(ids(await it.ask('GET /parked/shop/orders?reason=NO_OUTCOME'))).toEqual(['1', '3'])
    expect(ids(await it.ask('GET /parked/shop/orders?id=2'))).toEqual(['2'])
    const expression = encodeURIComponent("type = 'paid'")
    expect(ids(await it.ask(`GET /parked/shop/orders?cesql=${expression}`))).toEqual(['x'])
  })

  test('is shown whole: the beginning of the last body, the data as it came', async () => {
    await using it = await arrange()
    await it.publish(LOG.queues, [entryOf('1', parkedAs('bill'))])
    const [key = ''] = keys(await it.ask('GET /parked/shop/orders'))
    expect(await it.ask(`GET /parked/shop/orders/${key}`)).toMatchObject({
      ...{ key, trigger: 'bill', attempts: 3, data: '{"n":1}' },
      failure: { status: 503, dest: 'http://bill.example/in', body: 'come back later' },
    })
    for (const none of ['q999', 'l1', 'nonsense', 'q']) {
      await expect(it.ask(`GET /parked/shop/orders/${none}`)).rejects.toMatchObject({
        detail: { code: 'PARKED_UNKNOWN' },
      })
    }
  })

  test('under the broker itself is listed with it, and redriven through the filter', async () => {
    await using it = await arrange()
    let isBroken = true
    const handed = it.pass((each) => (isBroken ? each.park('FILTER_FAILED') : each.ack()))
    await it.publish(LOG.channel, [entryOf('1')])
    await it.inTime(settle(), 10)
    isBroken = false
    const [line] = lines(await it.ask('GET /parked/shop/orders'))
    expect(line).toMatchObject({ key: expect.stringMatching(/^l/), trigger: null, reason: 'FILTER_FAILED' })
    expect(await it.ask('POST /parked/shop/orders/redrive', { all: true })).toMatchObject({ state: 'done', done: 1 })
    await it.clock.advance(10)
    expect(idsOf(handed)).toEqual(['1', '1'])
  })

  test.each([
    ['GET /parked/shop/other', 'BROKER_UNKNOWN'],
    ['GET /parked/shop/orders?trigger=nobody', 'TRIGGER_UNKNOWN'],
    ['GET /parked/shop/orders?limit=0', 'QUERY_INVALID'],
    ['GET /parked/shop/orders?after=x', 'QUERY_INVALID'],
    ['GET /parked/shop/orders?cesql=NOT', 'QUERY_INVALID'],
    ['GET /parked/shop/orders?what=1', 'QUERY_INVALID'],
    ['GET /jobs/shop/none', 'JOB_UNKNOWN'],
  ])('%s is refused as %s', async (question, code) => {
    await using it = await arrange()
    await expect(it.ask(question)).rejects.toMatchObject({ detail: { code } })
  })
})

describe('redriving', () => {
  test('hands those that are named out again to their trigger, as attempt 1, and leaves the others', async () => {
    await using it = await arrange()
    await it.publish(
      LOG.queues,
      entriesOf(4, (i) => ({ ...parkedAs(i % 2 ? 'mail' : 'bill'), attempt: 9 })),
    )
    const handed = it.consume()
    const listed = await it.ask('GET /parked/shop/orders')
    const answer = await it.ask('POST /parked/shop/orders/redrive', {
      keys: [keys(listed)[0], keys(listed)[0], 'q999'],
    })
    expect(answer).toMatchObject({ id: 'job-1', kind: 'redrive', state: 'done', examined: 1, matched: 1, done: 1 })
    await it.clock.advance(10)
    expect(handed.map(({ queue, attempt, note }) => [queue, attempt, note])).toEqual([['to-bill', 1, undefined]])
    expect(idsOf(await it.parked())).toEqual(['1', '2', '3'])
    expect(it.telemetry.read('redelivery_events_total', { kind: 'redrive', broker: 'orders' })).toBe(1)
  })

  test('a filter and a trigger narrow it; a dry run only counts', async () => {
    await using it = await arrange()
    const type = (i: number) => (i < 3 ? 'paid' : 'sent')
    await it.publish(
      LOG.queues,
      entriesOf(6, (i) => ({ ...parkedAs(i === 0 ? 'mail' : 'bill'), type: type(i) })),
    )
    const asked = { trigger: 'bill', filters: [{ cesql: "type = 'paid'" }] }
    const counted = await it.ask('POST /parked/shop/orders/redrive', { ...asked, dryRun: true })
    expect(counted).toMatchObject({ isDryRun: true, state: 'done', examined: 5, matched: 2, done: 0 })
    expect(await it.parked()).toHaveLength(6)
    expect(await it.ask('POST /parked/shop/orders/redrive', asked)).toMatchObject({ matched: 2, done: 2 })
    expect(idsOf(await it.parked())).toEqual(['0', '3', '4', '5'])
  })

  test('goes at its rate, says how far it is, and can be cancelled; what is left stays parked', async () => {
    await using it = await arrange()
    await it.publish(
      LOG.queues,
      entriesOf(100, () => parkedAs('bill')),
    )
    const begun = it.begin('POST /parked/shop/orders/redrive', { all: true, rate: 10 })
    await it.clock.advance(1_050)
    const { id, done } = await begun
    expect(done).toBeGreaterThanOrEqual(10)
    expect(done).toBeLessThanOrEqual(11)
    await it.clock.advance(2_000)
    expect(await it.ask(`GET /jobs/shop/${id}`)).toMatchObject({ state: 'running', matched: 32, rate: 10 })
    await expect(it.ask(`GET /jobs/other/${id}`)).rejects.toMatchObject({ detail: { code: 'JOB_UNKNOWN' } })
    const ended = await it.ask(`POST /jobs/shop/${id}/cancel`)
    expect(ended).toMatchObject({ state: 'cancelled', endedAt: expect.any(String) })
    expect(await it.parked()).toHaveLength(100 - (ended.done as number))
    expect(await it.ask('GET /jobs/shop')).toMatchObject({ jobs: [{ id, state: 'cancelled' }] })
  })

  test('what fails again at once is parked again, and met once only', async () => {
    await using it = await arrange()
    await it.publish(
      LOG.queues,
      entriesOf(40, () => parkedAs('bill')),
    )
    const handed = it.consume((delivery) => delivery.park('AGAIN'))
    const answer = await it.ask('POST /parked/shop/orders/redrive', { trigger: 'bill', all: true, rate: 10_000 })
    expect(answer).toMatchObject({ state: 'done', examined: 40, done: 40 })
    await it.clock.advance(1_000)
    expect(handed).toHaveLength(40)
    expect((await it.parked()).map(({ reason }) => reason)).toEqual(new Array(40).fill('AGAIN'))
  })

  test('waits while the trigger has half of its backlog bound waiting, so that no producer is refused', async () => {
    await using it = await arrange([{ name: 'bill', backlogMaxBytes: 2_000 }])
    await it.publish(
      LOG.queues,
      entriesOf(100, () => parkedAs('bill')),
    )
    const begun = it.begin('POST /parked/shop/orders/redrive', { all: true, rate: 10 })
    await it.clock.advance(20_000)
    const { id } = await begun
    const job = await it.ask(`GET /jobs/shop/${id}`)
    expect(job).toMatchObject({ state: 'running', waitsFor: expect.stringContaining('trigger bill') })
    expect((await it.driver.backlog(LOG.queues, 'dispatch', 'to-bill')).bytes).toBeLessThan(2_000)
    it.consume()
    await it.clock.advance(30_000)
    expect(await it.ask(`GET /jobs/shop/${id}`)).toMatchObject({ state: 'done', done: 100 })
  })

  test('events of a deleted trigger are listed under its name; a namesake takes them, and nobody else', async () => {
    await using it = await arrange()
    await it.publish(
      LOG.queues,
      entriesOf(3, () => parkedAs('bill', 'TRIGGER_DELETED')),
    )
    const former = [{ queue: 'to-bill', name: 'bill', goneAt: it.clock.now() }]
    await it.contract.publish(rowsOf([{ name: 'mail' }], former))
    const listed = await it.ask('GET /parked/shop/orders?trigger=bill')
    expect(lines(listed)).toMatchObject(new Array(3).fill({ trigger: 'bill', isInForce: false }))
    await expect(it.ask('POST /parked/shop/orders/redrive', { trigger: 'bill', all: true })).rejects.toMatchObject({
      detail: { code: 'TRIGGER_UNKNOWN' },
    })
    expect(await it.ask('POST /parked/shop/orders/redrive', { all: true })).toMatchObject({ done: 0, left: 3 })

    await it.contract.publish(rowsOf([{ name: 'mail' }, { name: 'bill', uid: 'to-new-bill' }], former))
    const handed = it.consume()
    const answer = await it.ask('POST /parked/shop/orders/redrive', { trigger: 'bill', all: true })
    expect(answer).toMatchObject({ state: 'done', done: 3, left: 0 })
    await it.clock.advance(10)
    expect(handed.map(({ queue, attempt }) => [queue, attempt])).toEqual(new Array(3).fill(['to-new-bill', 1]))
    expect(await it.parked()).toEqual([])
  })
})

describe('purging', () => {
  test('deletes what is named or old, for good, counts it and names each in the log', async () => {
    await using it = await arrange()
    await it.publish(
      LOG.queues,
      entriesOf(3, () => parkedAs('bill')),
    )
    await it.clock.advance(HOUR_MS)
    const parkedBefore = new Date(it.clock.now()).toISOString()
    await it.publish(LOG.queues, [entryOf('young', parkedAs('bill'))])
    const [first] = keys(await it.ask('GET /parked/shop/orders'))
    expect(await it.ask('POST /parked/shop/orders/purge', { keys: [first] })).toMatchObject({ state: 'done', done: 1 })
    expect(await it.ask('POST /parked/shop/orders/purge', { trigger: 'bill', parkedBefore })).toMatchObject({ done: 2 })
    expect(idsOf(await it.parked())).toEqual(['young'])
    const named = it.telemetry.lines.filter(({ message }) => message === 'parked events purged')
    expect(named.flatMap(({ fields }) => fields.named)).toMatchObject(
      ['0', '1', '2'].map((id) => ({ id, source: '/s' })),
    )
    expect(it.telemetry.read('redelivery_events_total', { kind: 'purge' })).toBe(3)
  })

  test.each([
    ['{}', '(document): must say which'],
    ['{"trigger": "bill"}', '(document): must say which'],
    ['{"filters": []}', '(document): must say which'],
    ['{"filters": [{}], "filter": {"attributes": {}}}', '(document): must say which'],
    ['{"keys": ["12"]}', 'keys[0]: must be a key'],
    ['{"keys": []}', 'keys: must hold a key'],
    ['{"all": true, "rate": 5}', 'rate: is not a known field'],
    ['{"parkedBefore": "yesterday"}', 'parkedBefore: must be a time'],
    ['{"filters": [{"exakt": {"type": "x"}}]}', 'filters[0].exakt: is not a dialect: did you mean "exact"?'],
    ['{', '(document): is not JSON'],
    ['[]', '(document): must be a map, found a list'],
  ])('%s is refused before anything happens: %s', async (body, problem) => {
    await using it = await arrange()
    await it.publish(LOG.queues, [entryOf('1', parkedAs('bill'))])
    await expect(it.ask('POST /parked/shop/orders/purge', body)).rejects.toMatchObject({
      detail: { code: 'REQUEST_INVALID', problems: [expect.stringContaining(problem)] },
    })
    expect(await it.parked()).toHaveLength(1)
  })

  test.each([
    ['half a million brackets', '['.repeat(500_000), '(document): is not JSON'],
    [
      'filters 10,000 deep',
      `{"filters":[${'{"not":'.repeat(10_000)}{}${'}'.repeat(10_000)}]}`,
      'more than 32 clauses deep',
    ],
  ])('%s are refused', async (_, body, problem) => {
    await using it = await arrange()
    await expect(it.ask('POST /parked/shop/orders/purge', body)).rejects.toMatchObject({
      detail: { code: 'REQUEST_INVALID', problems: [expect.stringContaining(problem)] },
    })
  })
})

test('four jobs at once; more are refused, and stopping ends all where they are', async () => {
  await using it = await arrange()
  await it.publish(
    LOG.queues,
    entriesOf(100, () => parkedAs('bill')),
  )
  const begin = () => it.begin('POST /parked/shop/orders/redrive', { all: true, rate: 1 })
  const begun = Array.from({ length: 4 }, begin)
  await it.clock.advance(1_000)
  await Promise.all(begun)
  await expect(it.ask('POST /parked/shop/orders/purge', { all: true })).rejects.toMatchObject({
    detail: { code: 'JOBS_FULL' },
  })
  await it.redelivery.drain()
  const { jobs } = await it.ask('GET /jobs/shop')
  expect((jobs as { state: string }[]).map(({ state }) => state)).toEqual(new Array(4).fill('stopped'))
  await expect(begin()).rejects.toMatchObject({ detail: { code: 'DRAINING' } })
})
