import { describe, expect, test } from '@jest/globals'
import { posting, type SinkRequest, startSink } from '@sluice/testkit'
import { install } from './installation.ts'
import { broker, quickRetries, trigger } from './manifests.ts'

const ids = (requests: readonly SinkRequest[], path: string) =>
  requests.filter((request) => request.path === path).map(({ id }) => id)

/** The installation of one sink and these triggers. */
const installWith = (...triggers: string[]) => install({ manifests: { 'all.yaml': broker() + triggers.join('') } })

describe('delivery, from a POST to the subscriber', () => {
  test('DLV-01, DLV-02, DLV-13 filter attributes: a trigger gets what it asks for, whole and unchanged, and nothing else', async () => {
    await using sink = await startSink()
    await using sluice = await installWith(
      trigger('paid', { uri: `${sink.url}/paid`, attributes: { type: 'order.paid' } }),
      trigger('berlin', { uri: `${sink.url}/berlin`, attributes: { type: 'order.paid', region: 'berlin' } }),
      trigger('all', { uri: `${sink.url}/all` }),
    )
    const events = [
      posting('1', { type: 'order.paid' }),
      posting('2', { type: 'order.paid', region: 'berlin' }),
      posting('3', { type: 'order.made', region: 'berlin' }),
    ]
    for (const event of events) expect((await sluice.post(event)).status).toBe(202)
    const requests = await sink.received(6)
    expect(ids(requests, '/all').toSorted()).toEqual(['1', '2', '3'])
    expect(ids(requests, '/paid').toSorted()).toEqual(['1', '2'])
    expect(ids(requests, '/berlin')).toEqual(['2'])
    const berlin = requests.find(({ path }) => path === '/berlin')
    expect(berlin?.headers).toMatchObject(events[1]?.headers ?? {})
    expect(berlin?.body.toString()).toBe(events[1]?.body)
    expect(berlin?.headers).not.toHaveProperty('ce-knativebrokerttl')
  })

  test('RTY-11 retry then success: a subscriber that fails twice gets the same event a third time, then no more', async () => {
    await using sink = await startSink({ respond: ({ id }, n) => (id === 'shaky' && n <= 2 ? 503 : 204) })
    await using sluice = await installWith(trigger('one', { uri: sink.url, delivery: quickRetries(5) }))
    await sluice.post(posting('shaky'))
    await sink.received(3)
    await sluice.post(posting('after'))
    await sink.find('the event after', ({ id }) => id === 'after')
    expect(sink.requests.map(({ id }) => id)).toEqual(['shaky', 'shaky', 'shaky', 'after'])
    const [, second, third] = sink.requests
    expect(second?.gapMs).toBeGreaterThanOrEqual(50)
    expect(third?.gapMs).toBeGreaterThanOrEqual(50)
  })

  test('RTY-02, DLS-01, DLS-03, DLS-06 dead letter after retries: the event arrives there with the reason, after exactly the retries asked for', async () => {
    await using sink = await startSink({
      respond: ({ path }) => (path === '/dead' ? 204 : { status: 503, body: 'out of tea' }),
    })
    const deadLetterSink = { uri: `${sink.url}/dead` }
    await using sluice = await installWith(
      trigger('one', { uri: `${sink.url}/down`, delivery: { ...quickRetries(2), deadLetterSink } }),
    )
    const event = posting('doomed')
    await sluice.post(event)
    const dead = await sink.find('a dead letter', ({ path }) => path === '/dead')
    expect(ids(sink.requests, '/down')).toEqual(['doomed', 'doomed', 'doomed'])
    expect(dead.headers).toMatchObject({
      ...event.headers,
      'ce-knativeerrorcode': '503',
      'ce-knativeerrordest': expect.stringContaining(`${sink.url}/down`),
    })
    expect(dead.body.toString()).toBe(event.body)
  })

  test('RPL-01, RPL-03, RPL-05 reply loop: two triggers that answer each other end when the TTL is spent, and the last event says so', async () => {
    const reply = (type: string, id: string) => ({
      status: 200,
      headers: { 'ce-specversion': '1.0', 'ce-type': type, 'ce-source': '/echo', 'ce-id': id },
    })
    await using sink = await startSink({
      respond: ({ path }, n) => (path === '/dead' ? 204 : reply(path === '/ping' ? 'pong' : 'ping', `reply-${n}`)),
    })
    const delivery = { ...quickRetries(0), deadLetterSink: { uri: `${sink.url}/dead` } }
    await using sluice = await installWith(
      trigger('ping', { uri: `${sink.url}/ping`, attributes: { type: 'ping' }, delivery }),
      trigger('pong', { uri: `${sink.url}/pong`, attributes: { type: 'pong' }, delivery }),
    )
    await sluice.post(posting('first', { type: 'ping', knativebrokerttl: '5' }))
    const dead = await sink.find('a dead letter', ({ path }) => path === '/dead')
    expect(sink.requests.map(({ path }) => path)).toEqual(['/ping', '/pong', '/ping', '/pong', '/dead'])
    expect(dead.headers['ce-knativeerrordest']).toContain('/default/default')
  })

  test('order by key: an event that fails holds up its own key, retries included, and no other', async () => {
    await using sink = await startSink({
      respond: ({ id }) => (id === 'a1' && !sink.requests.some((request) => request.id === 'b2') ? 503 : 204),
    })
    const annotations = { 'sluice.dev/order': 'key' }
    await using sluice = await installWith(trigger('one', { uri: sink.url, delivery: quickRetries(100), annotations }))
    for (const id of ['a1', 'a2', 'b1', 'a3', 'b2']) await sluice.post(posting(id, { partitionkey: id[0] as string }))
    await sink.find('the last of its key', ({ id }) => id === 'a3')
    const of = (key: string) => sink.requests.map(({ id }) => id).filter((id) => id.startsWith(key))
    expect(of('b')).toEqual(['b1', 'b2'])
    expect(of('a').join()).toMatch(/^(a1,)+a2,a3$/)
  })

  test('parked: without a dead letter sink a refused event is kept and named, and its neighbours are delivered', async () => {
    await using sink = await startSink({ respond: ({ id }) => (id === 'bad' ? 400 : 204) })
    await using sluice = await installWith(trigger('one', { uri: sink.url, delivery: quickRetries(3) }))
    await sluice.post(posting('bad'))
    await sink.received(1)
    await sluice.post(posting('good'))
    await sink.find('its neighbour', ({ id }) => id === 'good')
    expect(sink.requests.map(({ id }) => id)).toEqual(['bad', 'good'])
    expect(sluice.running.stderr()).toMatch(/"reason":"DELIVERY_FAILED".*"event parked"/)
    const metrics = await sluice.get(sluice.running.urls.metrics ?? '')
    expect(metrics.text).toMatch(/^dispatch_outcomes_total\{.*outcome="parked".*\} 1(\s|$)/m)
  })
})
