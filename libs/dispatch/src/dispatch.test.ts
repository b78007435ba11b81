import { describe, expect, test } from '@jest/globals'
import { type CloudEvent, decodeHttp, withAttributes } from '@sluice/cloudevents'
import type { DeliveryRow, DeliverySpec } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import type { Answer, Response } from '@sluice/sender'
import { answerOf, replyOf, SINK, SUBSCRIBER, started, withSink } from '../test/dispatching.ts'
import { deltaOf, eventOf, FakeDelivery, LOG, REVISION, rowOf } from '../test/fake-queue.ts'
import { readNote } from './note.ts'

describe('a subscriber', () => {
  test.each([200, 201, 202, 204, 299])('RSP-01, RSP-13 that answers %i with nothing has the event', async (status) => {
    const { once, urls } = started({}, status)
    expect(await once(new FakeDelivery('1'))).toEqual(['ack'])
    expect(urls()).toEqual([SUBSCRIBER])
  })

  test.each([404, 408, 409, 429, 500, 501, 502, 503, 504, 599])(
    'RSP-04, RSP-05, RSP-06, RSP-07, RSP-08 that answers %i is asked again',
    async (status) => {
      const { once } = started({}, status)
      expect(await once(new FakeDelivery('1'))).toEqual(['nack 200'])
    },
  )

  test.each([300, 301, 302, 307, 308, 304, 400, 401, 403, 405, 410, 413, 422, 499])(
    'RSP-02, RSP-03 that answers %i is not asked again',
    async (status) => {
      const { toItsEnd, urls } = started(withSink, status)
      expect((await toItsEnd(new FakeDelivery('1'))).ends).toEqual(['nack 0', 'ack'])
      expect(urls()).toEqual([SUBSCRIBER, SINK])
    },
  )

  test.each(['timeout', 'unreachable'] as const)('RSP-09 that is lost by %s is asked again', async (kind) => {
    const { once } = started({}, { kind, problem: 'why' })
    expect(await once(new FakeDelivery('1'))).toEqual(['nack 200'])
  })

  test('RSP-02 that switches protocols is not asked again', async () => {
    const { once } = started({}, { kind: 'switched', problem: 'bad upgrade' })
    expect(await once(new FakeDelivery('1'))).toEqual(['park DELIVERY_FAILED'])
  })

  test('gets the event in binary mode without its hop counter, with what passes through', async () => {
    const { once, requests } = started()
    const event = eventOf('1', { knativebrokerttl: 250, knativearrivaltime: '2026-01-01T00:00:00Z' })
    await once(new FakeDelivery('1', { event, headers: { 'x-request-id': 'abc' } }))
    expect(requests[0]?.request).toMatchObject({ body: event.data, wantsReply: true })
    expect(requests[0]?.headers).toEqual({
      ...{ 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 'a.b' },
      'ce-knativearrivaltime': '2026-01-01T00:00:00Z',
      'kn-namespace': 'ns',
      prefer: 'reply',
      'x-request-id': 'abc',
    })
  })

  test('of this installation gets the hop counter too', async () => {
    const { once, requests } = started({ subscriber: { url: 'http://in/ns/other', internal: true } })
    await once(new FakeDelivery('1', { event: eventOf('1', { knativebrokerttl: 250 }) }))
    expect(requests[0]?.headers['ce-knativebrokerttl']).toBe('250')
  })
})

describe('retries', () => {
  test('RTY-11, RTY-12, RTY-21 are as many as the delivery spec says, after 200 and 400 ms', async () => {
    const { toItsEnd, urls } = started({}, 503, 503, 503, 204)
    const { ends, last } = await toItsEnd(new FakeDelivery('1'))
    expect(ends).toEqual(['nack 200', 'nack 400', 'park DELIVERY_FAILED'])
    expect(urls()).toHaveLength(3)
    expect(readNote(last.left ?? '')).toMatchObject({ attempts: 3, failure: { dest: SUBSCRIBER, status: 503 } })
  })

  test('RTY-02 that succeed in the end leave nothing behind', async () => {
    const { toItsEnd, telemetry } = started(withSink, 503, 503, 204)
    expect((await toItsEnd(new FakeDelivery('1'))).ends).toEqual(['nack 200', 'nack 400', 'ack'])
    const count = (outcome: string) => telemetry.read('dispatch_outcomes_total', { trigger: 'trigger', outcome })
    expect([count('retried'), count('delivered'), count('dead-lettered')]).toEqual([2, 1, 0])
    expect(telemetry.read('kn.eventing.dispatch.duration', { 'kn.trigger.name': 'trigger' })).toBe(3)
  })

  test('RTY-10 under a linear policy come after the same wait, and succeed in the end', async () => {
    const spec = { ...rowOf().spec, retry: 5, backoffPolicy: 'linear', backoffDelayMs: 1_000 } as const
    const { toItsEnd } = started({ spec }, 503, 503, 503, 204)
    expect((await toItsEnd(new FakeDelivery('1'))).ends).toEqual(['nack 1000', 'nack 1000', 'nack 1000', 'ack'])
  })

  test('RTY-09 that are none take each dropped event to the dead letter sink, once', async () => {
    const { toItsEnd, requests } = started(
      { ...withSink, spec: { ...rowOf().spec, retry: 0 } },
      503,
      204,
      503,
      204,
      204,
    )
    for (const id of ['1', '2', '3']) await toItsEnd(new FakeDelivery(id))
    const idsAt = (url: string) => requests.filter((sent) => sent.url === url).map(({ headers }) => headers['ce-id'])
    expect([idsAt(SUBSCRIBER), idsAt(SINK)]).toEqual([
      ['1', '2', '3'],
      ['1', '2'],
    ])
  })

  test('are none when the delivery spec says 0', async () => {
    const { toItsEnd, urls } = started({ spec: { ...rowOf().spec, retry: 0 } }, 503)
    expect((await toItsEnd(new FakeDelivery('1'))).ends).toEqual(['park DELIVERY_FAILED'])
    expect(urls()).toHaveLength(1)
  })
})

describe('Retry-After', () => {
  const asking = (retryAfter?: string) => answerOf(503, { retryAfter })
  const patient = (spec: Partial<DeliverySpec>) => ({ spec: { ...rowOf().spec, ...spec } })

  test('RTY-16 makes the wait longer, up to retryAfterMax, and never shorter than the back-off', async () => {
    const { toItsEnd } = started(patient({ retryAfterMaxMs: 5_000, retry: 4 }), ...['3', '60', '0'].map(asking), 503)
    expect((await toItsEnd(new FakeDelivery('1'))).ends).toEqual([
      'nack 3000',
      'nack 5000',
      'nack 800',
      'nack 1600',
      'ack',
    ])
  })

  test('RTY-16 may be a date', async () => {
    const { once } = started(patient({ retryAfterMaxMs: 60_000 }), asking('Thu, 01 Jan 2026 00:00:09 GMT'))
    expect(await once(new FakeDelivery('1'))).toEqual(['nack 9000'])
  })

  test.each([{}, { retryAfterMaxMs: 0 }])('RTY-17 is ignored under %j', async (spec) => {
    const { once } = started(patient(spec), asking('7'))
    expect(await once(new FakeDelivery('1'))).toEqual(['nack 200'])
  })

  test('RTY-18 that can not be read leaves the back-off as it is', async () => {
    const { once } = started(patient({ retryAfterMaxMs: 60_000 }), asking('tomorrow'))
    expect(await once(new FakeDelivery('1'))).toEqual(['nack 200'])
  })

  test('RTY-16 is kept beyond backoffMax, which bounds the back-off alone', async () => {
    const spec = { retryAfterMaxMs: 60_000, backoffMaxMs: 100, retry: 1 }
    const { once } = started(patient(spec), asking('7'), 500)
    expect(await once(new FakeDelivery('1'))).toEqual(['nack 7000'])
    expect(await once(new FakeDelivery('2'))).toEqual(['nack 100'])
  })

  test('RTY-16, RTY-19 of the dead letter sink is kept as well', async () => {
    const { toItsEnd } = started({ ...withSink, ...patient({ retryAfterMaxMs: 60_000 }) }, 400, asking('7'))
    expect((await toItsEnd(new FakeDelivery('1'))).ends).toEqual(['nack 0', 'nack 7000', 'ack'])
  })
})

describe('the content mode', () => {
  const inMode = (format: 'json' | 'binary') => ({ spec: { ...rowOf().spec, format } })
  const sent = async (format: 'json' | 'binary', event: CloudEvent, row: Partial<DeliveryRow> = {}) => {
    const { once, requests } = started({ ...inMode(format), ...row })
    await once(new FakeDelivery('1', { event }))
    const [{ request }] = requests as [(typeof requests)[number]]
    const { headers, body } = request
    const { mode, events } = decodeHttp(headers, Buffer.from(body ?? []))
    return { mode, event: events[0] as CloudEvent, headers: requests[0]?.headers }
  }
  const binary = [
    'ce-specversion',
    '1.0',
    'ce-id',
    '1',
    'ce-source',
    '/s',
    'ce-type',
    't',
    'content-type',
    'text/plain',
  ]
  const structured =
    '{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"text/plain","data":"hi"}'

  test('DLV-10, DLV-09 is structured under format json', async () => {
    const [event] = decodeHttp(binary, Buffer.from('hi')).events as readonly [CloudEvent]
    const got = await sent('json', event)
    expect(got.mode).toBe('structured')
    expect(got.headers).toMatchObject({ 'kn-namespace': 'ns', prefer: 'reply' })
    expect([...got.event.attributes]).toEqual([...event.attributes])
    expect(Buffer.from(got.event.data ?? []).toString()).toBe('hi')
  })

  test('DLV-11 is binary under format binary', async () => {
    const headers = ['content-type', 'application/cloudevents+json']
    const [event] = decodeHttp(headers, Buffer.from(structured)).events as readonly [CloudEvent]
    const got = await sent('binary', event)
    expect([got.mode, Buffer.from(got.event.data ?? []).toString()]).toEqual(['binary', 'hi'])
    expect(got.headers).toMatchObject({ 'ce-id': '1', 'content-type': 'text/plain' })
  })

  test.each(['json', 'binary'] as const)('DLV-03 keeps an event of 0.3 one of 0.3, %s', async (format) => {
    const got = await sent(format, eventOf('1', { specversion: '0.3' }))
    expect(got.event.attributes.get('specversion')).toBe('0.3')
  })

  test.each(['json', 'binary'] as const)('takes the hop counter off outside only, %s', async (format) => {
    const event = eventOf('1', { knativebrokerttl: 250 })
    const subscriber = { url: 'http://in/ns/other', internal: true }
    expect((await sent(format, event)).event.attributes.has('knativebrokerttl')).toBe(false)
    expect((await sent(format, event, { subscriber })).event.attributes.has('knativebrokerttl')).toBe(true)
  })

  test('of the dead letter sink is that of the subscriber, with what became of the event', async () => {
    const { toItsEnd, requests } = started(
      { ...withSink, ...inMode('json') },
      answerOf(422, { body: Buffer.from('no') }),
    )
    await toItsEnd(new FakeDelivery('1'))
    const { headers, body } = (requests as [unknown, (typeof requests)[number]])[1].request
    expect(JSON.parse(Buffer.from(body ?? []).toString())).toMatchObject({
      ...{ knativeerrordest: SUBSCRIBER, knativeerrorcode: 422, knativeerrordata: 'bm8=' },
    })
    expect(decodeHttp(headers, Buffer.from(body ?? [])).mode).toBe('structured')
  })
})

describe('two triggers', () => {
  test('DLV-12 of one subscriber make two deliveries', async () => {
    const { once, program, urls } = started()
    program.apply(deltaOf({ deliveries: [rowOf({ uid: 'q2', name: 'other' })] }))
    await once(new FakeDelivery('1'))
    await once(new FakeDelivery('1', { queue: 'q2' }))
    expect(urls()).toEqual([SUBSCRIBER, SUBSCRIBER])
  })

  test("DLV-14 do not suffer from each other's subscriber", async () => {
    const dead: Answer = { kind: 'unreachable', problem: 'connect ECONNREFUSED' }
    const { toItsEnd, program, urls } = started({ ...withSink, spec: { ...rowOf().spec, retry: 0 } }, 204, dead)
    program.apply(
      deltaOf({ deliveries: [rowOf({ uid: 'q2', subscriber: { url: 'http://fine.test/', internal: false } })] }),
    )
    expect((await toItsEnd(new FakeDelivery('1', { queue: 'q2' }))).ends).toEqual(['ack'])
    expect((await toItsEnd(new FakeDelivery('1'))).ends).toEqual(['nack 0', 'ack'])
    expect(urls()).toEqual(['http://fine.test/', SUBSCRIBER, SINK])
  })
})

describe('the dead letter sink', () => {
  const errorBody = Buffer.from('<html>\n\xff')

  test('DLS-02, DLS-03, DLS-04, DLS-06, DLV-07, DLV-08 gets the original event and what became of it', async () => {
    const { toItsEnd, requests } = started(withSink, answerOf(422, { body: errorBody }))
    const event = eventOf('1', { ext: 'é', knativebrokerttl: 3 })
    expect((await toItsEnd(new FakeDelivery('1', { event }))).ends).toEqual(['nack 0', 'ack'])
    expect(requests[1]?.request).toMatchObject({ body: event.data, wantsReply: false })
    expect(requests[1]?.headers).toEqual({
      ...{ 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 'a.b', 'ce-ext': '%C3%A9' },
      'ce-knativeerrordest': SUBSCRIBER,
      'ce-knativeerrorcode': '422',
      'ce-knativeerrordata': errorBody.toString('base64'),
      'kn-namespace': 'ns',
    })
  })

  test('DLS-02 gets no data where the answer had none', async () => {
    const { toItsEnd, requests } = started(withSink, 422)
    await toItsEnd(new FakeDelivery('1'))
    expect(Object.keys(requests[1]?.headers ?? {})).not.toContain('ce-knativeerrordata')
  })

  test('DLS-01, DLS-10 is told 500 and the reason where there was no answer', async () => {
    const { toItsEnd, requests } = started(
      { ...withSink, spec: { ...rowOf().spec, retry: 0 } },
      { kind: 'unreachable', problem: 'connect ECONNREFUSED' },
    )
    await toItsEnd(new FakeDelivery('1'))
    expect(requests[1]?.headers).toMatchObject({ 'ce-knativeerrordest': SUBSCRIBER, 'ce-knativeerrorcode': '500' })
    const data = Buffer.from(requests[1]?.headers['ce-knativeerrordata'] ?? '', 'base64').toString()
    expect(data).toBe('dispatch error: connect ECONNREFUSED')
  })

  test('DLS-05 is told at most 1,024 characters', async () => {
    const { toItsEnd, requests } = started(withSink, answerOf(400, { body: Buffer.alloc(1_024, 1) }))
    await toItsEnd(new FakeDelivery('1'))
    expect(requests[1]?.headers['ce-knativeerrordata']).toHaveLength(1_024)
  })

  test('RTY-19 is tried as often as the subscriber, by the same waits, and the subscriber no more', async () => {
    const { toItsEnd, urls, requests } = started(withSink, 503, 503, 503, 429, 500, 204)
    const { ends } = await toItsEnd(new FakeDelivery('1'))
    expect(ends).toEqual(['nack 200', 'nack 400', 'nack 0', 'nack 200', 'nack 400', 'ack'])
    expect(urls()).toEqual([SUBSCRIBER, SUBSCRIBER, SUBSCRIBER, SINK, SINK, SINK])
    expect(requests[5]?.headers['ce-knativeerrorcode']).toBe('503')
  })

  test.each([
    ['that fails to the last', [400, 503, 503, 503], 3],
    ['that refuses', [400, 410], 1],
  ])('DLS-09 %s parks the event, with how both failed', async (_, answers, asked) => {
    const { toItsEnd, urls, telemetry } = started(withSink, ...answers)
    const { ends, last } = await toItsEnd(new FakeDelivery('1'))
    expect(ends.at(-1)).toBe('park DEAD_LETTER_FAILED')
    expect(urls().filter((url) => url === SINK)).toHaveLength(asked)
    expect(readNote(last.left ?? '')).toMatchObject({
      attempts: 1,
      failure: { dest: SUBSCRIBER, status: 400 },
      sink: { dest: SINK, status: answers.at(-1) },
    })
    expect(telemetry.lines.filter(({ message }) => message === 'event parked')).toHaveLength(1)
  })

  test('DLS-07 that answers with an event is done', async () => {
    const { toItsEnd, fake } = started(withSink, 400, replyOf())
    expect((await toItsEnd(new FakeDelivery('1'))).ends).toEqual(['nack 0', 'ack'])
    expect(fake.publishes).toEqual([])
  })

  test('that was taken away meanwhile leaves the event parked', async () => {
    const { once, program } = started(withSink, 400)
    const delivery = new FakeDelivery('1')
    await once(delivery)
    program.apply(deltaOf({ deliveries: [rowOf()] }))
    expect(await once(delivery.next())).toEqual(['park DEAD_LETTER_FAILED'])
  })
})

describe('a reply', () => {
  test('RPL-01, RPL-08, RSP-15 is stored in the log once per delivery, one hop further', async () => {
    const more = [
      'X-Request-Id',
      'of the reply',
      'Knative-Foo',
      'a',
      'knative-foo',
      'b',
      'set-cookie',
      'c',
      'prefer',
      'x',
    ]
    const { once, fake, state } = started({}, replyOf(200, { more }))
    const admitted: unknown[] = []
    state.admit = (event) => {
      admitted.push(event.attributes.get('knativebrokerttl'))
      return withAttributes(event, { knativebrokerttl: 41 })
    }
    const headers = { traceparent: 't', 'x-request-id': 'of the request' }
    const event = eventOf('1', { knativebrokerttl: 42 })
    expect(await once(new FakeDelivery('1', { event, headers }))).toEqual(['ack'])
    expect(admitted).toEqual([42])
    const [{ channel, entry }] = fake.publishes as [(typeof fake.publishes)[number]]
    expect([channel, entry.dedupKey, entry.laneKey, entry.stamp]).toEqual([
      LOG.channel,
      'reply/q/log-1/q',
      '/r r',
      REVISION,
    ])
    expect(entry.headers).toEqual({ traceparent: 't', 'x-request-id': 'of the reply', 'knative-foo': 'a, b' })
    expect(Object.fromEntries(entry.event.attributes)).toEqual({
      ...{ specversion: '1.0', id: 'r', source: '/r', type: 'reply', knativebrokerttl: 41 },
    })
    expect(Buffer.from(entry.event.data ?? []).toString()).toBe('reply data')
  })

  test("does not choose its own hop counter; the log's order key chooses its lane", async () => {
    const more = ['ce-knativebrokerttl', '9', 'ce-partitionkey', 'lane 5']
    const { once, fake } = started({}, replyOf(200, { more }))
    await once(new FakeDelivery('1'))
    expect(fake.publishes[0]?.entry.event.attributes.has('knativebrokerttl')).toBe(false)
    expect(fake.publishes[0]?.entry.laneKey).toBe('lane 5')
  })

  test('in structured mode is taken as well', async () => {
    const text = '{"specversion":"1.0","id":"r","source":"/r","type":"reply","data":{"a":1}}'
    const headers = ['Content-Type', 'application/cloudevents+json']
    const { once, fake } = started({}, replyOf(201, { headers, body: Buffer.from(text) }))
    expect(await once(new FakeDelivery('1'))).toEqual(['ack'])
    expect(fake.publishes[0]?.entry.event.attributes.get('type')).toBe('reply')
  })

  test('RSP-14 in a 202 is none', async () => {
    const { once, fake } = started({}, replyOf(202))
    expect(await once(new FakeDelivery('1'))).toEqual(['ack'])
    expect(fake.publishes).toEqual([])
  })

  test('RPL-07 is let go where nobody takes it', async () => {
    const { replyLog: _, ...row } = rowOf()
    const { fake, requests, program, once } = started({}, replyOf())
    program.apply(deltaOf({ deliveries: [{ ...row, hash: 'other' }] }))
    expect(await once(new FakeDelivery('1'))).toEqual(['ack'])
    expect([fake.publishes, requests[0]?.request.wantsReply]).toEqual([[], false])
  })

  test('RPL-06, RPL-10 that can not be stored fails the whole delivery, in the same budget', async () => {
    const { toItsEnd, fake, urls } = started({ ...withSink }, replyOf(), replyOf(), replyOf())
    fake.answer = async () => {
      throw new EventingError({ code: 'CHANNEL_UNAVAILABLE', driver: 'fake', reason: 'full' }, 'no room')
    }
    fake.isRetryable = () => true
    expect((await toItsEnd(new FakeDelivery('1'))).ends).toEqual(['nack 200', 'nack 400', 'nack 0', 'ack'])
    expect(urls()).toEqual([SUBSCRIBER, SUBSCRIBER, SUBSCRIBER, SINK])
  })

  const spent = new EventingError({ code: 'EVENT_TTL_SPENT' }, 'all hops made')
  const tooLarge = new EventingError({ code: 'EVENT_TOO_LARGE', bytes: 2, maxBytes: 1 }, 'too large')
  const refused: [string, Response, EventingError | undefined, number][] = [
    ['whose hops are spent', replyOf(), spent, 400],
    ['that is too large', replyOf(), tooLarge, 413],
    ['longer than is read', replyOf(200, { isCut: true }), undefined, 413],
    ['without an id', replyOf(200, { headers: ['ce-specversion', '1.0'] }), undefined, 400],
    [
      'that is broken JSON',
      replyOf(200, { headers: ['content-type', 'application/cloudevents+json'] }),
      undefined,
      400,
    ],
    [
      'that is a batch',
      replyOf(200, { headers: ['content-type', 'application/cloudevents-batch+json'], body: Buffer.from('[]') }),
      undefined,
      400,
    ],
    [
      'of an unknown version',
      replyOf(200, { headers: ['ce-specversion', '19.0', 'ce-id', '1', 'ce-source', '/', 'ce-type', 't'] }),
      undefined,
      400,
    ],
    [
      'whose data is coded',
      replyOf(200, { more: ['Content-Encoding', 'gzip'], body: Buffer.from([31, 139]) }),
      undefined,
      400,
    ],
  ]
  test.each(refused)(
    'RPL-05, RPL-09, RSP-11, RSP-12 %s is refused for good: the original goes to the dead letter sink',
    async (_, answer, error, status) => {
      const { toItsEnd, fake, requests, state, telemetry } = started(withSink, answer)
      if (error !== undefined) {
        state.admit = () => {
          throw error
        }
      }
      expect((await toItsEnd(new FakeDelivery('1'))).ends).toEqual(['nack 0', 'ack'])
      expect(requests.map(({ url }) => url)).toEqual([SUBSCRIBER, SINK])
      expect(requests[1]?.headers).toMatchObject({
        'ce-id': '1',
        'ce-knativeerrordest': 'http://in/ns/broker',
        'ce-knativeerrorcode': `${status}`,
      })
      expect(fake.publishes).toEqual([])
      expect(telemetry.read('dispatch_replies_total', { outcome: 'refused' })).toBe(1)
    },
  )

  test('refused for good with no dead letter sink parks the original', async () => {
    const { once } = started({}, replyOf(200, { isCut: true }))
    expect(await once(new FakeDelivery('1'))).toEqual(['park REPLY_FAILED'])
  })

  test('that is no CloudEvent is a success, told and counted', async () => {
    const { once, fake, telemetry } = started({}, answerOf(200, { bodyBytes: 12 }))
    expect(await once(new FakeDelivery('1'))).toEqual(['ack'])
    expect(fake.publishes).toEqual([])
    expect(telemetry.read('dispatch_replies_total', { outcome: 'not-an-event' })).toBe(1)
  })

  test('RSP-10 that is no CloudEvent is a failure under strict replies', async () => {
    const { toItsEnd, requests } = started(
      { strictReplies: true, ...withSink },
      ...Array(3).fill(answerOf(200, { bodyBytes: 12 })),
    )
    expect((await toItsEnd(new FakeDelivery('1'))).ends).toEqual(['nack 200', 'nack 400', 'nack 0', 'ack'])
    expect(requests[3]?.headers).toMatchObject({ 'ce-knativeerrordest': SUBSCRIBER, 'ce-knativeerrorcode': '502' })
  })

  test('RSP-13 of nothing is a success under strict replies', async () => {
    const { once } = started({ strictReplies: true }, 200)
    expect(await once(new FakeDelivery('1'))).toEqual(['ack'])
  })
})

describe('a delivery', () => {
  test('handed out more than five times without outcome is parked before another request', async () => {
    const { once, urls } = started()
    expect(await once(new FakeDelivery('1', { handOuts: 6 }))).toEqual(['park NO_OUTCOME'])
    expect(urls()).toEqual([])
    expect(await once(new FakeDelivery('2', { handOuts: 5 }))).toEqual(['ack'])
  })

  test('under an order, in hand all through an outage, is parked so after twenty-five', async () => {
    const { once } = started({ order: 'key' })
    expect(await once(new FakeDelivery('1', { handOuts: 25 }))).toEqual(['ack'])
    expect(await once(new FakeDelivery('2', { handOuts: 26 }))).toEqual(['park NO_OUTCOME'])
  })

  test('of a trigger that is gone is parked under its name', async () => {
    const { once, urls, telemetry } = started()
    expect(await once(new FakeDelivery('1', { queue: 'gone' }))).toEqual(['park TRIGGER_DELETED'])
    expect([urls(), telemetry.read('dispatch_orphans_total')]).toEqual([[], 1])
  })

  test('of a trigger we may not have heard of yet is given back', async () => {
    const { once } = started()
    const ahead = new FakeDelivery('1', { queue: 'new', stamp: REVISION + 1 })
    expect(await once(ahead)).toEqual(['release 500'])
  })

  test('whose request we cut ourselves is given back uncounted', async () => {
    const { once, telemetry } = started({}, { kind: 'aborted' })
    expect(await once(new FakeDelivery('1'))).toEqual(['release 0'])
    expect(telemetry.read('dispatch_outcomes_total', { outcome: 'released' })).toBe(1)
  })

  test('on which we break down counts as a failed request', async () => {
    const { once, telemetry } = started()
    const event = { attributes: undefined, data: undefined, dataKind: undefined } as unknown as CloudEvent
    expect(await once(new FakeDelivery('1', { event }))).toEqual(['nack 200'])
    expect(telemetry.lines.at(-2)?.message).toBe('delivering an event failed inside')
  })
})
