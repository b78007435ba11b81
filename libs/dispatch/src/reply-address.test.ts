import { describe, expect, test } from '@jest/globals'
import type { DeliveryRow } from '@sluice/contract'
import { replyOf, SINK, SUBSCRIBER, started, withSink } from '../test/dispatching.ts'
import { eventOf, FakeDelivery, rowOf } from '../test/fake-queue.ts'

describe('a reply that goes to an address', () => {
  const REPLIES = 'http://replies.test/here'
  const toAddress = { replyLog: undefined, reply: { url: REPLIES, internal: false } } as unknown as Partial<DeliveryRow>

  test('is posted as it is, without the hop counter, once the subscriber has answered', async () => {
    const { once, requests, telemetry } = started(toAddress, replyOf(), 202)
    const event = eventOf('1', { knativebrokerttl: 9 })
    expect(await once(new FakeDelivery('1', { event, headers: { traceparent: 't' } }))).toEqual(['ack'])
    expect(requests.map(({ url }) => url)).toEqual([SUBSCRIBER, REPLIES])
    expect(requests[1]?.headers).toEqual({
      ...{ 'ce-specversion': '1.0', 'ce-id': 'r', 'ce-source': '/r', 'ce-type': 'reply' },
      ...{ 'kn-namespace': 'ns', traceparent: 't' },
    })
    expect(requests[1]?.request).toMatchObject({ wantsReply: false, body: Buffer.from('reply data') })
    expect(telemetry.read('dispatch_replies_total', { namespace: 'ns', trigger: rowOf().name, outcome: 'sent' })).toBe(
      1,
    )
  })

  test('keeps the hop counter of the event towards an address of this installation', async () => {
    const { once, requests } = started(
      { ...toAddress, reply: { url: REPLIES, internal: true } },
      replyOf(200, { more: ['ce-knativebrokerttl', '99'] }),
    )
    await once(new FakeDelivery('1', { event: eventOf('1', { knativebrokerttl: 9 }) }))
    expect(requests[1]?.headers['ce-knativebrokerttl']).toBe('9')
  })

  test.each([202, 204])('is none on a %i, or without an event', async (status) => {
    const { once, urls } = started(toAddress, status === 202 ? replyOf(202) : 204)
    expect([await once(new FakeDelivery('1')), urls()]).toEqual([['ack'], [SUBSCRIBER]])
  })

  test.each([503, 404, 429])('RPL-10 that answers %i fails the delivery, which is made again whole', async (status) => {
    const { toItsEnd, urls } = started(
      { ...toAddress, spec: { ...rowOf().spec, retry: 1 } },
      replyOf(),
      status,
      replyOf(),
    )
    expect((await toItsEnd(new FakeDelivery('1'))).ends).toEqual([expect.stringMatching(/^nack/), 'ack'])
    expect(urls()).toEqual([SUBSCRIBER, REPLIES, SUBSCRIBER, REPLIES])
  })

  test.each([400, 302])('that answers %i fails it for good: the event itself is dead-lettered', async (status) => {
    const { toItsEnd, requests } = started({ ...toAddress, ...withSink }, replyOf(), status)
    expect((await toItsEnd(new FakeDelivery('1'))).ends).toEqual(['nack 0', 'ack'])
    expect(requests.map(({ url }) => url)).toEqual([SUBSCRIBER, REPLIES, SINK])
    expect(requests[2]?.headers).toMatchObject({
      ...{ 'ce-id': '1', 'ce-knativeerrordest': REPLIES, 'ce-knativeerrorcode': `${status}` },
    })
  })

  test('that is no valid event is refused, and parked without a sink', async () => {
    const { once, urls } = started(toAddress, replyOf(200, { headers: ['ce-specversion', '1.0'] }))
    expect([await once(new FakeDelivery('1')), urls()]).toEqual([['park REPLY_FAILED'], [SUBSCRIBER]])
  })

  test('whose address is silent says nothing about the subscriber', async () => {
    const answers = Array.from({ length: 40 }, (_, n) =>
      n % 2 === 0 ? replyOf() : ({ kind: 'timeout', problem: 'silent' } as const),
    )
    const { once, program } = started({ ...toAddress, spec: { ...rowOf().spec, retry: 99 } }, ...answers)
    for (let n = 0; n < 20; n++) await once(new FakeDelivery(`${n}`))
    expect([program.destination('q')?.gate.isHeld, program.destination('q')?.gate.window()]).toEqual([false, 16])
  })

  test('is given back with the delivery where the dispatcher stops', async () => {
    const { once } = started(toAddress, replyOf(), { kind: 'aborted' })
    expect(await once(new FakeDelivery('1'))).toEqual(['release 0'])
  })
})
